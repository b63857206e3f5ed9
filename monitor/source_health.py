"""How each source is doing: what `firsthour sources`, /readyz, /metrics and the desk show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.account import Account
from monitor.models import SourceState
from monitor.settings import SourceSettings
from monitor.sources.base import Source
from monitor.stream_state import connected_since
from monitor.turns import Hold, Turns, put_off

Why = Literal["rate limit", "budget", "stream"]


@dataclass(frozen=True, slots=True)
class BudgetHealth:
    """A budget's day. `daily` None: it is only counted. `lasts_until`: when it will be spent if it goes on as of late;
    None: not before its reset."""

    name: str
    spent: float
    daily: float | None
    left: float | None
    lasts_until: datetime | None
    resets_at: datetime


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """`lag_seconds` is the time since the last good poll, `newest_seconds` the age of the newest mention seen. The next
    poll is at `next_poll_at` (None: as soon as somebody runs); `waits_for` says what holds it back until then. `stream`
    is None for a source that is only polled; one that is connected was so since `connected_at`."""

    name: str
    type: str
    state: Literal["new", "ok", "failing", "stopped"]
    failures: int
    error: str | None
    last_success_at: datetime | None
    lag_seconds: float | None
    newest_posted_at: datetime | None
    newest_seconds: float | None
    interval_seconds: float
    next_poll_at: datetime | None
    waits_for: Why | None
    budgets: tuple[BudgetHealth, ...]
    stream: Literal["connected", "broken off"] | None = None
    connected_at: datetime | None = None

    @property
    def ok(self) -> bool:
        return self.state in ("new", "ok")


def source_health(
    session: Session,
    configured: Sequence[SourceSettings],
    sources: Mapping[str, tuple[Source, SourceSettings]],
    now: datetime,
) -> list[SourceHealth]:
    """Each of the `configured` sources, in their order. Of those in `sources`, which were made, it also tells the
    budgets and what they wait for."""
    turns = Turns(sources)
    rows = {row.name: row for row in session.scalars(select(SourceState))}
    holds, streams = turns.holds(session, sources, now), connected_since(session, now)
    found = []
    for settings in configured:
        name, row = settings.name, rows.get(settings.name) or SourceState(name=settings.name, failures=0)
        known = name in sources
        interval = turns.interval(name, row.arrivals) if known else settings.every
        budgets = [_budget(account, now) for account in turns.accounts(session, name, now)] if known else []
        one = _source(settings, row, interval, holds.get(name), streams.get(name), tuple(budgets), now)
        if known and sources[name][0].capabilities.stream and one.stream is None:
            one = replace(one, stream="broken off")
        found.append(one)
    return found


def _source(
    settings: SourceSettings,
    row: SourceState,
    interval: timedelta,
    hold: Hold | None,
    connected: datetime | None,
    budgets: tuple[BudgetHealth, ...],
    now: datetime,
) -> SourceHealth:
    read = row.last_success_at is not None
    stopped = row.stopped_for is not None
    waits: list[tuple[datetime, Why | None]] = [(row.next_poll_at or now, None)]
    if later := put_off(row, settings.every, connected):
        waits.append((later, "stream"))
    if hold is not None:
        waits.append((hold.until, hold.why))
    until, why = max(waits, key=lambda each: each[0])
    return SourceHealth(
        name=settings.name,
        type=settings.type,
        state="stopped" if stopped else "failing" if row.failures else "ok" if read else "new",
        failures=row.failures,
        error=row.error,
        last_success_at=row.last_success_at,
        lag_seconds=_age(row.last_success_at, now),
        newest_posted_at=row.newest_posted_at,
        newest_seconds=_age(row.newest_posted_at, now),
        interval_seconds=interval.total_seconds(),
        next_poll_at=None if stopped else until if why else row.next_poll_at,
        waits_for=None if stopped else why,
        budgets=budgets,
        stream="connected" if connected else None,
        connected_at=connected,
    )


def _budget(account: Account, now: datetime) -> BudgetHealth:
    budget = account.budget
    left = None if budget.daily is None else account.left
    lasts = None if budget.daily is None else account.lasts_until(now)
    return BudgetHealth(budget.name, account.spent, budget.daily, left, lasts, account.resets_at)


def _age(since: datetime | None, now: datetime) -> float | None:
    return None if since is None else round(max(0.0, (now - since).total_seconds()), 1)
