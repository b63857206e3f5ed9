"""Business hours: which seconds count.

Business is open at an instant when the wall clock of the zone then shows a time inside a window. So nothing needs a
rule of its own at daylight saving: an hour that is skipped has no instants, an hour that comes twice counts twice.
A window belongs to the day it opens on, also where it runs past midnight; a holiday removes the windows that open on
it and leaves the end of the night before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import ZoneInfo

from monitor.clock import aware

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ZERO = timedelta()
_WINDOW = re.compile(r"([a-z,\s-]+?)\s+(\d\d?):(\d\d)\s*-\s*(\d\d?):(\d\d)")
_DAY = timedelta(days=1)
_LONGEST_CLOSURE = 5 * 366  # days without one open window, after which the hours are taken for a mistake


@dataclass(frozen=True, slots=True)
class Window:
    """Open on `weekday` (0 is Monday) from `opens` to `closes`, both after that day's midnight on the wall clock.
    `closes` is more than 24 h where the window runs past midnight."""

    weekday: int
    opens: timedelta
    closes: timedelta


def windows(texts: Sequence[str]) -> tuple[Window, ...]:
    """Windows from texts such as "mon-fri 09:00-12:00", "sat,sun 10:00-14:00" or "fri 22:00-02:00".

    Raises ValueError, with the mend, for a text that is none."""
    return tuple(window for text in texts for window in _parse(text))


def _parse(text: str) -> list[Window]:
    match = _WINDOW.fullmatch(text.strip().lower())
    if not match:
        raise ValueError(f'"{text}" is no window: write "mon-fri 09:00-17:00" or "fri 22:00-02:00"')
    days, *numbers = match.groups()
    from_hour, from_minute, to_hour, to_minute = map(int, numbers)
    opens = timedelta(hours=from_hour, minutes=from_minute)
    closes = timedelta(hours=to_hour, minutes=to_minute)
    if from_minute > 59 or to_minute > 59 or opens >= _DAY or closes > _DAY:
        raise ValueError(f'"{text}": the times of a day run from 00:00 to 24:00')
    if opens == closes:
        raise ValueError(f'"{text}" opens and closes at the same time: for a whole day write 00:00-24:00')
    if closes < opens:
        closes += _DAY
    return [Window(weekday, opens, closes) for weekday in weekdays(days, text)]


def weekdays(days: str, text: str) -> list[int]:
    """The days that "mon-fri" or "sat,sun" names, 0 is Monday. Raises ValueError, which quotes all of `text`."""
    found: list[int] = []
    for part in days.split(","):
        ends = [end.strip() for end in part.split("-")]
        for end in ends:
            if end not in DAYS:
                near = get_close_matches(end, DAYS, n=1, cutoff=0.3)
                hint = f', did you mean "{near[0]}"?' if near else ""
                raise ValueError(f'"{text}": "{end}" is no day (mon, tue, wed, thu, fri, sat, sun){hint}')
        if len(ends) > 2:
            raise ValueError(f'"{text}": a range of days has two ends, as in "mon-fri"')
        first, last = DAYS.index(ends[0]), DAYS.index(ends[-1])
        found += [(first + i) % 7 for i in range((last - first) % 7 + 1)]
    return sorted(set(found))


@dataclass(frozen=True, slots=True)
class HolidayCalendar:
    """Days on which no window opens: `date in calendar`. `regions` are codes such as "EE" or "US-CA"."""

    regions: tuple[str, ...] = ()
    dates: frozenset[date] = frozenset()

    def __contains__(self, day: date) -> bool:
        return day in self.dates or any(day in _public_holidays(region, day.year) for region in self.regions)


def holiday_calendar(entries: Sequence[str]) -> HolidayCalendar:
    """A calendar from codes of the `holidays` package ("EE", "US-CA") and dates ("2026-12-24").

    Raises ValueError for an entry that is neither."""
    regions, dates = [], set()
    for entry in map(str.strip, entries):
        if re.match(r"\d", entry):
            try:
                dates.add(date.fromisoformat(entry))
            except ValueError:
                raise ValueError(f'"{entry}" is no date: write it as "2026-12-24"') from None
        else:
            regions.append(_known_region(entry))
    return HolidayCalendar(tuple(regions), frozenset(dates))


def _known_region(code: str) -> str:
    import holidays

    country, _, part = code.upper().partition("-")
    countries = holidays.list_supported_countries()
    if country not in countries:
        near = get_close_matches(country, countries, n=1)
        hint = f', did you mean "{near[0]}"?' if near else ""
        raise ValueError(f'"{code}" is neither a country code such as "EE" or "US-CA" nor a date{hint}')
    if part and part not in {known.upper() for known in countries[country]}:
        known = ", ".join(countries[country]) or "none"
        raise ValueError(f'"{code}": the parts of {country} that the holidays package knows: {known}')
    return f"{country}-{part}" if part else country


@lru_cache(maxsize=1024)
def _public_holidays(region: str, year: int) -> frozenset[date]:
    import holidays

    country, _, part = region.partition("-")
    subdivision = next((s for s in holidays.list_supported_countries()[country] if s.upper() == part), None)
    return frozenset(holidays.country_holidays(country, subdiv=subdivision, years=year))


@dataclass(frozen=True)
class BusinessHours:
    """The seconds that count. Without windows every second does, holidays or not."""

    windows: tuple[Window, ...] = ()
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    holidays: HolidayCalendar = field(default_factory=HolidayCalendar)

    def between(self, start: datetime, end: datetime) -> timedelta:
        """The open time from `start` to `end`; zero where `end` comes first."""
        start, end = aware(start), aware(end)
        if end <= start:
            return ZERO
        if not self.windows:
            return end - start
        total = ZERO
        for opens, closes in self._open(start):
            if opens >= end:
                break
            total += min(closes, end) - opens
        return total

    def add(self, start: datetime, span: timedelta) -> datetime:
        """The first moment at which `span` of open time has passed since `start`: `start` itself for nothing, the
        closing time, rather than the next opening, where the span ends with a window.

        Raises ValueError where business does not open for five years on end."""
        start = aware(start)
        if span <= ZERO:
            return start
        if not self.windows:
            return start + span
        for opens, closes in self._open(start):
            if span <= closes - opens:
                return opens + span
            span -= closes - opens
        raise ValueError("the hours and holidays leave no open time in five years")

    def opens_after(self, start: datetime) -> datetime | None:
        """When business next opens after `start`; None where it is always open, or closed for years on end."""
        closed_at = start = aware(start)
        for opens, closes in self._open(start):
            if opens > closed_at:
                return opens
            closed_at = closes
            if closes - start > timedelta(days=366):
                return None
        return None

    def open_until(self, at: datetime) -> datetime | None:
        """When business that is open at `at` next closes, windows without a gap between them being one; None where it
        is closed then, or always open. Looks no further than eight days ahead."""
        at = end = aware(at)
        for opens, closes in self._open(at):
            if opens > end or end - at > timedelta(days=8):
                break
            end = closes
        return end if end > at else None

    def on(self, day: date) -> tuple[tuple[datetime, datetime], ...]:
        """The spans, in UTC and in order, of the windows that open on `day`."""
        return _spans(self, day)

    def _open(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The open spans from `start` on, in order, none overlapping; ends after five years without one."""
        if not self.windows:
            return
        day = start.astimezone(self.zone).date() - _DAY  # the night before may still be open
        told, closed = start, 0
        while closed <= _LONGEST_CLOSURE:
            spans = _spans(self, day)
            closed = 0 if spans else closed + 1
            for opens, closes in spans:
                if closes > told:
                    yield max(opens, told), closes
                    told = closes
            day += _DAY


@lru_cache(maxsize=8192)
def _spans(hours: BusinessHours, day: date) -> tuple[tuple[datetime, datetime], ...]:
    """The instants, in UTC and in order, of the windows that open on `day`."""
    if day in hours.holidays:
        return ()
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    found = []
    for window in hours.windows:
        if window.weekday == day.weekday():
            found += _instants(hours.zone, midnight + window.opens, midnight + window.closes)
    return tuple(sorted(found))


def _instants(zone: ZoneInfo, opens: datetime, closes: datetime) -> list[tuple[datetime, datetime]]:
    """The instants at which the wall clock of `zone` shows a reading in [opens, closes). The readings are written as
    if they were UTC; the instants are UTC."""
    early, late = opens - _DAY, closes + _DAY
    before, after = _offset(zone, early), _offset(zone, late)
    if before == after:
        return [(opens - before, closes - before)]
    while late - early > timedelta(seconds=1):  # the second at which the zone changes its offset
        middle = (early + (late - early) / 2).replace(microsecond=0)
        if middle in (early, late):
            break
        early, late = (middle, late) if _offset(zone, middle) == before else (early, middle)
    spans = [(opens - before, min(closes - before, late)), (max(opens - after, late), closes - after)]
    return [(start, end) for start, end in spans if start < end]


def _offset(zone: ZoneInfo, instant: datetime) -> timedelta:
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None
    return offset
