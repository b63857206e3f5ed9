"""Mastodon, one instance: hashtags, mentions, search, and a public timeline. See docs/sources/mastodon.md.

Mastodon.py signs and sends; the paging is ours, by the time of posting: ids are the instance's own business (snowflakes
on Mastodon, ULIDs on others), and what comes from other instances arrives late, with its old time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from monitor.errors import GiveUp, Refused, RetryLater
from monitor.settings import Duration
from monitor.sources import mastodon_posts as posts
from monitor.sources.base import Capabilities, Cursor, Item, Page, Reject, Reply, SeenReply, gone
from monitor.sources.http import MissingError
from monitor.sources.live_line import LiveLine
from monitor.sources.mastodon_api import Instance
from monitor.sources.mastodon_stream import MastodonStream
from monitor.sources.own_replies import OwnReplies
from monitor.sources.recheck import one_by_one, rechecking
from monitor.sources.walk import Batch, walk

_PAGE = 40  # the most that Mastodon gives at once
_AGAIN = 20  # posts that are looked at again at each poll: the most that Mastodon gives by their ids
_NAME_ROOM = 32  # characters of a reply that are left to the name of who is answered
_SILENCE = 90.0  # seconds; Mastodon gives a sign of life every thirty


class Mastodon:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True)
        base_url: str = Field(description="the instance's address, such as https://mastodon.social")
        access_token: SecretStr | None = Field(
            None, description="of an application of your account, FIRSTHOUR_SOURCES__NAME__ACCESS_TOKEN"
        )
        hashtags: list[str] | None = Field(
            None, description="read whole, without #; default: those of the brands' words that are one word"
        )
        mentions: bool = Field(True, description="read where the account was mentioned; needs the token")
        search: bool = Field(
            True, description="search for the brands' words; needs the token, and an instance that can search posts"
        )
        queries: list[str] = Field(default_factory=list, description="searches; default: the brands' words")
        timeline: Literal["none", "local", "public"] = Field(
            "none", description="a timeline read whole: the instance's own posts, or all that it knows of"
        )
        stream: bool = Field(True, description="hear hashtags, mentions and the timeline as they come too")
        lookback: Duration = Field(timedelta(days=1), description="how far back the first poll reads")
        lag: Duration = Field(
            timedelta(minutes=30), description="read again at each poll: posts of other instances turn up late"
        )
        recheck: Duration = Field(
            timedelta(days=2), description="what was read is asked for again for so long: finds edits and deletions"
        )

        @field_validator("base_url")
        @classmethod
        def _web(cls, value: str) -> str:
            if urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname:
                raise ValueError("write the whole address, such as https://mastodon.social")
            return value.rstrip("/")

        @field_validator("hashtags")
        @classmethod
        def _tags(cls, value: list[str] | None) -> list[str] | None:
            tags = [tag.removeprefix("#").lower() for tag in value or ()]
            for tag in tags:
                if not re.fullmatch(r"\w+", tag):
                    raise ValueError(f'"{tag}" is no hashtag: letters, digits and _')
            return None if value is None else list(dict.fromkeys(tags))

        @model_validator(mode="after")
        def _something(self) -> Mastodon.Options:
            if self.queries and not (self.search and self.access_token):
                raise ValueError("queries need an access_token, and search")
            return self

    silence = _SILENCE

    def __init__(self, name: str, options: Options, terms: tuple[str, ...]) -> None:
        self.name = name
        self._options = options
        token = options.access_token.get_secret_value() if options.access_token else None
        self._token = token
        self._tags = options.hashtags if options.hashtags is not None else _tags(terms)
        self._lists = self._what_is_read(terms)
        self._instance = Instance(name, options.base_url, token)
        self.capabilities = self._can()
        self._replies = OwnReplies(options.lag)

    def _can(self) -> Capabilities:
        """With the instance's own limit of length, once it was asked."""
        return Capabilities(
            reply=self._token is not None,
            reply_limit=self._instance.longest - _NAME_ROOM,
            place=urlsplit(self._options.base_url).hostname,
            sees_replies=True,
            edits=True,
            deletions=True,
            look_up=_AGAIN,
            parents=_AGAIN,
            stream=self._options.stream and self._token is not None,
        )

    def _what_is_read(self, terms: tuple[str, ...]) -> dict[str, tuple[str, dict[str, Any]]]:
        """The method and what it is given, under the name that the list has in the cursor."""
        options = self._options
        lists: dict[str, tuple[str, dict[str, Any]]] = {}
        for tag in self._tags:
            lists[f"#{tag}"] = ("timeline_hashtag", {"hashtag": tag})
        if options.mentions and self._token:
            lists["mentions"] = ("notifications", {"types": ["mention"]})
        if options.search and self._token:
            for query in options.queries or [term if " " not in term else f'"{term}"' for term in terms]:
                lists[f"search {query}"] = ("search_v2", {"q": query, "result_type": "statuses", "resolve": False})
        if options.timeline != "none":
            lists[f"timeline {options.timeline}"] = ("timeline", {"timeline": options.timeline})
        return lists

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        self._instance.learn()
        self.capabilities = self._can()
        first, latest = int((now - self._options.lookback).timestamp()), int(now.timestamp())

        def read(cursor: Cursor | None) -> Page:
            return walk(cursor, tuple(self._lists), first, latest, self._read)

        return rechecking(cursor, now, self._options.recheck, _AGAIN, read, self._look_again)

    def _read(self, name: str, mark: int, token: Any) -> Batch:
        method, given = self._lists[name]
        entries = self._instance.ask(method, **given, limit=_PAGE, max_id=token)
        entries = entries.get("statuses") if method == "search_v2" and isinstance(entries, dict) else entries
        if not isinstance(entries, list):
            raise RetryLater(f"sources.{self.name}: the answer for {name} is no list")
        statuses = [posts.status_of(entry) for entry in entries] if method == "notifications" else entries
        items, rejects = posts.items(statuses)
        seconds = posts.seconds(entries)
        arrived = bool(seconds) and min(seconds) < mark - self._options.lag.total_seconds()
        older = posts.name_of(entries[-1]) if entries and not arrived else None
        return Batch(tuple(items), max(seconds, default=None), older if older != token else None, tuple(rejects))

    def _look_again(self, asked: dict[str, datetime]) -> tuple[list[Item], list[Reject]]:
        """Whatever is not among the answer is asked for by itself: an id too few must not delete anything here."""
        items, rejects = posts.items(self._statuses(list(asked)))
        there = {item.external_id for item in items}
        missing = [each for each in asked if each not in there][: _AGAIN if there else _AGAIN // 4]
        again, more = one_by_one({each: asked[each] for each in missing}, self._status_item)
        return [*items, *again], [*rejects, *more]

    def look_up(self, external_ids: tuple[str, ...]) -> tuple[Item, ...]:
        return tuple(self._look_again({each: gone(each).posted_at for each in external_ids})[0]) if external_ids else ()

    def parents(self, external_ids: tuple[str, ...]) -> tuple[Item, ...]:
        """Those that anybody may read: the account's token may show more."""
        shown = self._statuses(list(external_ids)) or filter(None, map(self._status, external_ids))
        return tuple(posts.items(shown)[0])

    def _statuses(self, external_ids: list[str]) -> list[Any]:
        """What the instance shows of these; nothing where it cannot be asked for many at once."""
        try:
            answer = self._instance.ask("statuses", ids=external_ids) if external_ids else []
        except MissingError:  # Mastodon before 4.3, and others
            return []
        return answer if isinstance(answer, list) else []

    def _status(self, external_id: str) -> Any:
        try:
            return self._instance.ask("status", external_id)
        except MissingError:
            return None

    def _status_item(self, external_id: str) -> Item | None:
        status = self._status(external_id)
        try:
            return posts.item(status) if status is not None else None
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise RetryLater(f"sources.{self.name}: post {external_id} is not readable: {error}") from error

    def listen(self) -> MastodonStream:
        url = self._instance.streaming()
        line = LiveLine(self.name, url, {"Authorization": f"Bearer {self._token}"}, self.silence)
        streams: list[dict[str, str]] = [{"stream": "hashtag", "tag": tag} for tag in self._tags]
        if self._options.mentions:
            streams.append({"stream": "user:notification"})
        if self._options.timeline != "none":
            streams.append({"stream": "public:local" if self._options.timeline == "local" else "public"})
        return MastodonStream(self.name, line, streams)

    def check(self) -> str:
        found = self._instance.check()
        return f"{found}; {len(self._lists)} lists"

    def replies_to(
        self, external_ids: tuple[str, ...], accounts: frozenset[str], besides: frozenset[str] = frozenset()
    ) -> Mapping[str, SeenReply]:
        """Reads the newest posts of each account, and later only what is new."""
        for account in sorted(accounts) if external_ids else ():
            if re.fullmatch(r"[\w.-]+(@[\w.-]+)?", account, re.ASCII):
                self._replies.read(account, partial(self._posted, account))
        return self._replies.firsts(external_ids, besides)

    def _posted(self, account: str, older: str | None) -> tuple[list[Item], str | None]:
        account_id = self._instance.account_id(account)
        if account_id is None:
            return [], None  # another service's account of the brand
        entries = self._own(account_id, older)
        return posts.items(entries)[0], posts.name_of(entries[-1]) if entries else None

    def _own(self, account_id: str, older: str | None = None) -> list[Any]:
        found = self._instance.ask("account_statuses", account_id, exclude_reblogs=True, limit=_PAGE, max_id=older)
        if not isinstance(found, list):
            raise RetryLater(f"sources.{self.name}: the answer for an account's posts is no list")
        return found

    def reply(self, reply: Reply, now: datetime) -> SeenReply:
        """The name of who is answered stands in front, or they would not hear of it. The key keeps the instance from
        taking the same reply twice within an hour."""
        try:
            status = self._instance.ask("status", reply.to)
            handle, visibility = status["account"]["acct"], status.get("visibility")
        except MissingError:
            raise Refused("Mastodon does not take it: the post is no longer there") from None
        except (KeyError, TypeError, AttributeError) as error:
            raise RetryLater(f"sources.{self.name}: post {reply.to} is not readable: {error}") from error
        answer = self._instance.post(
            f"@{handle} {reply.text}",
            in_reply_to_id=reply.to,
            idempotency_key=reply.key,
            visibility=visibility if visibility in posts.PUBLIC else "public",
        )
        return posts.seen(answer, f"sources.{self.name}")

    def find_reply(self, reply: Reply) -> SeenReply | None:
        own = self._instance.own_id()
        if own is None:
            raise GiveUp(f"sources.{self.name}: the instance does not say whose token it is")
        return posts.found(self._own(own), reply, f"sources.{self.name}")

    def barrier(self, mention: str) -> str | None:
        return None

    def close(self) -> None:
        self._instance.close()


def _tags(terms: tuple[str, ...]) -> list[str]:
    words = (term.lstrip("@#").lower() for term in terms)
    return list(dict.fromkeys(word for word in words if re.fullmatch(r"\w+", word) and not word.isdigit()))
