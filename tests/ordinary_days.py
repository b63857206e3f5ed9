"""Simulated complaints: ordinary weeks with a daily shape and a clumping of their own, and storms among them."""

from __future__ import annotations

import bisect
import math
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from monitor.baseline import DAY, HOUR, WEEK, Past

MONDAY = datetime(2026, 8, 31, tzinfo=UTC)
SHARES = {  # of the topics, about as the demo's complaints have them
    "delivery": 0.24, "app_or_website": 0.16, "billing": 0.13, "product_quality": 0.12, "staff_service": 0.1,
    "outage": 0.08, "refund_return": 0.06, "account_access": 0.05, "price": 0.04, "safety": 0.02,
}  # fmt: skip


def shape(at: datetime) -> float:
    """How busy an hour is, on average 1: least at 4 in the morning, most at 4 in the afternoon, quieter weekends."""
    day = 1 + 0.75 * math.cos((at.hour + at.minute / 60 - 16) / 24 * 2 * math.pi)
    return day * (0.7 if at.weekday() >= 5 else 1.12)


@dataclass
class Town:
    """People who complain about one brand, `per_day` times on an average day. Each hour of each topic has a luck of its
    own (gamma with shape `size`), and each day one that all topics share."""

    per_day: float
    seed: int
    size: float = 4.0
    daily: float = 20.0
    weeks: int = 12
    times: dict[str, list[datetime]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        dice = random.Random(self.seed)
        self.times = {topic: [] for topic in SHARES}
        for day in range(7 * self.weeks):
            mood = dice.gammavariate(self.daily, 1 / self.daily)
            for hour in range(24):
                start = MONDAY + day * DAY + hour * HOUR
                for topic, share in SHARES.items():
                    rate = self.per_day / 24 * share * shape(start) * mood * dice.gammavariate(self.size, 1 / self.size)
                    self.times[topic] += [start + HOUR * dice.random() for _ in range(_poisson(dice, rate))]
        for several in self.times.values():
            several.sort()

    def storm(self, topic: str, start: datetime, per_minute: float, minutes: int, seed: int) -> None:
        dice = random.Random(seed)
        at = start
        while (at := at + timedelta(minutes=dice.expovariate(per_minute))) < start + timedelta(minutes=minutes):
            bisect.insort(self.times[topic], at)

    def count(self, topic: str, start: datetime, end: datetime) -> int:
        return bisect.bisect_left(self.times[topic], end) - bisect.bisect_left(self.times[topic], start)

    def past(self, hour: datetime, weeks: int = 8) -> Past:
        """What the baseline reads for an hour when it has `weeks` weeks of the past."""
        groups = [[hour - w * WEEK + offset * HOUR for w in range(1, weeks + 1)] for offset in (-1, 0, 1)]
        starts = [start for group in groups for start in group]
        counts = tuple(Counter({t: self.count(t, start, start + HOUR) for t in SHARES}) for start in starts)
        return Past(counts, tuple(tuple(range(n * weeks, (n + 1) * weeks)) for n in range(3)))


def _poisson(dice: random.Random, mean: float) -> int:
    count, at = 0, dice.expovariate(1.0)
    while at < mean:
        count, at = count + 1, at + dice.expovariate(1.0)
    return count


def alarms(
    town: Town, start: datetime, end: datetime, rarity: float, minimum: int, window: timedelta = timedelta(minutes=15)
) -> list[tuple[datetime, str]]:
    """When a storm would be recognised from `start` to `end`: once in an hour and topic."""
    found = []
    pasts: dict[datetime, Past] = {}
    most: dict[tuple[datetime, str], int] = {}
    for topic, times in town.times.items():
        quiet_until = start
        for n in range(bisect.bisect_left(times, start), bisect.bisect_left(times, end)):
            at = times[n]
            count = n + 1 - bisect.bisect_right(times, at - window)
            if count < minimum or at < quiet_until:
                continue
            hour = at.replace(minute=0, second=0, microsecond=0)
            if (hour, topic) not in most:
                if hour not in pasts:
                    pasts[hour] = town.past(hour)
                most[hour, topic] = pasts[hour].usual(topic, window / HOUR).most(rarity)
            if count > most[hour, topic]:
                found.append((at, topic))
                quiet_until = at + HOUR
    return sorted(found)


def recognised(town: Town, topic: str, start: datetime, rarity: float, minimum: int) -> tuple[timedelta, int] | None:
    """How long after the storm's start it is recognised, and how many complaints of the topic came before."""
    found = next((at for at, what in alarms(town, start, start + 3 * HOUR, rarity, minimum) if what == topic), None)
    return (found - start, town.count(topic, start, found)) if found is not None else None
