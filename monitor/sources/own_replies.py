"""Replies by the brand's own accounts, where a service lists what an account has posted, the newest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from monitor.sources.base import Item, SeenReply, first_of

_PAGES = 5  # of one account at a time
_KNOWN = 20_000  # answered posts that are remembered

# page(token): what an account posted, and the token of the older page behind it
Posted = Callable[[str | None], tuple[Sequence[Item], str | None]]


class OwnReplies:
    """A cache of what was read: a new process reads it again."""

    def __init__(self, lag: timedelta) -> None:
        self._lag = lag
        self._found: dict[str, dict[str, SeenReply]] = {}
        self._newest: dict[str, datetime] = {}  # by account

    def read(self, account: str, page: Posted) -> None:
        """Read the newest posts of an account; from the second time on only what is new."""
        known, older = self._newest.get(account), None
        newest = known
        for _ in range(_PAGES):
            items, older = page(older)
            for item in items:
                newest = max(newest or item.posted_at, item.posted_at)
                if item.parent:
                    seen = SeenReply(item.external_id, item.posted_at, account, item.url)
                    self._found.setdefault(item.parent, {})[item.external_id] = seen
            if older is None or (known and any(item.posted_at < known - self._lag for item in items)):
                break
        if newest:
            self._newest[account] = newest
        while len(self._found) > _KNOWN:
            del self._found[next(iter(self._found))]

    def firsts(self, external_ids: tuple[str, ...], besides: frozenset[str]) -> Mapping[str, SeenReply]:
        """The first reply to each of the posts, where there is one."""
        firsts = {each: first_of(self._found.get(each, {}).values(), besides) for each in external_ids}
        return {each: reply for each, reply in firsts.items() if reply is not None}
