"""How many cases to expect at each hour of the coming week, and how sure that is. Pure arithmetic over days of counts.

The same hour of the week in the past says how the week is shaped, the weeks as wholes say how much and which way it
goes: later ones count for more, and growth only as far as it stands out from chance. Around the expected number lies a
negative binomial (monitor/usual.py), whose spread is that of the same hours (days, weeks) of the past.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.usual import Usual, clumping

HOURS, DAYS = 24, 7
FEWEST_WEEKS = 2  # of the past, without which nothing is said of the next
INTERVAL = 0.8
HALF_LIFE = 3.0  # weeks after which a week counts half
SHAPE_WEEKS = 4.0  # so many weeks of the past an hour needs until it is believed as much as its day and its time of day
STEEPEST = math.log(1.2)  # growth a week that is believed
HELD_OUT = 4  # weeks that are forecast from what came before them, to see how often the interval was right

Day = Sequence[int]  # the count of each hour


@dataclass(frozen=True, slots=True)
class Expected:
    """The expected number, and between which counts it will lie INTERVAL of the time."""

    mean: float
    low: int
    high: int

    def holds(self, count: int) -> bool:
        return self.low <= count <= self.high


@dataclass(frozen=True, slots=True)
class Week:
    """The seven days after the past: each hour, each day, and all. `growth` is that of a week, 0.05 for 5 %."""

    hours: tuple[tuple[Expected, ...], ...]
    days: tuple[Expected, ...]
    all: Expected
    growth: float


@dataclass(frozen=True, slots=True)
class BackTest:
    """How forecasts of `weeks` past weeks fared, each made of what was known before it: which shares of hours and of
    days lay in their intervals, and how many were expected and came in all."""

    weeks: int
    hours_inside: float
    days_inside: float
    expected: float
    came: int


def week_ahead(days: Sequence[Day]) -> Week | None:
    """What to expect of the seven days after `days`, which follow each other, the last one last; None where they are
    fewer than FEWEST_WEEKS whole weeks."""
    weeks = _weeks(days)
    if len(weeks) < FEWEST_WEEKS:
        return None
    weights = [0.5 ** ((len(weeks) - 1 - n) / HALF_LIFE) for n in range(len(weeks))]
    known = sum(weights) ** 2 / sum(weight**2 for weight in weights)  # how many weeks' worth they are
    growth = _growth([sum(map(sum, week)) for week in weeks], weights)
    ahead = len(weeks) - sum(n * w for n, w in enumerate(weights)) / sum(weights)
    scale = math.exp(growth * ahead)
    shape = [[scale * cell for cell in day] for day in _shape(weeks, weights, known)]
    by_hour = clumping([[week[d][h] for week in weeks] for d in range(DAYS) for h in range(HOURS)])
    by_day = clumping([[sum(week[d]) for week in weeks] for d in range(DAYS)])
    by_week = clumping([[sum(map(sum, week)) for week in weeks]])
    return Week(
        hours=tuple(tuple(_expected(cell, by_hour, cell * (known + SHAPE_WEEKS)) for cell in day) for day in shape),
        days=tuple(_expected(sum(day), by_day, sum(day) * known) for day in shape),
        all=_expected(sum(map(sum, shape)), by_week, sum(map(sum, shape)) * known),
        growth=math.exp(growth) - 1,
    )


def back_test(days: Sequence[Day], weeks: int) -> BackTest | None:
    """Forecasts of the last HELD_OUT weeks, as far as there are enough before them, each from up to `weeks` weeks."""
    inside, inside_days, hours, expected, came, tested = 0, 0, 0, 0.0, 0, 0
    for back in range(1, HELD_OUT + 1):
        end = len(days) - DAYS * back
        found = week_ahead(days[max(0, end - DAYS * weeks) : end]) if end > 0 else None
        if found is None:
            break
        tested += 1
        for day, hourly, daily in zip(days[end : end + DAYS], found.hours, found.days, strict=True):
            inside += sum(one.holds(count) for one, count in zip(hourly, day, strict=True))
            inside_days += daily.holds(sum(day))
            hours += len(day)
            came += sum(day)
        expected += found.all.mean
    if not tested:
        return None
    return BackTest(tested, inside / hours, inside_days / (DAYS * tested), expected, came)


def _weeks(days: Sequence[Day]) -> list[Sequence[Day]]:
    """Whole weeks, the last one ending with the last day."""
    first = len(days) % DAYS
    return [days[n : n + DAYS] for n in range(first, len(days), DAYS)]


def _growth(totals: Sequence[int], weights: Sequence[float]) -> float:
    """The slope of the weeks' logarithms, drawn to none as far as chance makes such slopes (James and Stein 1961)."""
    if len(totals) <= FEWEST_WEEKS + 1:
        return 0.0
    logs, whole = [math.log(total + 0.5) for total in totals], sum(weights)
    middle = sum(n * w for n, w in enumerate(weights)) / whole
    level = sum(y * w for y, w in zip(logs, weights, strict=True)) / whole
    wide = sum(w * (n - middle) ** 2 for n, w in enumerate(weights))
    slope = sum(w * (n - middle) * (y - level) for n, (y, w) in enumerate(zip(logs, weights, strict=True))) / wide
    off = sum(w * (y - level - slope * (n - middle)) ** 2 for n, (y, w) in enumerate(zip(logs, weights, strict=True)))
    noise = max(off / whole * len(totals) / (len(totals) - 2), 1 / (sum(totals) / len(totals) + 0.5))
    chance = noise * sum((w * (n - middle)) ** 2 for n, w in enumerate(weights)) / wide**2
    kept = max(0.0, 1 - chance / slope**2) if slope else 0.0
    return max(-STEEPEST, min(STEEPEST, slope * kept))


def _shape(weeks: Sequence[Sequence[Day]], weights: Sequence[float], known: float) -> list[list[float]]:
    """The mean of each hour of each day: between what was counted then, and what its day and its time of day make it.
    To all of it one case is added, which is all that is known without a past."""
    whole = sum(weights)
    mean = [
        [sum(w * week[d][h] for week, w in zip(weeks, weights, strict=True)) / whole for h in range(HOURS)]
        for d in range(DAYS)
    ]
    by_day, by_hour = [sum(day) for day in mean], [sum(day[h] for day in mean) for h in range(HOURS)]
    level = sum(by_day)
    least = 1 / (len(weeks) + 1) / (DAYS * HOURS)
    return [
        [
            (known * mean[d][h] + (SHAPE_WEEKS * by_day[d] * by_hour[h] / level if level else 0))
            / (known + SHAPE_WEEKS)
            + least
            for h in range(HOURS)
        ]
        for d in range(DAYS)
    ]


def _expected(mean: float, clumped: float, seen: float) -> Expected:
    """`seen` is how many cases the mean was told from."""
    around, beside = Usual(mean, 1 / (clumped + 1 / (seen + 1))), (1 - INTERVAL) / 2
    return Expected(mean, around.quantile(beside), around.quantile(1 - beside))
