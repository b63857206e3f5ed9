"""When cases come: how many in each hour of each day, on the wall clock of a time zone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, cast, func, select
from sqlalchemy.orm import Session

from monitor.models import CaseRow

HOURS = 24
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Arrivals:
    """`days` follow each other from `first` on; `storms` are the cases of each that belong to incidents, and are not in
    `days`."""

    first: date
    days: tuple[tuple[int, ...], ...]
    storms: tuple[int, ...]

    @property
    def cases(self) -> int:
        return sum(map(sum, self.days))

    def since(self, day: date) -> Arrivals:
        """The part from `day` on."""
        left = max(0, (day - self.first).days)
        return Arrivals(self.first + timedelta(days=left), self.days[left:], self.storms[left:])

    def by_weekday(self) -> list[list[float | None]]:
        """The mean of each hour of Monday to Sunday; None for a weekday that there was none of."""
        found: list[list[float | None]] = []
        for weekday in range(7):
            alike = [day for n, day in enumerate(self.days) if (self.first.weekday() + n) % 7 == weekday]
            found.append([sum(day[h] for day in alike) / len(alike) if alike else None for h in range(HOURS)])
        return found


def arrivals(
    session: Session,
    first: date,
    until: date,
    zone: ZoneInfo,
    brands: Sequence[str],
    source: str | None = None,
    language: str | None = None,
) -> Arrivals:
    """Cases by when their first complaint was posted, from the day `first` to the one before `until`; from the first
    whole day since there are any. Those of incidents are left out: a storm says nothing of next week, and is answered
    in one go. In autumn the hour that comes twice holds both."""
    c = CaseRow
    wanted = [
        c.brand.in_(brands),
        *([c.source == source] if source else []),
        *([c.language == language] if language else []),
    ]
    begun = session.scalar(select(func.min(c.posted_at)).where(*wanted))
    since = first if begun is None else max(first, begun.astimezone(zone).date() + timedelta(days=1))
    if begun is None or since >= until:
        return Arrivals(until, (), ())
    midnights = [_midnight(since + timedelta(days=n), zone) for n in range((until - since).days + 1)]
    # seconds of which every hour on the wall begins with a multiple, so that few sums are read
    step = math.gcd(_HOUR, *(int(_offset(each).total_seconds()) for each in midnights))
    bucket = _step(session, step)
    rows = session.execute(
        select(bucket, func.count(), func.count(c.incident_id))
        .where(c.posted_at >= midnights[0].astimezone(UTC), c.posted_at < midnights[-1].astimezone(UTC), *wanted)
        .group_by(bucket)
    )
    days, storms = [[0] * HOURS for _ in range((until - since).days)], [0] * (until - since).days
    for number, count, in_storms in rows.all():
        local = datetime.fromtimestamp(number * step, zone)
        n = (local.date() - since).days
        days[n][local.hour] += count - in_storms
        storms[n] += in_storms
    return Arrivals(since, tuple(map(tuple, days)), tuple(storms))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _offset(moment: datetime) -> timedelta:
    return moment.utcoffset() or timedelta(0)


def _step(session: Session, seconds: int) -> ColumnElement[int]:
    """Which step of so many seconds since 1970 a case was posted in."""
    if session.get_bind().dialect.name == "sqlite":
        return cast(func.strftime("%s", CaseRow.posted_at), BigInteger) // seconds
    return cast(func.floor(func.extract("epoch", CaseRow.posted_at) / seconds), BigInteger)
