"""One day of a budget as arithmetic: what is left, how fast it goes, and when polls may go on spending.

Polls may spend HEAD_START of the day's budget at once and the rest as the day goes by. So a burst in the morning is
read at once, quiet hours save for busy ones, and the budget cannot be gone by noon: a source that would overspend is
polled more seldom instead, down to once in a while until the reset.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.sources.budget import Budget

HEAD_START = 0.25
MEMORY = timedelta(hours=2)  # of the rate: what was spent so long ago counts 1/e
YOUNGEST = timedelta(minutes=10)  # no rate is told from less


@dataclass(frozen=True, slots=True)
class Account:
    """`spent` of `budget` on the day that began at `began_at`. `weight` is what was spent lately, each part of it faded
    by its age, as of `weighed_at`; counting began at `since`."""

    budget: Budget
    began_at: datetime
    resets_at: datetime
    spent: float
    weight: float
    weighed_at: datetime
    since: datetime

    def charged(self, cost: float, now: datetime) -> Account:
        return replace(
            self, spent=self.spent + cost, weight=self._weight(now) + cost, weighed_at=max(now, self.weighed_at)
        )

    @property
    def left(self) -> float:
        """Infinite where there is no limit."""
        return math.inf if self.budget.daily is None else max(0.0, self.budget.daily - self.spent)

    def rate(self, now: datetime) -> float:
        """What is spent in an hour, of late."""
        age = max(YOUNGEST, now - self.since)
        seen = MEMORY * -math.expm1(-age / MEMORY)  # how much of the memory can have been filled by now
        return self._weight(now) / (seen / timedelta(hours=1))

    def lasts_until(self, now: datetime) -> datetime | None:
        """When the budget will be spent if it goes on like this; None if it lasts until its reset."""
        if self.left <= 0:
            return now
        hours = self.left / rate if (rate := self.rate(now)) > 0 else math.inf
        left = (self.resets_at - now) / timedelta(hours=1)
        return now + timedelta(hours=hours) if hours < left else None

    def open_at(self) -> datetime:
        """From when on polls may spend of it. In the past: now."""
        if self.budget.daily is None:
            return self.began_at
        for_polls = self.budget.daily - self.budget.kept
        if self.spent >= for_polls:
            return self.resets_at
        part = max(0.0, (self.spent / for_polls - HEAD_START) / (1 - HEAD_START))
        return self.began_at + (self.resets_at - self.began_at) * part

    def _weight(self, now: datetime) -> float:
        return self.weight * math.exp(-(max(timedelta(), now - self.weighed_at) / MEMORY))
