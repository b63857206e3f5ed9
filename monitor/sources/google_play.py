"""Google Play: the reviews of one app, through the Android Publisher API. See docs/sources/google_play.md."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from monitor.errors import ConfigurationError, Refused, RetryLater, Uncertain
from monitor.settings import Duration
from monitor.sources.base import Author, Capabilities, Cursor, Item, Page, Reject, Reply, SeenReply, engagement
from monitor.sources.google import ApiRefusal, Google, ServiceAccount
from monitor.sources.one_answer import Answered, answer_id, answers_in, owners_answer
from monitor.sources.rejects import UNREADABLE, read_each
from monitor.sources.walk import Batch, StaleTokenError, dated, walk

WEEK = timedelta(days=7)  # Google lists what was written or edited in the last seven days, and nothing older
_SCOPE = "https://www.googleapis.com/auth/androidpublisher"
_SHOP = "https://play.google.com/store/apps/details"
_OWNER = "the developer"
_LANGUAGE = re.compile(r"[A-Za-z]{2}(?![A-Za-z])")
_PAGE = 100
_ANSWER_PAGES = 5  # looked through for answers, newest review first


class GooglePlay:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True)
        package: str = Field(
            pattern=r"^[A-Za-z]\w*(\.[A-Za-z]\w*)+$", description="the app's package name, such as com.acme.shop"
        )
        service_account: SecretStr = Field(
            min_length=1,
            description="key of a service account: the path of its JSON file, or, by "
            "FIRSTHOUR_SOURCES__NAME__SERVICE_ACCOUNT_FILE, the file itself",
        )
        lookback: Duration = Field(WEEK, description="how far back the first poll reads, 7 days at most")
        lag: Duration = Field(timedelta(days=1), description="read again at each poll: reviews are listed late")
        base_url: str = Field("https://androidpublisher.googleapis.com", description="where the API is")

    capabilities = Capabilities(
        reply=True, reply_limit=350, place="Google Play", sees_replies=True, one_answer=True, edits=True, window=WEEK
    )

    def __init__(self, name: str, options: Options, terms: tuple[str, ...]) -> None:
        self.name = name
        self._options = options
        self._google = Google(name, ServiceAccount(options.service_account, _SCOPE), options.base_url)

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        def read(_: str, mark: int, token: str | None) -> Batch:
            return self._read(mark, token)

        seconds = int(now.timestamp())
        first = int((now - min(self._options.lookback, WEEK)).timestamp())
        page = walk(cursor, ["reviews"], first, seconds, read)
        # a quiet app has an old mark, so what was missed is told by when the list was last read to its end
        last = int((cursor or {}).get("read", seconds))
        missed = () if page.more or seconds - last <= WEEK.total_seconds() else (_gap(last, now),)
        read_at = last if page.more and cursor else seconds
        return replace(page, cursor={**page.cursor, "read": read_at}, rejects=page.rejects + missed)

    def _read(self, mark: int, token: str | None) -> Batch:
        reviews, older = self._list(token)
        items, rejects = read_each(reviews, self._item)
        return dated(items, rejects, mark, self._options.lag, older)

    def _list(self, token: str | None) -> tuple[list[Any], str | None]:
        """A page, the review that was written or edited last at its top, and the token of the next."""
        given = {"token": token} if token else {}
        try:
            answer = self._google.call(self._reviews.list(packageName=self._package, maxResults=_PAGE, **given))
        except ApiRefusal as error:
            if token and error.status == 400:
                raise StaleTokenError from error
            if error.status == 404:
                problem = f"Google Play knows no app {self._package} of this account"
                raise ConfigurationError(f"sources.{self.name}.package", problem) from error
            raise self._google.unforeseen(error) from error
        reviews = answer.get("reviews", [])
        if not isinstance(reviews, list):
            raise RetryLater(f"sources.{self.name}: the answer is no list of reviews")
        pages = answer.get("tokenPagination")
        older = pages.get("nextPageToken") if isinstance(pages, dict) else None
        return reviews, older if isinstance(older, str) else None

    def check(self) -> str:
        reviews, _ = self._list(None)
        count = f"{len(reviews)} or more" if len(reviews) == _PAGE else str(len(reviews))
        return f"reached; {count} reviews with words in the last 7 days, which is all that Google lists"

    def replies_to(
        self, external_ids: tuple[str, ...], accounts: frozenset[str], besides: frozenset[str] = frozenset()
    ) -> Mapping[str, SeenReply]:
        """Reads the list, which shows each answer: one call for a hundred reviews, where the quota counts calls."""
        return answers_in((map(_answered, page) for page in self._pages()), external_ids, besides)

    def _pages(self) -> Iterator[list[Any]]:
        token: str | None = None
        for _ in range(_ANSWER_PAGES):
            try:
                reviews, token = self._list(token)
            except StaleTokenError:
                return
            yield reviews
            if token is None:
                return

    def reply(self, reply: Reply, now: datetime) -> SeenReply:
        call = self._reviews.reply(packageName=self._package, reviewId=reply.to, body={"replyText": reply.text})
        try:
            result = self._google.call(call).get("result")
        except ApiRefusal as error:
            if error.status in (400, 404):
                raise Refused(f"Google Play does not take it: {error.words}") from error
            raise self._google.unforeseen(error) from error
        if not isinstance(result, dict):
            raise Uncertain(f"sources.{self.name}: the answer to a reply holds no reply")
        try:
            at = _moment(result["lastEdited"])
        except UNREADABLE:
            at = now
        return owners_answer(reply.to, reply.text, at, _OWNER)

    def find_reply(self, reply: Reply) -> SeenReply | None:
        try:
            review = self._google.call(self._reviews.get(packageName=self._package, reviewId=reply.to))
        except ApiRefusal as error:
            if error.status == 404:
                return None
            raise self._google.unforeseen(error) from error
        answer = _answered(review).answer
        return answer if answer is not None and answer.external_id == answer_id(reply.to, reply.text) else None

    def barrier(self, mention: str) -> str | None:
        return None

    def close(self) -> None:
        self._google.close()

    @property
    def _package(self) -> str:
        return self._options.package

    @property
    def _reviews(self) -> Any:
        return self._google.service("androidpublisher", "v3").reviews()

    def _item(self, review: dict[str, Any]) -> Item:
        said = _comment(review, "userComment")
        if said is None:
            raise ValueError("a review without a comment of its author")
        rating, text = said["starRating"], said["text"]
        if not isinstance(rating, int) or not 1 <= rating <= 5:
            raise ValueError(f"a rating of {rating!r}")
        if not isinstance(text, str):
            raise TypeError("the text is no text")
        external_id, name, language = review["reviewId"], review.get("authorName"), said.get("reviewerLanguage")
        if not isinstance(external_id, str) or not external_id:
            raise TypeError(f"the id is {external_id!r}")
        return Item(
            external_id=external_id,
            text="\n\n".join(part for each in text.split("\t") if (part := each.strip())),  # title, tab, words
            posted_at=_moment(said["lastModified"]),
            url=f"{_SHOP}?id={quote(self._package)}&reviewId={quote(external_id, safe='')}",
            author=Author(name=name if isinstance(name, str) else None),  # the same name may be two people
            rating=float(rating),
            engagement=engagement(likes=said.get("thumbsUpCount")),
            language=language[:2].lower() if isinstance(language, str) and _LANGUAGE.match(language) else None,
        )


def _comment(review: dict[str, Any], kind: str) -> dict[str, Any] | None:
    for each in review["comments"]:
        if isinstance(found := each.get(kind), dict):
            return found
    return None


def _answered(review: Any) -> Answered:
    external_id = str(review.get("reviewId")) if isinstance(review, dict) else ""
    try:
        asked, said = _comment(review, "userComment"), _comment(review, "developerComment")
        if said is None:
            return Answered(external_id)
        answer = owners_answer(external_id, said["text"], _moment(said["lastModified"]), _OWNER)
        return Answered(external_id, _moment(asked["lastModified"]) if asked else None, answer)
    except UNREADABLE:
        return Answered(external_id)


def _moment(stamp: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(int(stamp["seconds"]), UTC) + timedelta(
        microseconds=int(stamp.get("nanos", 0)) // 1000
    )


def _gap(last: int, now: datetime) -> Reject:
    """What a pause of more than a week has cost, for people to see."""
    begin, end = datetime.fromtimestamp(last, UTC), now - WEEK
    reason = (
        f"not read from {begin:%Y-%m-%d %H:%M} to {now:%Y-%m-%d %H:%M}: what was written before {end:%Y-%m-%d %H:%M} is"
    )
    return Reject(f"{reason} no longer listed by Google", "", f"gap {last}")
