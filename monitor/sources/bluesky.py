"""Bluesky: search, notifications, and the live stream. See docs/sources/bluesky.md."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from monitor.errors import GiveUp, Refused
from monitor.settings import Duration
from monitor.sources import bluesky_posts as posts
from monitor.sources.base import Capabilities, Cursor, Item, Page, Reject, Reply, SeenReply, gone
from monitor.sources.bluesky_api import Account
from monitor.sources.bluesky_richtext import facets
from monitor.sources.bluesky_stream import Jetstream
from monitor.sources.http import MissingError
from monitor.sources.live_line import LiveLine
from monitor.sources.own_replies import OwnReplies
from monitor.sources.recheck import rechecking
from monitor.sources.walk import Batch, StaleTokenError, walk
from monitor.words import fold

_NOTIFICATIONS = "notifications"  # the list of the cursor that is no search
_REASONS = ["mention", "reply", "quote"]
_PAGE = 100
_AGAIN = 25  # posts that are looked at again at each poll: the most of one call
_KNOWN = 5_000  # posts that were read, so that their deletion is noticed when the stream tells of it
_OVERLAP = timedelta(seconds=5)  # that the stream is heard again after a break, as Jetstream's authors advise
_TOO_LONG = 300.0  # seconds after which the stream begins anew: what was missed is the polls' to find


class Bluesky:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True)
        handle: str = Field(min_length=3, description="of the account, such as acmehelp.bsky.social")
        app_password: SecretStr = Field(
            min_length=1, description="an app password of the account, FIRSTHOUR_SOURCES__NAME__APP_PASSWORD"
        )
        queries: list[str] = Field(default_factory=list, description="searches; default: the brands' words")
        notifications: bool = Field(True, description="read where the account was mentioned, quoted or answered")
        stream: bool = Field(True, description="hear new posts with the brands' words as they come too")
        lookback: Duration = Field(timedelta(days=1), description="how far back the first poll reads")
        lag: Duration = Field(
            timedelta(minutes=15), description="read again at each poll: posts turn up late in the search"
        )
        recheck: Duration = Field(
            timedelta(days=2), description="what was read is asked for again for so long: finds deletions"
        )
        base_url: str = Field("https://bsky.social", description="the account's server (PDS), if it is another")
        jetstream_url: str = Field(
            "wss://jetstream2.us-east.bsky.network", description="where the live stream is; several are public"
        )

        @field_validator("handle")
        @classmethod
        def _handle(cls, value: str) -> str:
            handle = value.removeprefix("@").lower()
            if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+|did:[a-z]+:.+", handle):
                raise ValueError(f'"{value}" is no handle: write it whole, such as acmehelp.bsky.social')
            return handle

        @field_validator("base_url")
        @classmethod
        def _web(cls, value: str) -> str:
            if urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname:
                raise ValueError("write the whole address, such as https://bsky.social")
            return value.rstrip("/")

        @field_validator("jetstream_url")
        @classmethod
        def _socket(cls, value: str) -> str:
            if urlsplit(value).scheme not in ("ws", "wss") or not urlsplit(value).hostname:
                raise ValueError("write the whole address, beginning with wss://")
            return value.rstrip("/")

    silence = 30.0  # seconds; all of Bluesky is never silent for so long

    def __init__(self, name: str, options: Options, terms: tuple[str, ...]) -> None:
        self.name = name
        self._options = options
        self._words = [fold(term) for term in terms]
        queries = options.queries or [term if re.fullmatch(r"[@#]?\w+", term) else _phrase(term) for term in terms]
        self._lists = (*dict.fromkeys(queries), *((_NOTIFICATIONS,) if options.notifications else ()))
        self._account = Account(name, options.base_url, options.handle, options.app_password.get_secret_value())
        self.capabilities = Capabilities(
            reply=True,
            reply_limit=300,
            counting="graphemes",
            place="Bluesky",
            sees_replies=True,
            deletions=True,
            look_up=_AGAIN,
            parents=_AGAIN,
            stream=options.stream,
        )
        self._known: dict[str, None] = {}
        self._heard: tuple[int, float] | None = None  # where the stream ended, in its own microseconds, and when
        self._replies = OwnReplies(options.lag)

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        first, latest = int((now - self._options.lookback).timestamp()), int(now.timestamp())

        def read(cursor: Cursor | None) -> Page:
            return walk(cursor, self._lists, first, latest, self._read)

        return rechecking(cursor, now, self._options.recheck, _AGAIN, read, self._look_again)

    def _read(self, name: str, mark: int, token: str | None) -> Batch:
        since = mark - int(self._options.lag.total_seconds())
        try:
            if name == _NOTIFICATIONS:
                views, older = self._notified(token)
            else:
                begin = datetime.fromtimestamp(max(0, since), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                given = {"q": name, "sort": "latest", "since": begin, "limit": _PAGE, "cursor": token}
                views, older = self._account.listed("app.bsky.feed.searchPosts", "posts", **given)
                older = older if views else None
        except MissingError:
            if token:
                raise StaleTokenError from None
            raise
        items, rejects = self._items(views)
        seconds = [int(item.posted_at.timestamp()) for item in items]
        arrived = bool(seconds) and min(seconds) < since  # the search may not know of `since`
        return Batch(tuple(items), max(seconds, default=None), None if arrived else older, tuple(rejects))

    def _notified(self, token: str | None) -> tuple[list[Any], str | None]:
        """The posts of which the account was told. A notification is older than nothing that it tells of."""
        given = {"reasons": _REASONS, "limit": _PAGE, "cursor": token}
        told, older = self._account.listed("app.bsky.notification.listNotifications", "notifications", **given)
        about = (each.get("uri") for each in told if isinstance(each, dict) and each.get("reason") in _REASONS)
        return self._account.posts([str(uri) for uri in about if _is_post(uri)]), older if told else None

    def _items(self, views: list[Any]) -> tuple[list[Item], list[Reject]]:
        items, rejects = posts.items(views, self._account.followers(views))
        self._known.update(dict.fromkeys(item.external_id for item in items))
        while len(self._known) > _KNOWN:
            del self._known[next(iter(self._known))]
        return items, rejects

    def _look_again(self, asked: dict[str, datetime]) -> tuple[list[Item], list[Reject]]:
        """What is gone is not among the answer. It is asked for twice: an answer cut short must not delete anything."""
        items, rejects = self._items(self._account.posts(list(asked)))
        missing = [uri for uri in asked if uri not in {item.external_id for item in items}]
        again, more = self._items(self._account.posts(missing)) if missing else ([], [])
        there = {item.external_id for item in again}
        unreadable = {uri for uri in missing if any(uri in reject.raw for reject in (*rejects, *more))}
        left = [Item(uri, "", asked[uri], removed=True) for uri in missing if uri not in there | unreadable]
        return [*items, *again, *left], [*rejects, *more]

    def look_up(self, external_ids: tuple[str, ...]) -> tuple[Item, ...]:
        asked = {each: gone(each).posted_at for each in external_ids if _is_post(each)}
        return tuple(self._look_again(asked)[0]) if asked else ()

    def parents(self, external_ids: tuple[str, ...]) -> tuple[Item, ...]:
        asked = [each for each in external_ids if _is_post(each)]
        return tuple(posts.items(self._account.posts(asked))[0])

    def listen(self) -> Jetstream:
        given: dict[str, Any] = {"wantedCollections": posts.POSTS}
        if self._heard is not None and time.monotonic() - self._heard[1] < _TOO_LONG:
            given["cursor"] = self._heard[0] - int(_OVERLAP.total_seconds() * 1_000_000)
        line = LiveLine(self.name, f"{self._options.jetstream_url}/subscribe?{urlencode(given)}", {}, self.silence)
        return Jetstream(line, self._wanted, self._known.__contains__, self._posts, self._passed)

    def _wanted(self, text: str) -> bool:
        folded = fold(text)
        return any(word in folded for word in self._words)

    def _posts(self, uris: list[str]) -> tuple[list[Item], list[Reject]]:
        return self._items(self._account.posts(uris))

    def _passed(self, microseconds: int) -> None:
        self._heard = (microseconds, time.monotonic())

    def check(self) -> str:
        return f"signed in as @{self._account.handle}; {len(self._lists)} lists"

    def replies_to(
        self, external_ids: tuple[str, ...], accounts: frozenset[str], besides: frozenset[str] = frozenset()
    ) -> Mapping[str, SeenReply]:
        """Reads the newest posts of each account, and later only what is new."""
        for account in sorted(accounts) if external_ids else ():
            if re.fullmatch(r"[\w.-]+", account, re.ASCII):
                self._replies.read(account, partial(self._posted, account))
        return self._replies.firsts(external_ids, besides)

    def _posted(self, account: str, older: str | None) -> tuple[list[Item], str | None]:
        given = {"actor": account, "filter": "posts_with_replies", "limit": _PAGE, "cursor": older}
        try:
            feed, older = self._account.listed("app.bsky.feed.getAuthorFeed", "feed", **given)
        except MissingError:
            return [], None  # another service's account of the brand
        own = (each.get("post") for each in feed if isinstance(each, dict) and not each.get("reason"))
        return posts.items(own)[0], older

    def reply(self, reply: Reply, now: datetime) -> SeenReply:
        views = self._account.posts([reply.to]) if _is_post(reply.to) else []
        if not views:
            raise Refused("Bluesky does not take it: the post is no longer there")
        try:
            made = posts.record(reply.text, views[0], facets(reply.text, self._account.identity), now)
        except (KeyError, TypeError, AttributeError) as error:
            raise Refused(f"Bluesky does not show the post as one that can be answered: {error}") from error
        key = posts.reply_key(reply)
        self._account.put(
            "com.atproto.repo.createRecord", repo=self._account.did, collection=posts.POSTS, rkey=key, record=made
        )
        at = datetime.fromisoformat(made["createdAt"])
        return posts.seen(f"at://{self._account.did}/{posts.POSTS}/{key}", at, self._account.handle)

    def find_reply(self, reply: Reply) -> SeenReply | None:
        given = {"repo": self._account.did, "collection": posts.POSTS, "rkey": posts.reply_key(reply)}
        try:
            answer = self._account.ask("com.atproto.repo.getRecord", **given)
            at = posts.posted_at(None, answer["value"]["createdAt"])
            return posts.seen(str(answer["uri"]), at, self._account.handle)
        except MissingError:
            return None
        except (KeyError, TypeError, ValueError) as error:
            raise GiveUp(f"sources.{self.name}: the reply that was found is not readable: {error}") from error

    def barrier(self, mention: str) -> str | None:
        return None

    def close(self) -> None:
        self._account.close()


def _phrase(term: str) -> str:
    return '"' + " ".join(term.replace('"', " ").split()) + '"'


def _is_post(uri: Any) -> bool:
    try:
        posts.place(uri)
    except ValueError:
        return False
    return True
