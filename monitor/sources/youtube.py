"""YouTube: comments on channels and videos, and videos that a search finds. See docs/sources/youtube.md."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from monitor.errors import BudgetSpent, ConfigurationError, Refused, RetryLater, Uncertain
from monitor.settings import Duration
from monitor.sources.base import Capabilities, Cursor, Item, Page, Reject, Reply, SeenReply, first_of, gone
from monitor.sources.budget import Budget, Meter, owner
from monitor.sources.google import TOKEN_URL, ApiKey, ApiRefusal, Google, Refreshable
from monitor.sources.recheck import rechecking
from monitor.sources.rejects import UNREADABLE, read_each
from monitor.sources.walk import Batch, StaleTokenError, dated, walk
from monitor.sources.youtube_api import AT_ONCE, Api
from monitor.sources.youtube_items import (
    Thread,
    comment,
    is_video,
    own_answers,
    seen,
    thread_of,
    threads_of,
    video,
)

_MARGIN = timedelta(minutes=10)  # by which this machine's clock may be ahead of YouTube's
_ANSWER_PAGES = 5  # of a hundred answers in one thread
_QUERY_LENGTH = 400
_THREADS: Mapping[str, str] = {"part": "snippet,replies", "textFormat": "plainText"}
_COMMENTS: Mapping[str, str] = {"part": "snippet", "textFormat": "plainText"}


class YouTube:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True)
        api_key: SecretStr | None = Field(
            None, description="an API key of your project, FIRSTHOUR_SOURCES__NAME__API_KEY; enough for reading"
        )
        client_id: str | None = Field(None, description="for replies: OAuth client of the same project")
        client_secret: SecretStr | None = Field(None, description="for replies: its secret")
        refresh_token: SecretStr | None = Field(None, description="for replies: of the channel that answers")
        channels: list[str] = Field(
            default_factory=list, description="whose comments are read: @handle or id (UC...), one's own as a rule"
        )
        videos: list[str] = Field(default_factory=list, description="further videos whose comments are read, by id")
        search: bool = Field(True, description="search for videos")
        queries: list[str] = Field(default_factory=list, description="searches; default: the brands' words")
        search_every: Duration = Field(
            timedelta(minutes=30), description="time between two searches: 100 a day are free"
        )
        lookback: Duration = Field(timedelta(days=1), description="how far back the first poll reads")
        lag: Duration = Field(timedelta(minutes=10), description="comments are read again at each poll")
        search_lag: Duration = Field(
            timedelta(hours=2), description="videos are searched for again: they are found late"
        )
        recheck: Duration = Field(
            timedelta(days=2),
            description="what was read is asked for again for so long: finds edits, deletions and new answers",
        )
        daily_units: float = Field(10_000, gt=0, description="quota units of the project that may be spent in a day")
        daily_searches: float = Field(100, gt=0, description="searches of the project that may be made in a day")
        token_url: str = Field(TOKEN_URL, description="where tokens are given")
        base_url: str = Field("https://youtube.googleapis.com", description="where the API is")

        @field_validator("channels")
        @classmethod
        def _channels(cls, value: list[str]) -> list[str]:
            for channel in value:
                if not re.fullmatch(r"UC[\w-]{22}|@[^\s/@]{3,100}", channel):
                    raise ValueError(f'"{channel}" is no channel: "@acme", or an id of 24 characters, "UC..."')
            return list(dict.fromkeys(value))

        @field_validator("videos")
        @classmethod
        def _videos(cls, value: list[str]) -> list[str]:
            for each in value:
                if not is_video(each):
                    raise ValueError(f'"{each}" is no id of a video: the 11 characters after "v=" in its address')
            return list(dict.fromkeys(value))

        @model_validator(mode="after")
        def _credentials(self) -> YouTube.Options:
            oauth = [self.client_id, self.client_secret, self.refresh_token]
            if any(oauth) and not all(oauth):
                raise ValueError("replies need all of client_id, client_secret and refresh_token")
            if not any(oauth) and not self.api_key:
                raise ValueError("an api_key is needed; for replies also client_id, client_secret and refresh_token")
            if not (self.channels or self.videos or self.search):
                raise ValueError("there is nothing to read: give channels or videos, or let it search")
            return self

    def __init__(self, name: str, options: Options, terms: tuple[str, ...]) -> None:
        self.name = name
        self._options = options
        reader, writer = _signed_in(name, options)
        self._api = Api(name, reader, writer)
        self._queries = tuple(dict.fromkeys(options.queries or _packed(terms))) if options.search else ()
        secret = options.api_key or options.refresh_token
        project = owner("youtube", secret.get_secret_value() if secret else "")
        zone = "America/Los_Angeles"
        self.budgets = (
            Budget("units", project, options.daily_units, zone, kept=min(500, options.daily_units / 4)),
            Budget("searches", project, options.daily_searches, zone),
        )
        self.capabilities = Capabilities(
            reply=writer is not None,
            reply_limit=10_000,
            place="YouTube",
            sees_replies=True,
            edits=True,
            deletions=True,
            look_up=AT_ONCE,
            parents=AT_ONCE,
        )
        self._channel_ids: dict[str, str] = {}
        self._own: tuple[str, str] | None = None  # id and handle of the channel that answers

    @property
    def meter(self) -> Meter:
        return self._api.meter

    @meter.setter
    def meter(self, meter: Meter) -> None:
        self._api.meter = meter

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        return rechecking(
            cursor, now, self._options.recheck, AT_ONCE, lambda before: self._new(before, now), self._again
        )

    def _new(self, cursor: Cursor | None, now: datetime) -> Page:
        """Comments; then, when it is time, the search. Each has a cursor of its own."""
        before, seconds = dict(cursor or {}), int(now.timestamp())
        first = int((now - self._options.lookback).timestamp())
        if before.get("searching"):
            try:
                page = walk(before.get("videos"), self._queries, first, seconds, self._found)
            except BudgetSpent:  # which must not keep the comments from being read
                page = Page((), before.get("videos") or {})
            searched = before.get("searched", 0) if page.more else seconds
            return replace(page, cursor=before | {"videos": page.cursor, "searched": searched, "searching": page.more})
        lists = [*self._options.channels, *self._options.videos]
        page = walk(before.get("comments"), lists, first, seconds, self._commented)
        waited = seconds - before.get("searched", 0)
        due = not 0 <= waited < self._options.search_every.total_seconds() and bool(self._queries) and not page.more
        return replace(page, cursor=before | {"comments": page.cursor, "searching": due}, more=page.more or due)

    def _commented(self, name: str, mark: int, token: str | None) -> Batch:
        """A page of threads, those with the newest first comment at its top."""
        where = {"videoId": name} if is_video(name) else {"allThreadsRelatedToChannelId": self._channel_id(name)}
        given = {"pageToken": token} if token else {}
        try:
            found, older = self._api.ask("commentThreads", order="time", maxResults=100, **_THREADS, **where, **given)
        except ApiRefusal as error:
            if token and error.status == 400:
                raise StaleTokenError from error
            if error.status in (403, 404):  # comments are off, or the video is gone or private
                return Batch((), None, rejects=(Reject(f"{name}: {error.words}", "", f"{name} {error.status}"),))
            raise RetryLater(f"sources.{self.name}: {error}") from error
        threads, rejects = threads_of(found)
        seconds = [int(each.comments[0].posted_at.timestamp()) for each in threads]
        arrived = bool(seconds) and min(seconds) < mark - self._options.lag.total_seconds()
        items = tuple(item for each in threads for item in each.comments)
        return Batch(items, max(seconds, default=None), None if arrived else older, tuple(rejects))

    def _found(self, query: str, mark: int, token: str | None) -> Batch:
        """A page of videos. The search gives beginnings of their descriptions; a second call gives them whole."""
        since = datetime.fromtimestamp(mark - self._options.search_lag.total_seconds(), UTC)
        given = {"pageToken": token} if token else {}
        try:
            hits, older = self._api.ask(
                "search",
                part="id",
                q=query,
                type="video",
                order="date",
                maxResults=50,
                publishedAfter=f"{since:%Y-%m-%dT%H:%M:%SZ}",
                **given,
            )
        except ApiRefusal as error:
            if token and error.status == 400:
                raise StaleTokenError from error
            # a search that is refused must not keep the comments from being read, so it is no error of the source
            return Batch((), None, rejects=(Reject(f"search for {query}: {error.words}", "", f"search {query}"),))
        ids = [
            str(hit["id"].get("videoId")) for hit in hits if isinstance(hit, dict) and isinstance(hit.get("id"), dict)
        ]
        items, rejects = self._videos([each for each in ids if is_video(each)])
        return dated(items, rejects, mark, self._options.search_lag, older)

    def _again(self, asked: dict[str, datetime]) -> tuple[Sequence[Item], Sequence[Reject]]:
        """What was read lately as it stands now, with the answers that came since."""
        items, rejects = self._videos([each for each in asked if is_video(each)])
        threads, unreadable = self._whole([each for each in asked if not is_video(each) and "." not in each])
        items += [item for each in threads for item in each.comments]
        left = set(asked) - {item.external_id for item in items}
        answers, more = read_each(
            self._api.by_ids("comments", [each for each in left if "." in each], **_COMMENTS), comment
        )
        items, rejects = items + answers, [*rejects, *unreadable, *more]
        return items + _missing(asked, items, rejects), rejects

    def look_up(self, external_ids: tuple[str, ...]) -> tuple[Item, ...]:
        videos, rejects = self._videos([each for each in external_ids if is_video(each)])
        ids = [each for each in external_ids if not is_video(each)]
        comments, more = read_each(self._api.by_ids("comments", ids, **_COMMENTS), comment)
        items = videos + comments
        return tuple(items + _missing(external_ids, items, rejects + more))

    parents = look_up

    def _whole(self, ids: Sequence[str]) -> tuple[list[Thread], list[Reject]]:
        """Threads with all of their answers: YouTube gives five with a thread, and the others only to who asks."""
        threads, rejects = threads_of(self._api.by_ids("commentThreads", ids, **_THREADS))
        for place, each in enumerate(threads):
            if not each.whole:
                answers: dict[str, Item] = {}
                for page in self._api.pages("comments", _ANSWER_PAGES, parentId=each.id, **_COMMENTS):
                    found, unreadable = read_each(page, comment)
                    answers |= {item.external_id: item for item in found}
                    rejects += unreadable
                threads[place] = replace(each, comments=(each.comments[0], *answers.values()))
        return threads, rejects

    def _videos(self, ids: Sequence[str]) -> tuple[list[Item], list[Reject]]:
        return read_each(self._api.by_ids("videos", ids, part="snippet,statistics"), video)

    def _channel_id(self, name: str) -> str:
        if not name.startswith("@"):
            return name
        if name not in self._channel_ids:
            found = self._api.get("channels", part="id", forHandle=name)
            if not found:
                raise ConfigurationError(f"sources.{self.name}.channels", f"YouTube knows no channel {name}")
            self._channel_ids[name] = str(found[0]["id"])
        return self._channel_ids[name]

    def check(self) -> str:
        for channel in self._options.channels:
            found = self._api.get("channels", part="id", id=self._channel_id(channel))
            if not found:
                raise ConfigurationError(f"sources.{self.name}.channels", f"YouTube knows no channel {channel}")
        if not self._options.channels:
            self._api.get("i18nRegions", part="snippet")
        places = f"{len(self._options.channels)} channels, {len(self._options.videos)} videos"
        said = f"reached; {places}, {len(self._queries)} searches"
        return f"{said}; replies as @{self._account()[1]}" if self.capabilities.reply else said

    def replies_to(
        self, external_ids: tuple[str, ...], accounts: frozenset[str], besides: frozenset[str] = frozenset()
    ) -> Mapping[str, SeenReply]:
        """Reads the threads, fifty at each call, and the newest comments of the videos."""
        if not accounts:
            return {}
        videos, _ = self._videos([each for each in external_ids if is_video(each)])
        threads, _ = self._whole(list({thread_of(each): None for each in external_ids if not is_video(each)}))
        mentions = {item.external_id: (item, each.comments) for each in threads for item in each.comments}
        for each in videos:
            mentions[each.external_id] = (each, self._below(each.external_id))
        asked = {each: mentions[each] for each in external_ids if each in mentions}
        firsts = {each: first_of(own_answers(*found, accounts), besides) for each, found in asked.items()}
        return {each: reply for each, reply in firsts.items() if reply is not None}

    def _below(self, external_id: str) -> tuple[Item, ...]:
        try:
            found, _ = self._api.ask("commentThreads", videoId=external_id, order="time", maxResults=100, **_THREADS)
        except ApiRefusal:
            return ()  # comments are off
        return tuple(each.comments[0] for each in threads_of(found)[0])

    def reply(self, reply: Reply, now: datetime) -> SeenReply:
        """An answer stands under the thread's first comment, whatever comment of it is answered."""
        text = {"textOriginal": reply.text}
        try:
            if is_video(reply.to):
                below = {"videoId": reply.to, "topLevelComment": {"snippet": text}}
                found = self._api.insert("commentThreads", below)["snippet"]["topLevelComment"]
            else:
                found = self._api.insert("comments", {"parentId": thread_of(reply.to)} | text)
            return seen(comment(found))
        except ApiRefusal as error:
            raise Refused(f"YouTube does not take it: {error.words}") from error
        except UNREADABLE as error:
            raise Uncertain(f"sources.{self.name}: the answer to a comment holds no comment") from error

    def find_reply(self, reply: Reply) -> SeenReply | None:
        own, _ = self._account()
        if is_video(reply.to):
            comments: Sequence[Item] = self._below(reply.to)
        else:
            threads, _ = self._whole([thread_of(reply.to)])
            comments = [item for each in threads for item in each.comments[1:]]
        for each in comments:
            ours = (each.author.url or "").endswith(own) and each.posted_at >= reply.since - _MARGIN
            if ours and each.text.split() == reply.text.split():
                return seen(each)
        return None

    def barrier(self, mention: str) -> str | None:
        return None

    def close(self) -> None:
        self._api.close()

    def _account(self) -> tuple[str, str]:
        if self._own is None:
            found = self._api.own_channels()
            try:
                self._own = str(found[0]["id"]), str(found[0]["snippet"].get("customUrl", "")).removeprefix("@")
            except (*UNREADABLE, IndexError):
                problem = "the account that gave the refresh_token has no channel"
                raise ConfigurationError(f"sources.{self.name}.refresh_token", problem) from None
        return self._own


def _missing(asked: Collection[str], items: Sequence[Item], rejects: Sequence[Reject]) -> list[Item]:
    """Those of `asked` that are shown no more; what cannot be read is there all the same."""
    there = {item.external_id for item in items} | {each.external_id for each in rejects}
    return [gone(each) for each in asked if each not in there]


def _signed_in(name: str, options: YouTube.Options) -> tuple[Google, Google | None]:
    """Who reads and who writes."""
    writer = None
    if options.client_id and options.client_secret and options.refresh_token:
        lasting = Refreshable(options.client_id, options.client_secret, options.refresh_token, options.token_url)
        writer = Google(name, lasting, options.base_url)
    reader = Google(name, ApiKey(options.api_key), options.base_url) if options.api_key else writer
    assert reader is not None  # Options sees to it
    return reader, writer


def _packed(terms: tuple[str, ...]) -> list[str]:
    """As few searches as possible; "|" is YouTube's OR."""
    queries: list[str] = []
    for term in terms:
        operand = '"' + " ".join(term.replace('"', " ").replace("|", " ").split()) + '"'
        if queries and len(queries[-1]) + 1 + len(operand) <= _QUERY_LENGTH:
            queries[-1] += f"|{operand}"
        else:
            queries.append(operand)
    return queries
