"""Silence where there is always noise: of a source, of a brand, or of everything."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.lag import unjudged_since
from monitor.models import MentionRow
from monitor.settings import Settings
from monitor.spikes.event import Spike, opened
from monitor.spikes.finding import EXPLAINS, Finding, hush
from monitor.spikes.history import HOUR, History, hour_of
from monitor.trend_spans import Span
from monitor.trends import Filter, totals

GRACE = timedelta(minutes=15)  # after an hour has ended, until what was posted in it may be missed
POLLS = 2  # a source has to be asked so often before its silence says anything
WAITS = timedelta(minutes=10)  # mentions that wait to be judged for longer are missing from the counts
_SEEN, _LATE = 200, 0.9  # how late a source's mentions come: the last so many; all but one in ten
_MONTH = timedelta(days=28)


def hushes(
    session: Session,
    settings: Settings,
    sources: Mapping[str, History],
    brands: Mapping[str, History],
    chance: float,
    now: datetime,
) -> list[Spike]:
    """What has fallen silent by now. A source that says nothing explains the brands that live from it."""
    waiting = unjudged_since(session)
    if waiting is not None and now - waiting > WAITS:
        return []
    tests = len(sources) + len(brands)
    polled = {source.name: max(GRACE, POLLS * source.every) for source in settings.sources}
    found: list[Spike] = []
    for name in polled.keys() & sources.keys():
        if _found(sources[name], now - polled[name], chance, tests) is None:
            continue
        heard = now - max(polled[name], _lateness(session, name, now))
        if (seen := _found(sources[name], heard, chance, tests)) is not None:
            found.append(opened("hush", "", name, *seen, now))
    if len(found) > 1 and len(found) == len(sources):
        seen = _found(together(sources.values()), now - max(polled.values()), chance, tests)
        return [opened("hush", "", "", *seen, now)] if seen is not None else found
    silent = {spike.source for spike in found}
    for name, history in brands.items():
        if _found(history, now - max([GRACE, *polled.values()]), chance, tests) is None:
            continue
        latest = max([GRACE, *polled.values(), *(_lateness(session, source, now) for source in sources)])
        seen = _found(history, now - latest, chance, tests)
        if seen is not None and not _explained(session, name, silent, now):
            found.append(opened("hush", name, "", *seen, now))
    return found


def together(histories: Iterable[History]) -> History:
    """All sources as one."""
    first, *others = histories
    known = first.known
    for other in others:
        known = known | other.known
    return replace(first, counts=sum((each.counts for each in others), first.counts), known=known)


def _found(history: History, heard: datetime, chance: float, tests: int) -> tuple[Finding, datetime] | None:
    """What is found at the last hour of which all was heard until `heard`, and when that hour begins."""
    last = hour_of(heard) - HOUR
    seen = history.until(last)
    found = hush(seen.counts, seen.known, seen.holidays, chance, tests)
    return (found, seen.starts[-1]) if found is not None else None


def _lateness(session: Session, source: str, now: datetime) -> timedelta:
    """After how long nine in ten of the source's mentions of late were seen."""
    m = MentionRow
    rows = session.execute(
        select(m.seen_at, m.posted_at)
        .where(m.source == source, ~m.backfill, m.posted_at > now - _MONTH)
        .order_by(m.posted_at.desc())
        .limit(_SEEN)
    )
    late = sorted(seen - posted for seen, posted in rows)
    return late[int(_LATE * (len(late) - 1))] if late else timedelta()


def _explained(session: Session, brand: str, silent: Collection[str], now: datetime) -> bool:
    """Whether the brand lives from sources that are silent themselves."""
    if not silent:
        return False
    by_source = totals(session, Span(now - _MONTH, now), Filter(brand=(brand,)), "source")
    every = sum(counts.mentions for counts in by_source.values())
    return sum(by_source[name].mentions for name in silent if name in by_source) >= EXPLAINS * every
