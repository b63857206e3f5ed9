"""Reddit as it is written. Reddit pushes nothing, so the first pages of its lists are looked at every few seconds.

praw's own streams do the same, but remember a few hundred ids only, read no second page, and see neither edits nor
deletions.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import cycle

from monitor.sources.base import Item, Reject
from monitor.sources.rate import listening
from monitor.sources.streaming import News
from monitor.sources.walk import Batch, StaleTokenError

PACE = 1.2  # seconds between two requests: half of Reddit's 100 a minute is left to polls and replies
ROUND = 5.0  # seconds between two looks at the same list, at least
_PAGES = 10  # Reddit shows no more than the newest 1,000 of a list
_KNOWN = 20_000  # items and rejects that are remembered
_AGAIN = 100  # the last items handed over, which are asked for again each round


@dataclass
class _List:
    name: str
    floor: datetime | None = None  # what is older stood beyond the first page when the stream began
    token: str | None = None  # of the page that comes next; None: the first
    pages: int = 0


class RedditStream:
    def __init__(
        self,
        lists: Iterable[str],
        read: Callable[[str, str | None], Batch],
        look_again: Callable[[tuple[str, ...]], tuple[Sequence[Item], Sequence[Reject]]],
        hang_up: Callable[[], None],
        pace: float = PACE,
        round: float = ROUND,
    ) -> None:
        """`read` gives a page of a list, newest first, from a token on; `look_again` items by their ids as they are
        now. What the lists show at first is remembered and not handed over: the poll after the connection reads it."""
        self._read, self._look_again, self._hang_up = read, look_again, hang_up
        self._known: dict[str, str] = {}  # by the ids of items their texts; and rejects
        self._told: deque[str] = deque(maxlen=_AGAIN)
        self._closed = threading.Event()
        found = [_List(name) for name in lists]
        for each in found:
            batch = read(each.name, None)
            self._new(batch.items, batch.rejects)
            each.floor = min((item.posted_at for item in batch.items), default=None) if batch.older else None
        self._turns = cycle([*found, None])  # None: to look again
        self._turn = next(self._turns)
        self._pause = max(pace, round / (len(found) + 1))
        self._next = time.monotonic()

    def hear(self, within: float) -> News:
        wait = self._next - time.monotonic()
        self._closed.wait(min(max(wait, 0.0), within))
        if wait > within:
            return News()
        with listening() as ear:
            news = self._look(self._turn) if self._turn else self._changed()
        rest = ear.rest.total_seconds() if ear.rest else 0.0
        self._next = time.monotonic() + max(self._pause, rest)
        return news

    def _look(self, at: _List) -> News:
        try:
            batch = self._read(at.name, at.token)
        except StaleTokenError:  # the item that the token names was removed meanwhile
            batch = Batch((), None)
        young = [item for item in batch.items if at.floor is None or item.posted_at >= at.floor]
        reached = len(young) < len(batch.items) or any(item.external_id in self._known for item in young)
        items, rejects = self._new(young, batch.rejects)
        self._told.extend(item.external_id for item in items)
        at.token, at.pages = batch.older, at.pages + 1
        if reached or not at.token or at.pages >= _PAGES:
            at.token, at.pages = None, 0
            self._turn = next(self._turns)
        return News(items, rejects)

    def _changed(self) -> News:
        self._turn = next(self._turns)
        return News(*self._new(*self._look_again(tuple(self._told)))) if self._told else News()

    def _new(self, items: Iterable[Item], rejects: Iterable[Reject]) -> tuple[tuple[Item, ...], tuple[Reject, ...]]:
        """Those that were not seen yet, or with another text. A list shows the same again each time."""
        new = {item.external_id: item for item in items if self._saw(item.external_id, item.text)}
        unread = tuple(reject for reject in rejects if self._saw(reject.reason + reject.raw, ""))
        while len(self._known) > _KNOWN:
            del self._known[next(iter(self._known))]
        return tuple(new.values()), unread

    def _saw(self, key: str, text: str) -> bool:
        """Whether it is new. What was seen last is forgotten last."""
        before = self._known.pop(key, None)
        self._known[key] = text
        return before != text

    def close(self) -> None:
        self._closed.set()
        self._hang_up()
