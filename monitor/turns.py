"""Whose turn it is to be polled, and when it will be again.

Busy sources are polled sooner and quiet ones later, between `every_min` and `every_max`. The interval goes with the
root of the rate at which mentions arrive: a poll has its price and each mention that waits has one, and their sum is
smallest there. At NORMAL arrivals an hour it is `every`, at four times as many half of that.

The source that has been due for longest comes first, however busy the others are, so each gets its turn.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy.orm import Session

from monitor import sharing
from monitor.account import Account
from monitor.budgets import accounts, budgets_of, news
from monitor.models import SourceState
from monitor.settings import SourceSettings
from monitor.source_reports import BudgetReport
from monitor.sources.base import Source
from monitor.sources.budget import Budget
from monitor.stream_state import connected_since

NORMAL = 1.0  # mentions an hour at which a source is polled at its `every`
MEMORY = timedelta(hours=1)  # of the arrivals: what came so long ago counts 1/e
LONGEST_ASKED = timedelta(hours=1)  # no answer of a service can silence a source for longer
LEASE = timedelta(minutes=2)  # for one page; a poll of several pages renews it
WINDOW_PART = 4  # a source whose service shows a week is polled in a quarter of it at least
BETWEEN = timedelta(seconds=1)  # from the end of one poll of a host to the next
RARER = 5  # while a stream is connected, a poll comes after so many times `every`
LONGEST_REST = timedelta(minutes=30)  # ... but not so much later than without


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a source is not polled before `until`, though it may be due."""

    until: datetime
    why: Literal["rate limit", "budget"]


class Turns:
    def __init__(self, sources: Mapping[str, tuple[Source, SourceSettings]]) -> None:
        self._sources = sources
        self._streaming = any(source.capabilities.stream for source, _ in sources.values())
        self._keys = {name: sharing.shared_keys(settings) for name, (_, settings) in sources.items()}

    def order(self, session: Session, rows: Sequence[SourceState], now: datetime) -> list[SourceState]:
        """Those of `rows` that may be polled now, in their order."""
        streams = connected_since(session, now) if self._streaming else {}
        due = [row for row in rows if is_due(row, self._sources[row.name][1], now, streams.get(row.name))]
        if not due:
            return []
        busy = {key for row in rows if row.lease_until and row.lease_until > now for key in self._keys[row.name]}
        held = self.holds(session, [row.name for row in due], now)
        free = [row for row in due if row.name not in held and not busy & self._keys[row.name]]
        return sorted(free, key=lambda row: (waiting_since(row, now), row.name))

    def holds(self, session: Session, names: Iterable[str], now: datetime) -> dict[str, Hold]:
        """Which of the sources have to wait: the longest of the reasons for each."""
        found: dict[str, Hold] = {}
        rests = sharing.resting(session)
        for name in names:
            until = max((rests[key] for key in self._keys[name] if key in rests), default=now)
            opens = max((account.open_at() for account in self.accounts(session, name, now)), default=now)
            if max(until, opens) > now:
                found[name] = Hold(opens, "budget") if opens > until else Hold(until, "rate limit")
        return found

    def accounts(self, session: Session, name: str, now: datetime) -> Sequence[Account]:
        return tuple(accounts(session, budgets_of(self._sources[name][0]), now).values())

    def budget_news(self, session: Session, name: str, now: datetime, interval: timedelta) -> list[BudgetReport]:
        """What has to be told of the source's budgets, in the write transaction that tells it."""
        told = [(account, news(session, account, now, interval)) for account in self.accounts(session, name, now)]
        return [BudgetReport(self._payers(account.budget), state, account, now) for account, state in told if state]

    def _payers(self, budget: Budget) -> tuple[str, ...]:
        return tuple(name for name, (source, _) in self._sources.items() if budget in budgets_of(source))

    def rivals(self, name: str) -> list[str]:
        """The other sources that share a credential or a host with this one: they are polled one after the other."""
        return [other for other, keys in self._keys.items() if other != name and keys & self._keys[name]]

    def rest(self, session: Session, name: str, asked: timedelta | None, now: datetime) -> None:
        """After a poll of this source: all who share with it wait as the service asked, and a moment in any case."""
        shared = self._keys[name]
        if asked:
            sharing.rest(session, shared, now + min(asked, LONGEST_ASKED))
        elif self.rivals(name):
            sharing.rest(session, [key for key in shared if key.startswith("host:")], now + BETWEEN)

    def interval(self, name: str, arrivals: float | None) -> timedelta:
        source, settings = self._sources[name]
        return interval(settings, arrivals, source.capabilities.window)


def interval(settings: SourceSettings, arrivals: float | None, window: timedelta | None = None) -> timedelta:
    """From the beginning of one poll to the next, at so many `arrivals` an hour (None: not known yet). `window`: how
    far back the service shows anything."""
    shortest, longest = settings.every_min or settings.every, settings.every_max or settings.every
    stretch = 1.0 if arrivals is None else math.sqrt(NORMAL / arrivals) if arrivals > 0 else math.inf
    asked = longest if stretch >= longest / settings.every else max(shortest, settings.every * stretch)
    return asked if window is None else min(asked, window / WINDOW_PART)


def arrivals_after(before: float | None, new: int, gap: timedelta | None) -> float:
    """Arrivals an hour after a page with `new` mentions, read `gap` after the page before. What the first page brought
    (no `gap`) came at some time in the past and says nothing."""
    if before is None or gap is None:
        return NORMAL
    gap = max(gap, timedelta())
    spread = -math.expm1(-gap / MEMORY) / (gap / MEMORY) if gap else 1.0
    return before * math.exp(-gap / MEMORY) + new * spread / (MEMORY / timedelta(hours=1))


def arrivals_with(before: float, new: int, since: timedelta) -> float:
    """The arrivals as of the last page, `since` ago, with `new` mentions that came now by another way."""
    return before + new * math.exp(min(max(since / MEMORY, 0.0), 1.0)) / (MEMORY / timedelta(hours=1))


def is_due(row: SourceState, settings: SourceSettings, now: datetime, connected: datetime | None = None) -> bool:
    """`connected`: since when a stream is, where there is one."""
    stopped = row.stopped_for is not None and row.stopped_for == settings.fingerprint
    if stopped or (row.lease_until is not None and row.lease_until > now):
        return False
    if row.next_poll_at is None or row.stopped_for is not None:
        return True
    if row.next_poll_at <= now:
        polled, later = row.last_success_at, put_off(row, settings.every, connected)
        return polled is None or later is None or not polled <= now < later
    # the clock was set back: what was due "soon" must not wait until the clock has caught up
    past = [moment for moment in (row.last_success_at, row.failing_since) if moment is not None]
    horizon = max(settings.every_max or settings.every, LONGEST_ASKED) + LEASE
    return any(moment > now for moment in past) or row.next_poll_at > now + horizon


def put_off(row: SourceState, every: timedelta, connected: datetime | None) -> datetime | None:
    """Until when a poll that is due may wait, because a stream has been connected since `connected` and a poll, a good
    while after that, has read to the end of the list. None: it may not."""
    polled = row.last_success_at
    if connected is None or polled is None or row.next_poll_at is None or row.failures or row.next_poll_at <= polled:
        return None
    return row.next_poll_at + min(every * (RARER - 1), LONGEST_REST) if connected + every <= polled else None


def waiting_since(row: SourceState, now: datetime) -> datetime:
    """When a source that is due became so. One that was never polled, or whose next poll lies in a future that the
    clock has been set back from, goes before all others: it would never be the one that waited longest."""
    beginning = datetime.min.replace(tzinfo=now.tzinfo)
    return row.next_poll_at if row.next_poll_at is not None and row.next_poll_at <= now else beginning
