"""Who is on call: a weekly rota with other arrangements for some dates, or one user group for all times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from monitor.business_time import BusinessHours, windows
from monitor.clock import aware
from monitor.team_settings import OncallSettings

_DAY = timedelta(days=1)
_LONGEST = 366  # days of one range
_ALL_DAY = ("mon-sun 00:00-24:00",)


@dataclass(frozen=True, slots=True)
class Shift:
    """Who is on call from `starts_at` until just before `ends_at`; nobody where `who` is empty."""

    starts_at: datetime
    ends_at: datetime
    who: tuple[str, ...]


def days(texts: Sequence[str]) -> frozenset[date]:
    """Dates from texts such as "2026-12-24" or "2026-12-24..2026-12-26", both ends included.

    Raises ValueError, with the mend, for a text that is neither."""
    found: set[date] = set()
    for text in texts:
        first, _, last = (part.strip() for part in text.partition(".."))
        try:
            begin, end = date.fromisoformat(first), date.fromisoformat(last or first)
        except ValueError:
            raise ValueError(f'"{text}" is no date: write "2026-12-24" or "2026-12-24..2026-12-26"') from None
        if not 0 <= (end - begin).days < _LONGEST:
            raise ValueError(f'"{text}": the second date is before the first, or more than a year after it')
        found |= {begin + i * _DAY for i in range((end - begin).days + 1)}
    return frozenset(found)


class Rota:
    """`[[oncall]]`, with `otherwise` (`[slack] oncall`) for the times at which it names nobody.

    Of the entries of the rota those with dates are asked first, then the weekly ones, then those that are always on
    call; all who are named by the first kind that names anybody are on call together. A window belongs to the day on
    which it opens, so a night that begins on a date is still that date's after midnight."""

    def __init__(self, entries: Sequence[OncallSettings], timezone: str, otherwise: str | None = None) -> None:
        made = [_Turn.of(entry, timezone) for entry in entries]
        dated, rest = [turn for turn in made if turn.dates], [turn for turn in made if not turn.dates]
        self._kinds = (dated, [t for t in rest if t.hours.windows], [t for t in rest if not t.hours.windows])
        self._otherwise = (otherwise,) if otherwise else ()

    def at(self, now: datetime) -> tuple[str, ...]:
        """Who is on call: ids of users and user groups, in the order of the configuration; empty for nobody."""
        now = aware(now)
        for kind in self._kinds:
            if found := tuple(dict.fromkeys(turn.who for turn in kind if turn.on(now))):
                return found
        return self._otherwise

    def shifts(self, start: datetime, end: datetime) -> list[Shift]:
        """All of the time from `start` to `end`, in order, cut wherever somebody else comes on call."""
        edges = {start, end}
        for turn in (turn for kind in self._kinds for turn in kind):
            edges |= {edge for span in turn.spans(start, end) for edge in span if start < edge < end}
        found: list[Shift] = []
        ordered = sorted(edges)
        for begin, finish in pairwise(ordered):
            who = self.at(begin)
            if found and found[-1].who == who:
                begin = found.pop().starts_at
            found.append(Shift(begin, finish, who))
        return found


@dataclass(frozen=True)
class _Turn:
    who: str
    hours: BusinessHours  # without windows: always
    dates: frozenset[date]

    @classmethod
    def of(cls, entry: OncallSettings, timezone: str) -> _Turn:
        dates = days(entry.dates)
        hours = entry.hours or (_ALL_DAY if dates else ())
        return cls(entry.who, BusinessHours(windows(hours), ZoneInfo(entry.timezone or timezone)), dates)

    def on(self, now: datetime) -> bool:
        if not self.hours.windows:
            return True
        return any(opens <= now < closes for opens, closes in self.spans(now, now))

    def spans(self, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        """The spans that touch the time from `start` to `end`, not cut to it."""
        day = start.astimezone(self.hours.zone).date() - _DAY
        last = end.astimezone(self.hours.zone).date()
        found: list[tuple[datetime, datetime]] = []
        while day <= last:
            if not self.dates or day in self.dates:
                found += self.hours.on(day)
            day += _DAY
        return found
