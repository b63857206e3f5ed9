"""What a source may spend in a day: money, or the units of a service's quota.

A source that spends says so in its attribute `budgets` and counts through its attribute `meter`. Whoever has the same
owner shares the budget, in whatever source or process. Where the count is kept: monitor/budgets.py.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Budget:
    """`name` is what calls spend ("units", "USD"), `owner` who pays: make it with `owner(...)` from the credential.

    `daily` is the most that may be spent between two midnights of `zone`; None: it is only counted and shown. Polls
    leave `kept` of it to replies.
    """

    name: str
    owner: str
    daily: float | None = None
    zone: str = "UTC"
    kept: float = 0.0

    def day(self, now: datetime) -> date:
        return now.astimezone(ZoneInfo(self.zone)).date()

    def began_at(self, now: datetime) -> datetime:
        """When the day that `now` belongs to began, in UTC."""
        return self._midnight(self.day(now))

    def resets_at(self, now: datetime) -> datetime:
        """When that day ends, in UTC. A day has 23 or 25 hours where the zone changes its clocks."""
        return self._midnight(self.day(now) + timedelta(days=1))

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), ZoneInfo(self.zone)).astimezone(UTC)


class Meter(Protocol):
    """Counts what is spent, by the budgets' names. A name without a budget counts nothing."""

    def reserve(self, **costs: float) -> None:
        """Before a call whose cost is known: it counts from now on, whether the call succeeds or not. Raises
        BudgetSpent, and counts nothing, where less than that is left."""
        ...

    def spend(self, **costs: float) -> None:
        """After a call whose cost its answer shows. Never refuses: it is spent."""
        ...

    def left(self, name: str) -> float:
        """What may be spent still today; infinite where there is no limit."""
        ...


class Unmetered:
    """The meter of a source that stands alone, as in tests: everything is allowed, nothing is counted."""

    def reserve(self, **costs: float) -> None:
        pass

    def spend(self, **costs: float) -> None:
        pass

    def left(self, name: str) -> float:
        return float("inf")


class MeteredSource(Protocol):
    """What a source has besides `Source` when it spends. `meter` is `Unmetered()` until the app puts its own there."""

    budgets: tuple[Budget, ...]
    meter: Meter


def owner(service: str, credential: str) -> str:
    """A name for whoever has this credential of this service, which does not tell the credential."""
    return f"{service}:{hashlib.sha256(credential.encode()).hexdigest()[:16]}"
