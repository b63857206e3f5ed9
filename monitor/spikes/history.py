"""The hours of a brand as arrays: a row for each series, a column for each hour of the wall clock."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.business_time import HolidayCalendar
from monitor.models import MentionRow
from monitor.spikes.expected import WEEK, Known
from monitor.spikes.expected import Counts as Array
from monitor.spikes.finding import STRETCHES, Series
from monitor.trend_reading import Reading
from monitor.trend_spans import Grain, Span
from monitor.trends import Filter, over_time

HOUR = timedelta(hours=1)
MOODS = ("negative", "neutral", "positive")
MOODS_AT = slice(2, 5)  # of what Reading gives: all mentions, complaints, these
NEW = timedelta(days=7)  # a source whose first mention is younger is new
NO_HOLIDAYS = HolidayCalendar()
_KEPT = 300  # pasts kept in memory

Cells = Mapping[
    tuple[str, str], Array
]  # by sentiment and topic, or source and "": a number for each hour since `since`


@dataclass(frozen=True, slots=True)
class History:
    """`starts` is when each column's hour begins, in UTC; an hour that the clocks take away begins with the next. The
    hour that they give twice is one column, of which is not said what is usual, as is not of hours of `holidays`."""

    names: tuple[Series, ...]
    counts: Array
    known: Known
    starts: tuple[datetime, ...]
    holidays: Known

    def until(self, hour: datetime, before: int | None = None) -> History:
        """Up to and with the hour that begins then, and at most so many hours `before` it."""
        end = self.column(hour) + 1
        part = slice(0 if before is None else max(0, end - 1 - before), end)
        return History(self.names, self.counts[:, part], self.known[part], self.starts[part], self.holidays[part])

    def column(self, hour: datetime) -> int:
        """The last whose hour does not begin after `hour`."""
        return max(0, bisect_right(self.starts, hour) - 1)

    def row(self, wanted: Series) -> int | None:
        return self.names.index(wanted) if wanted in self.names else None

    def without(self, spans: Iterable[tuple[datetime, datetime]]) -> History:
        """Where hours within any of `spans` say nothing of what is usual."""
        known = self.known.copy()
        for since, until in spans:
            known[bisect_left(self.starts, since) : bisect_left(self.starts, until)] = False
        return replace(self, known=known)


class Histories:
    """Reads what is past once an hour and keeps it; what may still change, each time."""

    def __init__(self, weeks: int, zone: ZoneInfo, fresh: timedelta, holidays: HolidayCalendar = NO_HOLIDAYS) -> None:
        """`fresh`: so long may mentions come late."""
        self._reach, self._zone, self._fresh = (weeks * WEEK + max(STRETCHES)) * HOUR, zone, fresh
        self._holidays = holidays
        self._past: dict[tuple[str, Filter, datetime], tuple[Cells, datetime]] = {}

    def brand(self, session: Session, brand: str, sources: Collection[str], now: datetime) -> History:
        """By sentiment and topic, to the hour of `now`, as these sources have it (none: all)."""
        cells, since = self._cells(session, "topic", Filter(brand=(brand,), source=tuple(sorted(sources))), now)
        topics = sorted({topic for _, topic in cells})
        names = [Series(), *(Series(mood) for mood in MOODS)]
        names += [series for topic in topics for series in (Series(topic=topic), *(Series(m, topic) for m in MOODS))]
        hours = _hours(since, now)
        rows = [
            sum((cells[each.sentiment, each.topic] for each in _within(cells, name)), np.zeros(hours)) for name in names
        ]
        return from_hours(names, np.array(rows), since, self._zone, self._holidays)

    def sources(self, session: Session, now: datetime) -> dict[str, History]:
        """By source, of all brands together."""
        cells, since = self._cells(session, "source", Filter(), now)
        return {
            name: from_hours([Series()], array[None], since, self._zone, self._holidays)
            for (name, _), array in cells.items()
        }

    def _cells(self, session: Session, by: str, wanted: Filter, now: datetime) -> tuple[Cells, datetime]:
        hour = hour_of(now)
        middle = hour - self._fresh
        if (by, wanted, middle) not in self._past:
            if len(self._past) >= _KEPT:
                self._past.clear()
            since = middle - self._reach
            self._past[by, wanted, middle] = _read(session, by, wanted, since, middle, self._zone), since
        past, since = self._past[by, wanted, middle]
        fresh = _read(session, by, wanted, middle, hour + HOUR, self._zone)
        before, after = _hours(since, middle - HOUR), _hours(middle, hour)
        nothing = (np.zeros(before), np.zeros(after))
        joined = {
            key: np.concatenate([past.get(key, nothing[0]), fresh.get(key, nothing[1])])
            for key in past.keys() | fresh.keys()
        }
        return joined, since


def hourly(session: Session, wanted: Filter, since: datetime, until: datetime, zone: ZoneInfo) -> History:
    """All that is `wanted`, as one series, of the whole hours from `since` to `until`."""
    points = over_time(session, Span(since, until, Grain.HOUR, zone), wanted)
    return from_hours([Series()], np.array([[point.mentions for point in points]], dtype=float), since, zone)


def settled(session: Session, sources: Mapping[str, History], late: timedelta, now: datetime) -> set[str]:
    """The sources that are no news themselves. One that has just been added makes every brand louder: it is known by
    its first mention, which was seen more than `late` after it was posted."""
    since = {
        name: history.starts[int(history.known.argmax())] for name, history in sources.items() if any(history.known)
    }
    longest = max((now - first for first in since.values()), default=NEW)
    return {
        name
        for name, first in since.items()
        if now - first >= min(NEW, longest / 2) or not _backlog(session, name, first, late)
    }


def _backlog(session: Session, source: str, first: datetime, late: timedelta) -> bool:
    m = MentionRow
    posted = m.posted_at >= first, m.posted_at < first + HOUR
    found = session.execute(
        select(m.seen_at, m.posted_at).where(m.source == source, *posted).order_by(m.posted_at).limit(1)
    )
    return any(seen - posted_at > late for seen, posted_at in found)


def hour_of(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _hours(since: datetime, last: datetime) -> int:
    return int((last - since) / HOUR) + 1


def _within(cells: Cells, wanted: Series) -> list[Series]:
    return [found for found in (Series(*key) for key in cells) if wanted.holds(found)]


def _read(session: Session, by: str, wanted: Filter, since: datetime, until: datetime, zone: ZoneInfo) -> Cells:
    span = Span(since, until, Grain.HOUR, zone)
    found: dict[tuple[str, str], Array] = defaultdict(lambda: np.zeros(len(span.starts)))
    for name, hour, sums in Reading(session, span).rows(wanted, by):
        place = span.places[hour]
        if by == "source":
            found[name, ""][place] += sums[0]
            continue
        for mood, count in zip(MOODS, sums[MOODS_AT], strict=True):
            found[mood, name][place] += count
    return found


def from_hours(
    names: Sequence[Series], hourly: Array, since: datetime, zone: ZoneInfo, holidays: HolidayCalendar = NO_HOLIDAYS
) -> History:
    """From hours as they follow one another to hours of the wall clock."""
    moments = [since + n * HOUR for n in range(hourly.shape[1])]
    walls = [_wall(moment, zone) for moment in moments]
    width = walls[-1] - walls[0] + 1
    counts, times = np.zeros((hourly.shape[0], width)), np.zeros(width, dtype=int)
    places = np.array(walls) - walls[0]
    np.add.at(counts.T, places, hourly.T)
    np.add.at(times, places, 1)
    starts: list[datetime | None] = [None] * width
    for place, moment in zip(places, moments, strict=True):
        starts[place] = starts[place] or moment
    for place in range(width - 2, -1, -1):
        starts[place] = starts[place] or starts[place + 1]
    days = (np.arange(walls[0], walls[0] + width) // 24).tolist()
    off = {day for day in set(days) if date.fromordinal(day) in holidays}
    holiday = np.array([day in off for day in days])
    known = (times == 1) & ~holiday
    some = np.flatnonzero(counts[0])
    known[: some[0] if len(some) else width] = False  # before the first mention nobody looked
    return History(tuple(names), counts, known, tuple(moment for moment in starts if moment is not None), holiday)


def _wall(moment: datetime, zone: ZoneInfo) -> int:
    local = moment.astimezone(zone)
    return local.toordinal() * 24 + local.hour
