"""The only place that asks what time it is."""

from __future__ import annotations

import re
import threading
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol

_SPACE = re.compile(r" (?=\d\d:?\d\d$)")


class Clock(Protocol):
    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until `event` is set (True) or `seconds` of this clock have passed (False)."""
        ...


class SystemClock:
    """The machine's clock. `speed` above 1 makes time run faster from `start` on (the demo's clock)."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._start = datetime.now(UTC)

    def now(self) -> datetime:
        real = datetime.now(UTC)
        return real if self.speed == 1.0 else self._start + (real - self._start) * self.speed

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(seconds / self.speed)


class ManualClock:
    """A clock that stands still until it is moved; for tests and simulated days."""

    def __init__(self, now: datetime) -> None:
        self._now = aware(now)

    def now(self) -> datetime:
        return self._now

    def move(self, by: timedelta) -> datetime:
        self._now += by
        return self._now

    def set(self, now: datetime) -> None:
        self._now = aware(now)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.move(timedelta(seconds=seconds))
        return event.is_set()


def aware(moment: datetime) -> datetime:
    """`moment` in UTC; a naive one raises ValueError, since nobody can say when it was."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    return moment.astimezone(UTC)


def moment(text: str) -> datetime:
    """A point in time as people write it: ISO 8601, with its zone; a date alone is its midnight in UTC. A plus that was
    not escaped in an address has become a space. Raises ValueError, which says how to write one."""
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        found = datetime.fromisoformat(_SPACE.sub("+", text.upper()))
    except ValueError:
        raise ValueError("is no time: write it such as 2026-11-20T16:45+02:00") from None
    if found.tzinfo is None:
        raise ValueError(f"has no time zone: write it such as {text}Z")
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise ValueError("is too far away") from None
