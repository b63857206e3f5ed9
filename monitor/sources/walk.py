"""Reading lists that begin with the newest item, without losing what arrives or fails meanwhile.

Such a service gives a page of the newest items and a token for the older page behind it. A source may read several
such lists (one for each search, subreddit or country). For each, the cursor keeps a *mark*: everything up to it was
read. A walk goes from the newest item down to the mark; only when it has arrived does the mark move up to where the
walk began. A walk that is interrupted goes on from its token, since that is part of the cursor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from monitor.sources.base import Cursor, Item, Page, Reject


class StaleTokenError(Exception):
    """The service no longer knows the token of an older page: the walk has to begin again."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One page of one list. `newest` is the highest mark on it; `older` the token of the page behind it, None when
    there is none or it lies wholly below the mark."""

    items: tuple[Item, ...]
    newest: int | None
    older: Any = None
    rejects: tuple[Reject, ...] = ()


def dated(items: Sequence[Item], rejects: Sequence[Reject], mark: int, lag: timedelta, older: Any) -> Batch:
    """A page of items whose marks are the seconds at which they were posted. It is the last one when its oldest item is
    older than the mark by more than `lag`, within which the service may list late."""
    seconds = [int(item.posted_at.timestamp()) for item in items]
    arrived = bool(seconds) and min(seconds) < mark - lag.total_seconds()
    return Batch(tuple(items), max(seconds, default=None), None if arrived else older, tuple(rejects))


# read(list, mark, token): the newest page without a token, else the page that the token stands for
Read = Callable[[str, int, Any], Batch]


def walk(cursor: Cursor | None, lists: Sequence[str], first: int, latest: int, read: Read) -> Page:
    """The next page of `lists`, one request. `first` is the mark where reading begins when there is no cursor.

    `latest` is the mark of the present moment: an item dated beyond it must not carry the mark along, or what is
    posted until then would count as read. A list that was added to the configuration begins at the lowest mark of
    the others: the words that it now searches may have been part of another list until now.
    """
    marks: dict[str, int] = dict((cursor or {}).get("marks", {}))
    start = min(marks.values(), default=first)
    if not lists:
        return Page((), {"marks": marks})
    now: dict[str, Any] = (cursor or {}).get("walk") or {}
    if now.get("list") not in lists:
        now = {"list": lists[0]}
    name = now["list"]
    mark = marks.get(name, start)
    kept = {each: marks.get(each, start) for each in lists}
    place = lists.index(name) + 1
    following = {"list": lists[place]} if place < len(lists) else None
    try:
        batch = read(name, mark, now.get("token"))
    except StaleTokenError:
        # the mark stays, so the next walk reads it all again; the other lists must not wait for that
        return Page((), {"marks": kept, "walk": following}, more=following is not None)
    newest = max(mark, now.get("newest", mark), min(latest, batch.newest if batch.newest is not None else mark))
    if batch.older is None:
        kept[name] = newest
    else:
        following = {"list": name, "token": batch.older, "newest": newest}
    return Page(batch.items, {"marks": kept, "walk": following}, more=following is not None, rejects=batch.rejects)
