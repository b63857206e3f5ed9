"""Google Business Profile: the reviews of places on Google Maps and Search. See docs/sources/google_business.md."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from monitor.clock import aware
from monitor.errors import ConfigurationError, Refused, RetryLater
from monitor.settings import Duration
from monitor.sources.base import Author, Capabilities, Cursor, Item, Page, Reply, SeenReply, gone
from monitor.sources.google import TOKEN_URL, ApiRefusal, Google, Refreshable
from monitor.sources.one_answer import Answered, answer_id, answers_in, owners_answer
from monitor.sources.rejects import UNREADABLE, read_each
from monitor.sources.walk import Batch, StaleTokenError, dated, walk

_STARS = {"ONE": 1.0, "TWO": 2.0, "THREE": 3.0, "FOUR": 4.0, "FIVE": 5.0}
_PAGE = 50  # Google's most
_LOOK_UP = 10  # Google shows one at a time
_ANSWER_PAGES = 4  # of each location, looked through for answers
_OWNER = "the owner"
_TRANSLATED, _ORIGINAL = "(Translated by Google)", "(Original)"


class GoogleBusiness:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True)
        locations: list[str] = Field(min_length=1, description="places, each as accounts/1/locations/2")
        client_id: str = Field(min_length=1, description="OAuth client of a project to which Google gave access")
        client_secret: SecretStr = Field(min_length=1, description="its secret, FIRSTHOUR_SOURCES__NAME__CLIENT_SECRET")
        refresh_token: SecretStr = Field(min_length=1, description="of an account that manages the places")
        lookback: Duration = Field(timedelta(days=30), description="how far back the first poll reads")
        lag: Duration = Field(timedelta(days=1), description="read again at each poll: reviews are listed late")
        token_url: str = Field(TOKEN_URL, description="where tokens are given")
        base_url: str = Field("https://mybusiness.googleapis.com/v4", description="where the API is")

        @field_validator("locations")
        @classmethod
        def _names(cls, value: list[str]) -> list[str]:
            for location in value:
                if not re.fullmatch(r"accounts/\w+/locations/\w+", location, re.ASCII):
                    raise ValueError(f'"{location}" is no location: write it as accounts/1/locations/2')
            return list(dict.fromkeys(value))

    capabilities = Capabilities(
        reply=True,
        reply_limit=4_096,
        counting="bytes",
        place="Google",
        sees_replies=True,
        one_answer=True,
        edits=True,
        look_up=_LOOK_UP,
    )

    def __init__(self, name: str, options: Options, terms: tuple[str, ...]) -> None:
        self.name = name
        self._options = options
        lasting = Refreshable(options.client_id, options.client_secret, options.refresh_token, options.token_url)
        self._google = Google(name, lasting, options.base_url)

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        first = int((now - self._options.lookback).timestamp())
        return walk(cursor, self._options.locations, first, int(now.timestamp()), self._read)

    def _read(self, location: str, mark: int, token: str | None) -> Batch:
        reviews, older = self._list(location, token)
        items, rejects = read_each(reviews, _item)
        return dated(items, rejects, mark, self._options.lag, older)

    def _list(self, location: str, token: str | None = None) -> tuple[list[Any], str | None]:
        """A page of a location's reviews, the last written or edited at its top, and the token of the next."""
        params: dict[str, str | int] = {"pageSize": _PAGE, "orderBy": "updateTime desc"}
        if token:
            params["pageToken"] = token
        try:
            answer = self._google.ask("GET", f"{location}/reviews", params)
        except ApiRefusal as error:
            if token and error.status == 400:
                raise StaleTokenError from error
            if error.status == 404:
                problem = f"Google knows no {location} of this account, or it is not verified"
                raise ConfigurationError(f"sources.{self.name}.locations", problem) from error
            raise self._google.unforeseen(error) from error
        reviews, older = answer.get("reviews", []), answer.get("nextPageToken")
        if not isinstance(reviews, list):
            raise RetryLater(f"sources.{self.name}: the answer is no list of reviews")
        return reviews, older if isinstance(older, str) and older else None

    def _get(self, external_id: str) -> dict[str, Any] | None:
        try:
            return self._google.ask("GET", external_id)
        except ApiRefusal as error:
            if error.status == 404:
                return None
            raise self._google.unforeseen(error) from error

    def check(self) -> str:
        for location in self._options.locations:
            self._list(location)
        return f"reached; reviews of {len(self._options.locations)} locations"

    def replies_to(
        self, external_ids: tuple[str, ...], accounts: frozenset[str], besides: frozenset[str] = frozenset()
    ) -> Mapping[str, SeenReply]:
        """Reads the lists of the locations in question, which show each answer."""
        found: dict[str, SeenReply] = {}
        for location in dict.fromkeys(each.partition("/reviews/")[0] for each in external_ids):
            wanted = [each for each in external_ids if each.startswith(f"{location}/reviews/")]
            found |= answers_in((map(_answered, page) for page in self._pages(location)), wanted, besides)
        return found

    def _pages(self, location: str) -> Iterator[list[Any]]:
        token: str | None = None
        for _ in range(_ANSWER_PAGES):
            try:
                reviews, token = self._list(location, token)
            except StaleTokenError:
                return
            yield reviews
            if token is None:
                return

    def look_up(self, external_ids: tuple[str, ...]) -> tuple[Item, ...]:
        found = []
        for each in external_ids:
            review = self._get(each)
            try:
                found.append(_item(review) if review else gone(each))
            except UNREADABLE as error:
                raise RetryLater(f"sources.{self.name}: {each} is not readable: {error}") from error
        return tuple(found)

    def reply(self, reply: Reply, now: datetime) -> SeenReply:
        try:
            said = self._google.ask("PUT", f"{reply.to}/reply", body={"comment": reply.text})
        except ApiRefusal as error:
            if error.status in (400, 404):
                raise Refused(f"Google does not take it: {error.words}") from error
            raise self._google.unforeseen(error) from error
        if _rejected(said):
            raise Refused(f"Google does not show it, because of its policy: {said.get('policyViolation', 'no reason')}")
        try:
            at = _moment(said["updateTime"])
        except UNREADABLE:
            at = now
        return owners_answer(reply.to, reply.text, at, _OWNER)

    def find_reply(self, reply: Reply) -> SeenReply | None:
        answer = _answered(self._get(reply.to)).answer
        return answer if answer is not None and answer.external_id == answer_id(reply.to, reply.text) else None

    def barrier(self, mention: str) -> str | None:
        return None

    def close(self) -> None:
        self._google.close()


def _item(review: dict[str, Any]) -> Item:
    """Stars without words say nothing that could be judged or answered: such a review is left out, and one whose
    words were taken away loses them here."""
    external_id, about = review["name"], review.get("reviewer") or {}
    if not isinstance(external_id, str) or not re.fullmatch(r"accounts/\w+/locations/\w+/reviews/[\w-]+", external_id):
        raise ValueError(f"the name is {external_id!r}")
    words = _words(review.get("comment") or "")
    anonymous, name, page = about.get("isAnonymous"), about.get("displayName"), review.get("reviewReplyUrl")
    return Item(
        external_id=external_id,
        text=words,
        posted_at=_moment(review["updateTime"]),
        url=page if isinstance(page, str) and page.startswith("https://") else None,
        author=Author(name=name if isinstance(name, str) and not anonymous else None),
        rating=_STARS[review["starRating"]],
        removed=not words,
    )


def _words(comment: str) -> str:
    """What the customer wrote: Google puts its translation before or behind it."""
    if _TRANSLATED not in comment:
        return comment.strip()
    before, _, after = comment.partition(_TRANSLATED)
    _, found, original = after.partition(_ORIGINAL)
    return (original if found else before).strip() or comment.strip()


def _answered(review: Any) -> Answered:
    external_id = str(review.get("name")) if isinstance(review, dict) else ""
    try:
        said = review["reviewReply"]
        if _rejected(said):
            return Answered(external_id)
        answer = owners_answer(external_id, said["comment"], _moment(said["updateTime"]), _OWNER)
        return Answered(external_id, _moment(review["updateTime"]), answer)
    except UNREADABLE:
        return Answered(external_id)


def _rejected(answer: Mapping[str, Any]) -> bool:
    """Google looks at an answer before it shows it."""
    return "REJECTED" in (answer.get("reviewReplyState"), answer.get("state"))


def _moment(value: Any) -> datetime:
    return aware(datetime.fromisoformat(value)).astimezone(UTC)
