"""Outcomes day by day, kept in this process as long as nothing of the day has changed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import func, inspect, select
from sqlalchemy.orm import Session

from monitor.models import CaseRow
from monitor.outcome_columns import Names, Outcomes, together
from monitor.outcomes import outcomes

MOST = 500_000  # cases that are kept, of some 100 bytes each
READ = 10_000  # cases whose history is in memory at once
_DAY = timedelta(days=1)
_Mark = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Day:
    mark: _Mark
    found: Outcomes


class OutcomeDays:
    """Reads outcomes. A day, in UTC, is known by how many cases it has and the sum of their versions: cases are never
    deleted, and a version grows with whatever changes an outcome, so that two moments with the same mark are alike.
    Both are read in the caller's transaction. Safe in threads."""

    def __init__(self, most: int = MOST) -> None:
        self._most, self._names = most, Names()
        self._kept: OrderedDict[date, _Day] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, session: Session, since: datetime, until: datetime) -> Outcomes:
        """As `outcomes`, as columns."""
        marks = _marks(session, _midnight(since.astimezone(UTC).date()), until)
        with self._lock:
            known = {day: kept for day, mark in marks.items() if (kept := self._kept.get(day)) and kept.mark == mark}
        for first, last in _runs({day: mark for day, mark in marks.items() if day not in known}):
            found = Outcomes.of(outcomes(session, _midnight(first), _midnight(last) + _DAY), self._names)
            for day in (day for day in marks if first <= day <= last):
                known[day] = _Day(marks[day], found.between(_midnight(day), _midnight(day) + _DAY))
        self._keep(known)
        return together([known[day].found for day in marks], self._names).between(since, until)

    def _keep(self, days: dict[date, _Day]) -> None:
        with self._lock:
            for day, found in days.items():
                self._kept[day] = found
                self._kept.move_to_end(day)
            together = sum(len(each.found) for each in self._kept.values())
            while together > self._most:
                _, dropped = self._kept.popitem(last=False)
                together -= len(dropped.found)


def _marks(session: Session, since: datetime, until: datetime) -> dict[date, _Mark]:
    """Of each day that has cases, in their order; the last up to its end."""
    c = inspect(CaseRow).local_table.c
    sqlite = session.get_bind().dialect.name == "sqlite"
    day: Any = func.substr(c.posted_at, 1, 10) if sqlite else func.date(func.timezone("UTC", c.posted_at))
    end = _midnight((until - timedelta(microseconds=1)).astimezone(UTC).date()) + _DAY
    counted = select(day, func.count(), func.sum(c.version)).where(c.posted_at >= since, c.posted_at < end)
    rows = session.execute(counted.group_by(day).order_by(day)).all()
    return {date.fromisoformat(each) if sqlite else each: (count, int(versions)) for each, count, versions in rows}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _runs(days: Mapping[date, _Mark]) -> Iterator[tuple[date, date]]:
    """The first and last of what is read at once: days without a gap, of READ cases or not many more."""
    first, last, cases = date.min, date.min, 0
    for day, (count, _) in days.items():
        if cases and (day - last > _DAY or cases + count > READ):
            yield first, last
            cases = 0
        first, last, cases = first if cases else day, day, cases + count
    if cases:
        yield first, last
