"""The spans of time that trends are asked for: hours, days, weeks and months as a time zone has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from zoneinfo import ZoneInfo

from monitor.clock import aware
from monitor.errors import Refused
from monitor.rollups import first_hour

MOST_POINTS = 10_000  # 400 days by the hour, 27 years by the day
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_EPOCH = date(1970, 1, 1).toordinal()


class Grain(StrEnum):
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"  # from Monday
    MONTH = "month"


@dataclass(frozen=True)
class Span:
    """The hours that begin from `since` (inclusive) to `until` (exclusive), both aware. A day is that of `zone`, so
    that one has 23 hours and one 25 where the clocks are changed; in zones with odd half hours an hour belongs to the
    day in which it begins. Raises Refused for a span that is empty or has more than MOST_POINTS points."""

    since: datetime
    until: datetime
    grain: Grain = Grain.DAY
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))

    def __post_init__(self) -> None:
        length = aware(self.until) - aware(self.since)
        if length <= timedelta(0):
            raise Refused(f"the span from {self.since.isoformat()} to {self.until.isoformat()} is empty")
        hourly = self.grain is Grain.HOUR
        points = length / (_HOUR if hourly else _DAY)
        if points > MOST_POINTS:
            what, mend = ("hours", "ask for days") if hourly else ("days", "ask for fewer years")
            raise Refused(f"{points:,.0f} {what} are too many to draw: {mend}")

    @property
    def hours(self) -> tuple[int, int]:
        """The first hour and the one after the last, counted from 1970-01-01T00Z."""
        return first_hour(self.since), first_hour(self.until)

    @property
    def previous(self) -> Span:
        """The span before, as long on the clock on the wall: a week that has 167 hours comes after one of 168."""
        since, until = (moment.astimezone(self.zone) for moment in (self.since, self.until))
        length = until.replace(tzinfo=None) - since.replace(tzinfo=None)
        return replace(self, since=(since - length).astimezone(UTC), until=self.since)

    @cached_property
    def starts(self) -> tuple[datetime, ...]:
        """When each point begins, in `zone`, in order. The first may begin before the span."""
        if self.grain is Grain.HOUR:
            return tuple(self._start(hour) for hour in range(*self.hours))
        return tuple(dict.fromkeys(map(self._start, self._days)))

    @cached_property
    def places(self) -> dict[int, int]:
        """Which of the points an hour (at hourly grain) or a local day, both counted from 1970, belongs to."""
        if self.grain is Grain.HOUR:
            return {hour: n for n, hour in enumerate(range(*self.hours))}
        place = {start: n for n, start in enumerate(self.starts)}
        return {day: place[self._start(day)] for day in self._days}

    @property
    def _days(self) -> range:
        first, end = self.hours
        return range(self._day(first), self._day(end - 1) + 1) if end > first else range(0)

    def _start(self, bucket: int) -> datetime:
        if self.grain is Grain.HOUR:
            return datetime.fromtimestamp(bucket * 3600, self.zone)
        day = date.fromordinal(_EPOCH + bucket)
        if self.grain is Grain.WEEK:
            day -= timedelta(days=day.weekday())
        elif self.grain is Grain.MONTH:
            day = day.replace(day=1)
        return datetime(day.year, day.month, day.day, tzinfo=self.zone)

    def offsets(self) -> Iterator[tuple[int, int]]:
        """(hour, minutes): from that hour on the zone is so many minutes ahead of UTC."""
        first, end = self.hours
        known: int | None = None
        last = first
        for hour in [*range(first, end, 24), max(first, end - 1)]:
            if (ahead := self._ahead(hour)) != known:
                while known is not None and hour - last > 1:
                    middle = (last + hour) // 2
                    last, hour = (middle, hour) if self._ahead(middle) == known else (last, middle)
                yield hour, ahead
                known = ahead
            last = hour

    def _day(self, hour: int) -> int:
        return day_of(hour, self.zone)

    def _ahead(self, hour: int) -> int:
        return _ahead(hour, self.zone)


def day_of(hour: int, zone: ZoneInfo) -> int:
    """The local day, counted from 1970, in which an hour begins."""
    return (hour * 60 + _ahead(hour, zone)) // 1440


def hours_of(day: int, zone: ZoneInfo) -> list[int]:
    """The hours that begin in a local day. Where clocks went back across midnight, others may lie between."""
    return [hour for hour in range(day * 24 - 16, day * 24 + 41) if day_of(hour, zone) == day]


def _ahead(hour: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(hour * 3600, zone).utcoffset()
    assert offset is not None
    return int(offset / timedelta(minutes=1))
