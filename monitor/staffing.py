"""How many people each hour of the coming week takes, beside how many are on call. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.business_time import BusinessHours
from monitor.erlang import needed
from monitor.forecast import Expected
from monitor.oncall import Rota

HOUR = timedelta(hours=1)

DEFINITIONS = {
    "cases": (
        "Cases",
        "Complaints, counted once for each case, in the hour in which the first one was posted; those of storms are "
        "left out. A case that was dismissed counts too: somebody had to look at it.",
    ),
    "expected": (
        "Expected",
        "The same hours of the past weeks, later weeks counting for more, with the growth that stands out from chance.",
    ),
    "interval": ("80 % interval", "Four times of five the number will lie within, both ends included."),
    "load": (
        "Load",
        "What is expected in the hour and, in the first hour after business was closed, all that came meanwhile; "
        "nothing while business is closed.",
    ),
    "needed": (
        "Needed",
        "The fewest people with which the share that is asked for is taken up within the time that is asked for, by "
        "Erlang C, at the given time to handle one case.",
    ),
    "needed_busy": ("Needed when busy", "The same for the upper end of the interval."),
    "on_call": (
        "On call",
        "Who is on call in the hour; where that changes within it, the fewest. A group counts as given.",
    ),
    "short": ("Short", "How many more are needed than are on call."),
}


@dataclass(frozen=True, slots=True)
class Need:
    """`share` (0 to 1) of the cases is to be taken up `within` so long; each takes somebody `handling`. `group` is how
    many people a user group of the rota stands for."""

    handling: timedelta = timedelta(minutes=15)
    within: timedelta = timedelta(minutes=20)
    share: float = 0.8
    group: int = 1

    def people(self, load: float) -> int:
        return needed(load, self.handling, self.within, self.share)

    def on_call(self, who: Sequence[str]) -> int:
        return sum(self.group if name.startswith("S") else 1 for name in who)


@dataclass(frozen=True, slots=True)
class Planned:
    """One hour. `load` is what there is to do in it, cases; `who` is on call when it begins, `on_call` the fewest of
    the hour."""

    starts_at: datetime
    expected: Expected
    open: bool
    load: float
    needed: int
    needed_busy: int
    who: tuple[str, ...]
    on_call: int

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + HOUR

    @property
    def short(self) -> int:
        return max(0, self.needed - self.on_call)


@dataclass(frozen=True, slots=True)
class Gap:
    """Hours in a row at which too few are on call, at worst `on_call` of `needed`."""

    starts_at: datetime
    ends_at: datetime
    needed: int
    on_call: int


def plan(
    expected: Sequence[tuple[datetime, Expected]], hours: BusinessHours, rota: Rota, need: Need
) -> tuple[Planned, ...]:
    """Each hour with what is expected of it, hours that follow each other; aware."""
    if not expected:
        return ()
    shifts = rota.shifts(expected[0][0], expected[-1][0] + HOUR)
    found, kept = [], 0.0
    for start, one in expected:
        end = start + HOUR
        opened = bool(hours.between(start, end))
        load = one.mean + kept if opened else 0.0
        busy = max(one.mean, one.high) + kept if opened else 0.0
        kept = 0.0 if opened else kept + one.mean
        present = [shift for shift in shifts if shift.starts_at < end and shift.ends_at > start]
        fewest = min(need.on_call(shift.who) for shift in present)
        found.append(Planned(start, one, opened, load, need.people(load), need.people(busy), present[0].who, fewest))
    return tuple(found)


def gaps(planned: Sequence[Planned], now: datetime) -> list[Gap]:
    """Where the rota is short, of the hours that are not over."""
    found: list[Gap] = []
    for hour in planned:
        if not hour.short or hour.ends_at <= now:
            continue
        last = found[-1] if found else None
        if last is not None and last.ends_at == hour.starts_at:
            worse = hour.short > last.needed - last.on_call
            worst = (hour.needed, hour.on_call) if worse else (last.needed, last.on_call)
            found[-1] = Gap(last.starts_at, hour.ends_at, *worst)
        else:
            found.append(Gap(hour.starts_at, hour.ends_at, hour.needed, hour.on_call))
    return found
