"""How often what comes lies in the interval that was forecast: simulated brands of which eight weeks are known, and
each judged by the ninth."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta

from monitor.forecast import DAYS, HOURS, week_ahead
from tests.ordinary_days import MONDAY, Town

HOUR = timedelta(hours=1)
WEEKS = 8
WORLDS = ((5, 0.0, 100), (5, 0.08, 100), (30, 0.0, 100), (30, 0.08, 100), (300, 0.0, 40), (300, 0.08, 40))


@dataclass(slots=True)
class _Score:
    brands: int = 0
    hours: int = 0
    days: int = 0
    weeks: int = 0
    off: float = 0.0
    off_last: float = 0.0  # had the week been taken to be as the one before


def measure() -> list[tuple[str, str, str]]:
    rows = []
    for per_day, growth, brands in WORLDS:
        score = _Score()
        for seed in range(brands):
            _judge(score, history(per_day, seed, growth))
        named = f"forecast: {per_day} a day" + (f", growing by {growth:.0%} a week" if growth else "")
        inside = f"{score.hours / score.brands / DAYS / HOURS:.0%} of hours, "
        inside += f"{score.days / score.brands / DAYS:.0%} of days, {score.weeks / score.brands:.0%} of weeks inside; "
        off = f"off by {score.off / score.brands:.0%} a week (as last week: {score.off_last / score.brands:.0%})"
        rows.append((named, inside + off, "80% inside"))
    return rows


def history(per_day: float, seed: int, growth: float) -> list[list[int]]:
    """Nine weeks of counts, of which the last has `per_day` a day on average."""
    days, dice = [[0] * HOURS for _ in range(DAYS * (WEEKS + 1))], random.Random(seed + 1)
    for times in Town(per_day, seed, weeks=WEEKS + 1).times.values():
        for at in times:
            hour = (at - MONDAY) // HOUR
            if dice.random() < (1 + growth) ** (hour // (DAYS * HOURS) - WEEKS):
                days[hour // HOURS][hour % HOURS] += 1
    return days


def _judge(score: _Score, days: list[list[int]]) -> None:
    found, came = week_ahead(days[:-DAYS]), days[-DAYS:]
    if found is None:
        return
    total = sum(map(sum, came))
    score.brands += 1
    score.hours += sum(e.holds(c) for a, b in zip(found.hours, came, strict=True) for e, c in zip(a, b, strict=True))
    score.days += sum(e.holds(sum(c)) for e, c in zip(found.days, came, strict=True))
    score.weeks += found.all.holds(total)
    score.off += abs(found.all.mean - total) / total
    score.off_last += abs(sum(map(sum, days[-2 * DAYS : -DAYS])) - total) / total
