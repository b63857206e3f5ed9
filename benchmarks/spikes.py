"""How often ordinary months look like a spike, and how many peaks are found, how soon: simulated.

python -m benchmarks.spikes [MONTHS]: so many (12) of each kind of brand.

A simulated brand has a week's rhythm, growth, holidays, moods of the day and of the hour that all of it shares, and a
luck of the hour that each of its thirty series has for itself. Luck is a gamma variate with mean 1; its shape says how
even it is. `even` brands are those whose counts scatter little beyond a Poisson's, `restless` ones scatter by half.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

import numpy as np
from numpy.typing import NDArray

from monitor.spike_settings import SpikesSettings
from monitor.spikes.expected import WEEK
from monitor.spikes.finding import Series
from monitor.spikes.history import HOUR, MOODS, History
from monitor.spikes.peaking import replayed, standing

PAST, SEEN = 8, 4  # weeks before, and weeks that are watched
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
MONTH = 30.4 / 28  # of four weeks
SHARES = {"delivery": 0.24, "app_or_website": 0.16, "billing": 0.13, "product_quality": 0.12, "staff_service": 0.1,
          "outage": 0.08, "refund_return": 0.06, "account_access": 0.05, "price": 0.04, "safety": 0.02}  # fmt: skip
MIX = dict(zip(MOODS, (0.35, 0.4, 0.25), strict=True))
SETTINGS = SpikesSettings()  # type: ignore[call-arg]
FACTORS = (1.5, 2.0, 3.0, 5.0)
LASTS = 12  # hours that an injected peak lasts, from 10 in the morning

Cells = dict[tuple[str, str], NDArray[np.int64]]  # of each hour, by sentiment and topic


@dataclass(frozen=True, slots=True)
class Kind:
    """Shapes of luck; `growth` a week."""

    name: str
    series: float
    hour: float
    day: float
    growth: float = 0.02


KINDS = (Kind("even", 20, 50, 50), Kind("restless", 4, 20, 20))


@dataclass(frozen=True, slots=True)
class Brand:
    cells: Cells
    holidays: frozenset[int]  # days since MONDAY


def rhythm(hours: NDArray[np.int64]) -> NDArray[np.float64]:
    """How busy an hour is, on average about 1: least at 4 in the morning, quieter on weekends."""
    day = 1 + 0.75 * np.cos((hours % 24 - 16) / 24 * 2 * np.pi)
    return np.asarray(day * np.where(hours // 24 % 7 >= 5, 0.7, 1.12))


def rates(kind: Kind, per_day: float) -> NDArray[np.float64]:
    hours = np.arange((PAST + SEEN) * WEEK)
    return per_day / 24 * rhythm(hours) * (1 + kind.growth) ** (hours / WEEK)


def brand(kind: Kind, per_day: float, seed: int) -> Brand:
    dice = np.random.default_rng(seed)
    shared = rates(kind, per_day)
    days = len(shared) // 24
    shared *= np.repeat(dice.gamma(kind.day, 1 / kind.day, days), 24) * dice.gamma(
        kind.hour, 1 / kind.hour, len(shared)
    )
    holidays = dice.choice(days, days // 30, replace=False)
    for holiday in holidays:
        shared[holiday * 24 : holiday * 24 + 24] *= dice.choice([0.5, 1.5])
    cells = {
        (mood, topic): dice.poisson(shared * MIX[mood] * share * dice.gamma(kind.series, 1 / kind.series, len(shared)))
        for mood in MOODS
        for topic, share in SHARES.items()
    }
    return Brand(cells, frozenset(holidays.tolist()))


def history(told: Brand, calendar: bool = False) -> History:
    """`calendar`: whether its holidays are known."""
    names = [Series(), *(Series(mood) for mood in MOODS), *(Series(topic=topic) for topic in SHARES)]
    names += [Series(*key) for key in told.cells]
    cells = told.cells.items()
    counts = np.array([sum(c for key, c in cells if name.holds(Series(*key))) for name in names], dtype=float)
    hours = counts.shape[1]
    off = np.isin(np.arange(hours) // 24, list(told.holidays) if calendar else [])
    return History(tuple(names), counts, ~off, tuple(MONDAY + n * HOUR for n in range(hours)), off)


def false_alarms(kind: Kind, per_day: float, months: float, calendar: bool = False) -> tuple[int, float]:
    """How many spikes ordinary months had, and how many months these were."""
    found, runs = 0, max(1, round(months * MONTH))
    start = MONDAY + timedelta(weeks=PAST)
    for seed in range(runs):
        told = history(brand(kind, per_day, seed), calendar)
        found += len(list(replayed(told, "Brand", SETTINGS, start, told.starts[-1])))
    return found, runs / MONTH


def injected(kind: Kind, per_day: float, factor: float, about: Series, count: int) -> Iterator[int | None]:
    """How many hours after it began a peak of `about` is told, None if never: of days with different luck."""
    dice = np.random.default_rng(int(per_day) + int(10 * factor))
    plain = rates(kind, per_day)
    for seed in range(1000, 1000 + count):
        ordinary = brand(kind, per_day, seed)
        start = (PAST * 7 + seed % 23) * 24 + 10
        hours = slice(start, start + LASTS)
        for (mood, topic), counts in ordinary.cells.items():
            if about.holds(Series(mood, topic)):
                counts[hours] += dice.poisson(plain[hours] * MIX[mood] * SHARES[topic] * (factor - 1))
        told = history(ordinary)
        yield next(
            (
                hour - start + 1
                for hour in range(start, start + LASTS)
                if _is_told(told.until(told.starts[hour]), about, told.starts[hour] + HOUR - timedelta(seconds=1))
            ),
            None,
        )


def _is_told(seen: History, about: Series, now: datetime) -> bool:
    return any(spike.series.meets(about) for spike in standing(seen, "Brand", (), SETTINGS, now, timedelta(0)))


def measure(months: float = 12, peaks: int = 20) -> list[tuple[str, str, str]]:
    rows = []
    for kind in KINDS:
        for per_day in (30, 300, 3000):
            began = time.perf_counter()
            found, watched = false_alarms(kind, per_day, months)
            spent = time.perf_counter() - began
            name = f"spikes, {kind.name} brand, {per_day:,} mentions a day"
            asked = "at most 0.5"
            rows.append((f"{name}: false alarms a month", f"{found / watched:.2f} ({found} in {watched:.0f})", asked))
            print(f"{rows[-1]} {spent:.0f} s", file=sys.stderr)
            for about in (Series("negative", "delivery"), Series("negative")):
                told = []
                for factor in FACTORS:
                    hours = list(injected(kind, per_day, factor, about, peaks))
                    seen = [hour for hour in hours if hour is not None]
                    told.append(f"x{factor:g}: {len(seen)}/{len(hours)}" + (f", {median(seen):g} h" if seen else ""))
                what = " ".join(filter(None, (about.sentiment, about.topic)))
                rows.append((f"  peaks of {what} told, median hours until then", "; ".join(told), ""))
                print(rows[-1], file=sys.stderr)
    return rows


if __name__ == "__main__":
    for row in measure(*map(float, sys.argv[1:2])):
        print(*row, sep=" | ")
