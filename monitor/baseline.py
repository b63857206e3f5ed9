"""How many complaints about a brand are usual at an hour of the week, from the cases of the past weeks.

Cases of incidents are left out, so that last week's storm does not make this week's look usual.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitor.models import CaseRow
from monitor.usual import Usual, clumping, usual

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
FEW_WEEKS = 3  # with fewer, the same hour of the past days is asked as well
FEW_DAYS = 3  # with fewer days, the hours before
_KEPT = 200  # pasts kept in memory

ANY = None  # in place of a topic: all of the brand's complaints


@dataclass(frozen=True, slots=True)
class Past:
    """What happened in comparable hours: a count by topic for each. `groups` names which of the hours are the same
    hour of the week."""

    hours: tuple[Counter[str], ...]
    groups: tuple[tuple[int, ...], ...]

    def usual(self, topic: str | None, hours: float) -> Usual:
        """What is usual in a stretch of so many `hours`; `topic` or ANY."""
        counts = [_of(hour, topic) for hour in self.hours]
        topics = [ANY] if topic is ANY else sorted({name for hour in self.hours for name in hour})
        cells = [[_of(self.hours[n], name) for n in group] for group in self.groups for name in topics]
        return usual(counts, hours, clumping(cells))


class Baseline:
    """Reads each hour's past once and keeps it; an hour costs one query a past hour."""

    def __init__(self, weeks: int) -> None:
        self._weeks = weeks
        self._known: dict[tuple[str, datetime], Past] = {}

    def past(self, session: Session, brand: str, at: datetime) -> Past:
        hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        if (brand, hour) not in self._known:
            if len(self._known) >= _KEPT:
                self._known.pop(next(iter(self._known)))
            self._known[brand, hour] = self._read(session, brand, hour)
        return self._known[brand, hour]

    def _read(self, session: Session, brand: str, hour: datetime) -> Past:
        first = session.scalar(select(func.min(CaseRow.posted_at)).where(CaseRow.brand == brand))
        known = first.astimezone(UTC) if first is not None else hour
        beside = (-HOUR, timedelta(0), HOUR)
        weeks = [w for w in range(1, self._weeks + 1) if hour - w * WEEK - HOUR >= known]
        groups = [[hour - w * WEEK + offset for w in weeks] for offset in beside]
        if len(weeks) < FEW_WEEKS:
            days = [d for d in range(1, 7) if hour - d * DAY - HOUR >= known]
            groups += [[hour - d * DAY + offset for d in days] for offset in beside]
            if len(days) < FEW_DAYS:
                groups.append([hour - n * HOUR for n in range(1, 7) if hour - n * HOUR >= known])
        counts: list[Counter[str]] = []
        places: list[tuple[int, ...]] = []
        for group in groups:
            places.append(tuple(range(len(counts), len(counts) + len(group))))
            counts += [_count(session, brand, start) for start in group]
        return Past(tuple(counts), tuple(places))


def _count(session: Session, brand: str, start: datetime) -> Counter[str]:
    rows = session.execute(
        select(CaseRow.topic, func.count())
        .where(
            CaseRow.brand == brand,
            CaseRow.posted_at >= start,
            CaseRow.posted_at < start + HOUR,
            CaseRow.incident_id.is_(None),
        )
        .group_by(CaseRow.topic)
    )
    return Counter({topic: count for topic, count in rows})  # noqa: C416


def _of(hour: Counter[str], topic: str | None) -> int:
    return hour.total() if topic is ANY else hour[topic]


def densest(times: Sequence[datetime], window: timedelta) -> tuple[int, datetime] | None:
    """The most of these `times`, in ascending order, that fall within one window, and when that window ends."""
    best: tuple[int, datetime] | None = None
    first = 0
    for n, end in enumerate(times):
        while end - times[first] >= window:
            first += 1
        if best is None or n - first + 1 > best[0]:
            best = (n - first + 1, end)
    return best
