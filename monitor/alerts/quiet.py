"""Quiet hours: the windows of `[slack] quiet`, in which alerts of low cases wait until the window ends."""

from __future__ import annotations

from datetime import datetime

from monitor.business_time import BusinessHours, windows
from monitor.settings import Settings


class QuietHours:
    """Public holidays change nothing: a window is quiet on every day of the week that it names."""

    def __init__(self, settings: Settings) -> None:
        self._hours = BusinessHours(windows(settings.slack.quiet), settings.clock.zone)
        self._severities = frozenset(settings.slack.quiet_severities)

    def holds(self, severity: str) -> bool:
        """Whether alerts of such cases ever wait."""
        return severity in self._severities

    def until(self, severity: str, now: datetime) -> datetime | None:
        """When the alert of a case that comes in at `now` is to go out; None: at once."""
        return self._hours.open_until(now) if self.holds(severity) else None
