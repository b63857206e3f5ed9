"""What every source is: something that gives pages of items from a cursor on.

A source knows nothing of the database, of brands or of time zones elsewhere: it turns one service's answers into
`Item`s. monitor/sources/contract.py is the suite that each source passes; docs/write-a-source.md shows how to add one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from monitor.sources.length import Counting

NO_LATER = timedelta(days=1)
"""No item is dated further ahead than this; what is dated ahead at all counts as posted when it is stored."""

Cursor = Mapping[str, Any]  # JSON values only; what it holds is the source's own business


@dataclass(frozen=True, slots=True)
class Author:
    handle: str | None = None  # as people write it, without "@" or "u/"
    name: str | None = None
    url: str | None = None
    followers: int | None = None


@dataclass(frozen=True, slots=True)
class Engagement:
    """How many people did what with a post, as the service counts them; None: it does not tell."""

    likes: int | None = None
    shares: int | None = None  # and quotes, boosts, cross-posts
    answers: int | None = None
    views: int | None = None


def engagement(
    likes: object = None, shares: object = None, answers: object = None, views: object = None
) -> Engagement | None:
    """From the counts as a service gives them; None where it gives none that can be read."""
    given = [
        max(0, each) if isinstance(each, int) and not isinstance(each, bool) else None
        for each in (likes, shares, answers, views)
    ]
    return Engagement(*given) if given != [None] * 4 else None


@dataclass(frozen=True, slots=True)
class Item:
    """One post, comment or review as the service gave it.

    `external_id` is unique within the source. `conversation` is the thread's id, `parent` the id of what it answers.
    `rating` runs from 1 (worst) to 5. `removed` means that the service no longer shows it: its text is deleted here.
    `media` are addresses of its pictures and films. `repost_of` is the id of the post that this one only passes on.
    """

    external_id: str
    text: str
    posted_at: datetime  # aware
    url: str | None = None
    author: Author = field(default_factory=Author)
    rating: float | None = None
    language: str | None = None  # the service's own claim, ISO 639-1
    conversation: str | None = None
    parent: str | None = None
    removed: bool = False
    media: tuple[str, ...] = ()
    engagement: Engagement | None = None
    repost_of: str | None = None


def gone(external_id: str) -> Item:
    """The item as it stands when the service shows it no more; when it was posted is not asked then."""
    return Item(external_id, "", datetime.fromtimestamp(0, UTC), removed=True)


@dataclass(frozen=True, slots=True)
class Reject:
    """An item that could not be read. The source goes on; people can see it and why."""

    reason: str
    raw: str
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """What one request gave. `cursor` is stored in the same commit as `items`; when `more`, the next page follows at
    once from that cursor, else at the next poll."""

    items: tuple[Item, ...]
    cursor: Cursor
    more: bool = False
    rejects: tuple[Reject, ...] = ()
    parents: tuple[Item, ...] = ()  # what some of the items answer, asked for after them: no items of the page


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a source can do. `reply_limit` is the longest reply, counted as `counting` says; None: no limit known.
    `place` is what people call the service ("X"); none: the source's name."""

    reply: bool = False  # it is a ReplyingSource
    reply_limit: int | None = None
    counting: Counting = "characters"
    place: str | None = None
    sees_replies: bool = False  # `replies_to` works
    one_answer: bool = False  # only the owner answers there, once for each item: the next answer takes its place
    hook: bool = False  # it is a HookedSource: monitor/sources/hooks.py
    window: timedelta | None = None  # the service shows nothing older: it is never polled more seldom than that
    edits: bool = False
    deletions: bool = False
    stream: bool = False  # it is a StreamingSource: monitor/sources/streaming.py
    look_up: int = 0  # it is a LookingSource, asked about so many ids at a time; 0: it is none
    parents: int = 0  # it is a ParentSource, asked about so many ids at a time; 0: it is none


@dataclass(frozen=True, slots=True)
class SeenReply:
    """A public reply by one of the brand's own accounts, as it stands on the source."""

    external_id: str
    at: datetime
    author: str
    url: str | None = None


def first_of(replies: Iterable[SeenReply], besides: frozenset[str]) -> SeenReply | None:
    """The earliest of `replies` that is none of `besides`."""
    counting = (reply for reply in replies if reply.external_id not in besides)
    return min(counting, key=lambda reply: (reply.at, reply.external_id), default=None)


class Source(Protocol):
    """Errors: RetryLater (with the service's own waiting time), AuthError, ConfigurationError, GiveUp. Nothing else
    should leave a source; what does counts as RetryLater and is logged with its traceback."""

    name: str
    capabilities: Capabilities

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        """The next page after `cursor` (None: from the beginning as far as the service goes). Items may repeat: what
        is stored is deduplicated by `external_id`. A source that delivers late reads with an overlap."""
        ...

    def check(self) -> str:
        """Reach the service once with the configured credentials; a short word on what was found."""
        ...

    def replies_to(
        self, external_ids: tuple[str, ...], accounts: frozenset[str], besides: frozenset[str] = frozenset()
    ) -> Mapping[str, SeenReply]:
        """For open cases: the first public reply by one of `accounts` to each mention, where there is one. Posts with
        the ids `besides` do not count: nobody wrote them. Where `capabilities.one_answer`, the owner's answer counts
        whatever the accounts."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Reply:
    """What is to be said in public to the author of a mention.

    `to` is the mention's `external_id`, `mention` its text. `key` is this reply's identity: a service that takes such a
    key gets it. No call was made for it before `since`, so nothing older can be it. `automatic`: no person wrote it.
    """

    to: str
    text: str
    key: str
    since: datetime
    mention: str = ""
    automatic: bool = False


class ReplyingSource(Source, Protocol):
    """A source whose `capabilities.reply` is true: it also posts."""

    def reply(self, reply: Reply, now: datetime) -> SeenReply:
        """Post it, with one call that is never repeated here. Errors: RetryLater (surely not posted), Uncertain
        (perhaps posted), Refused (the service will not take it, for the reason given to the person who wrote it),
        AuthError."""
        ...

    def find_reply(self, reply: Reply) -> SeenReply | None:
        """The reply as it stands on the service, if an earlier call has posted it after all. Errors: as `fetch`; GiveUp
        where that can never be told."""
        ...

    def barrier(self, mention: str) -> str | None:
        """Why the service would refuse any reply to a mention with this text; None where it may take one. Asks
        nobody."""
        ...


class LookingSource(Source, Protocol):
    """A source whose `capabilities.look_up` is not 0: it also tells how things stand that it gave long ago."""

    def look_up(self, external_ids: tuple[str, ...]) -> tuple[Item, ...]:
        """Each of the items as it is shown now; `removed` where the service says that it is shown no more: deleted,
        made private, its author gone. One that the service says nothing of is left out: what is removed loses its words
        here for good, so an answer that is not understood must never count as that. Errors: as `fetch`."""
        ...


class ParentSource(Source, Protocol):
    """A source whose `capabilities.parents` is not 0: it also gives what a reply answers."""

    def parents(self, external_ids: tuple[str, ...]) -> tuple[Item, ...]:
        """The posts with these ids, which items gave as their `parent`, as far as the service shows them to anybody;
        others are left out, or `removed`. Of each its words count, and whose they are. Errors: as `fetch`."""
        ...
