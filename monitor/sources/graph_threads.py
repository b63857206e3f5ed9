"""Reading the comments under all that a page posted lately, as Facebook and Instagram list them.

The list of posts shows the newest comments of each. Only where they do not reach back to the mark of the last poll is
the rest of a thread read by itself. A token is {"after": place in the list of posts, "deep": the threads to read still,
each as [path, place in it]}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol

from monitor.errors import RetryLater
from monitor.sources.base import Item, Reject
from monitor.sources.rejects import UNREADABLE, read_each
from monitor.sources.walk import Batch


class Board(Protocol):
    """One page's posts and their comments."""

    def posts(self, after: str | None) -> Mapping[str, Any]:
        """The newest posts, or those behind `after`, each with its newest comments."""
        ...

    def more(self, path: str, after: str) -> Mapping[str, Any]:
        """What lies behind `after` in the thread at `path`."""
        ...

    def post(self, post: Mapping[str, Any]) -> tuple[Item | None, datetime]:
        """A post as an item, None where it is our own; and when it was posted."""
        ...

    def threads(self, post: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The comments that came with a post or comment: the path of the thread, and its first page."""
        ...

    def comment(self, path: str, comment: Mapping[str, Any]) -> tuple[Item | None, datetime]:
        """The same of a comment in the thread at `path`. Both raise KeyError, TypeError or ValueError."""
        ...


def read_board(board: Board, token: Mapping[str, Any] | None, since: datetime, watched: datetime) -> Batch:
    """The next page: comments since `since` under posts since `watched`."""
    after, deep = (token or {}).get("after"), list((token or {}).get("deep", ()))
    reading = _Reading(board, since)
    if deep:
        path, place = deep.pop(0)
        reading.thread(path, board.more(path, place))
    else:
        answer = board.posts(after)
        posts, after = page(answer)
        dates = [at for post in posts if (at := reading.post(post)) is not None]
        if dates and max(dates) < watched:
            after = None
    left = [*reading.deep, *deep]
    older = {"after": after, "deep": left} if left or after else None
    seconds = [int(item.posted_at.timestamp()) for item in reading.items]
    return Batch(tuple(reading.items), max(seconds, default=None), older, tuple(reading.rejects))


def read_list(
    answer: Mapping[str, Any],
    read: Callable[[Mapping[str, Any]], tuple[Item | None, datetime]],
    since: datetime,
    linked: bool = True,
) -> Batch:
    """One page of a list without threads. `read` gives an item, or None for what is none, and when it was posted."""
    found, after = page(answer, linked)
    pairs, rejects = read_each(found, read)
    items = [item for item, _ in pairs if item is not None]
    seconds = [int(item.posted_at.timestamp()) for item in items]
    older = after if any(at >= since for _, at in pairs) else None
    return Batch(tuple(items), max(seconds, default=None), older, tuple(rejects))


class _Reading:
    def __init__(self, board: Board, since: datetime) -> None:
        self._board, self._since = board, since
        self.items: list[Item] = []
        self.rejects: list[Reject] = []
        self.deep: list[tuple[str, str]] = []

    def post(self, post: Any) -> datetime | None:
        def read(post: Any) -> datetime:
            item, at = self._board.post(post)
            if item is not None and at >= self._since:
                self.items.append(item)
            for path, answer in self._board.threads(post):
                self.thread(path, answer)
            return at

        return self._tried(read, post)

    def thread(self, path: str, answer: Mapping[str, Any]) -> None:
        def read(comment: Any) -> datetime:
            item, at = self._board.comment(path, comment)
            if item is not None and at >= self._since:
                self.items.append(item)
            for below, inner in self._board.threads(comment):
                self.thread(below, inner)
            return at

        comments, after = page(answer)
        dates = [at for comment in comments if (at := self._tried(read, comment)) is not None]
        # answers to a comment come in the order of writing: the newest are at the end
        if after and (path.endswith("/replies") or (dates and max(dates) >= self._since)):
            self.deep.append((path, after))

    def _tried(self, read: Callable[[Any], datetime], what: Any) -> datetime | None:
        try:
            return read(what)
        except UNREADABLE as error:
            self.rejects.append(Reject(f"{type(error).__name__}: {error}", str(what)[:2_000]))
            return None


def page(answer: Mapping[str, Any], linked: bool = True) -> tuple[list[Any], str | None]:
    """What a list shows, and the place where it goes on. Raises RetryLater for what is no list. A list that is not
    `linked` never says whether anything follows: only an empty page is its end."""
    data, paging = answer.get("data"), answer.get("paging")
    if not isinstance(data, list):
        raise RetryLater("the answer has no data")
    cursors = paging.get("cursors") if isinstance(paging, dict) else None
    after = cursors.get("after") if isinstance(cursors, dict) else None
    more = bool(data) and isinstance(paging, dict) and ("next" in paging or not linked)
    return data, after if more and isinstance(after, str) else None
