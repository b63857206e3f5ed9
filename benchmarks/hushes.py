"""How often ordinary hours look like a hush, and how soon a source that died is told: simulated.

python -m benchmarks.hushes [MONTHS]: so many (24) of each kind of brand, all of whose mentions come from one source.

The brands of benchmarks.spikes, which are quieter by night, on weekends and on holidays, and one that people write to
in office hours: next to nothing by night and on weekends, and as little on holidays.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from statistics import median

import numpy as np

from benchmarks.spikes import KINDS, MONDAY, MONTH, PAST, SEEN, SETTINGS, Kind, rates
from monitor.spikes.expected import WEEK
from monitor.spikes.finding import STRETCHES, Series, hush
from monitor.spikes.history import HOUR, History

TESTS = 2  # rows that are looked at: the source and the brand
CHANCE = HOUR / SETTINGS.once_in
OFFICE = Kind("office", 20, 50, 50)
QUIET = 0.01  # of an office hour's mentions, at other times
WATCHED = slice(PAST * WEEK, (PAST + SEEN) * WEEK)
DIES = {"at 10 on a Tuesday": 34, "at 22 on a Tuesday": 46, "at 10 on a Saturday": 130}  # hours into the week


def history(kind: Kind, per_day: float, seed: int, calendar: bool) -> History:
    """Everything that is said, by the hour. `calendar`: whether its holidays are known."""
    dice = np.random.default_rng(seed)
    hours = np.arange((PAST + SEEN) * WEEK)
    mean = rates(kind, per_day)
    if kind is OFFICE:
        busy = (hours // 24 % 7 < 5) & (hours % 24 >= 8) & (hours % 24 < 18)
        mean = per_day * 7 / 50 * np.where(busy, 1, QUIET) * (1 + kind.growth) ** (hours / WEEK)
    days = len(hours) // 24
    mean = mean * np.repeat(dice.gamma(kind.day, 1 / kind.day, days), 24)
    mean *= dice.gamma(kind.hour, 1 / kind.hour, len(hours))
    holidays = np.isin(hours // 24, dice.choice(days, days // 30, replace=False))
    mean[holidays] *= QUIET if kind is OFFICE else 0.5
    off = holidays & calendar
    starts = tuple(MONDAY + n * HOUR for n in hours.tolist())
    return History((Series(),), dice.poisson(mean)[None].astype(float), ~off, starts, off)


def hushed(told: History, hours: slice) -> Iterator[int]:
    """The hours at whose end a hush would be told, as new ones: none while one goes on."""
    silent, calm = 0, SETTINGS.calm // HOUR
    for hour in range(hours.start, hours.stop):
        seen = told.until(told.starts[hour], SETTINGS.weeks * WEEK + max(STRETCHES))
        if hush(seen.counts, seen.known, seen.holidays, CHANCE, TESTS) is None:
            continue
        if hour - silent > calm:
            yield hour
        silent = hour


def until_told(kind: Kind, per_day: float, died: int, count: int) -> Iterator[int | None]:
    """How many hours after it died a source is told, None if not within two days."""
    for seed in range(1000, 1000 + count):
        told = history(kind, per_day, seed, calendar=True)
        hour = (PAST + seed % SEEN) * WEEK + died
        counts = told.counts.copy()
        counts[:, hour:] = 0
        dead = replace(told, counts=counts)
        found = next(hushed(dead, slice(hour, min(hour + 48, counts.shape[1]))), None)
        yield None if found is None else found - hour + 1


def measure(months: float = 24, deaths: int = 20) -> list[tuple[str, str, str]]:
    rows = []
    for kind in (*KINDS, OFFICE):
        for per_day in (30, 300, 3000):
            name = f"hushes, {kind.name} brand, {per_day:,} mentions a day"
            runs = max(1, round(months * MONTH))
            for calendar in (False, True):
                found = sum(len(list(hushed(history(kind, per_day, seed, calendar), WATCHED))) for seed in range(runs))
                given = "given" if calendar else "not given"
                told = f"{found * MONTH / runs:.2f} ({found} in {runs / MONTH:.0f})"
                rows.append((f"{name}: false ones a month, holidays {given}", told, "at most 0.5"))
                print(rows[-1], file=sys.stderr)
            rows.append((f"{name}: hours until a source is told that died", _deaths(kind, per_day, deaths), ""))
            print(rows[-1], file=sys.stderr)
    return rows


def _deaths(kind: Kind, per_day: float, count: int) -> str:
    found = []
    for when, hour in DIES.items():
        hours = [each for each in until_told(kind, per_day, hour, count) if each is not None]
        told = f"{median(hours):g} (at most {max(hours)})" if hours else "not"
        found.append(f"{when} {told}" + (f", {count - len(hours)} not within two days" if len(hours) < count else ""))
    return "; ".join(found)


if __name__ == "__main__":
    for row in measure(*map(float, sys.argv[1:2])):
        print(*row, sep=" | ")
