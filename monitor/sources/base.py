"""What every source is: something that gives pages of items from a cursor on.

A source knows nothing of the database, of brands or of time zones elsewhere: it turns one service's answers into
`Item`s. monitor/sources/contract.py is the suite that each source passes; docs/write-a-source.md shows how to add one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

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
class Item:
    """One post, comment or review as the service gave it.

    `external_id` is unique within the source. `conversation` is the thread's id, `parent` the id of what it answers.
    `rating` runs from 1 (worst) to 5. `removed` means that the service no longer shows it: its text is deleted here.
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


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a source can do. `reply_limit` counts characters as the service does; None: no limit known."""

    reply: bool = False
    reply_limit: int | None = None
    sees_replies: bool = False  # `replies_to` works
    edits: bool = False
    deletions: bool = False


@dataclass(frozen=True, slots=True)
class SeenReply:
    """A public reply by one of the brand's own accounts, found on the source."""

    external_id: str
    at: datetime
    author: str
    url: str | None = None


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

    def replies_to(self, external_ids: tuple[str, ...], accounts: frozenset[str]) -> Mapping[str, SeenReply]:
        """For open cases: the first public reply by one of `accounts` to each mention, where there is one."""
        ...

    def close(self) -> None: ...
