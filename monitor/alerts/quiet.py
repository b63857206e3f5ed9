"""Quiet hours: the windows of `[slack] quiet`, in which alerts of low cases wait until the window ends."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.business_time import BusinessHours, windows
from monitor.settings import Settings
from monitor.sla import Subject, policy_for


def too_late(settings: Settings, now: datetime) -> str | None:
    """Why cases that quiet hours hold back would be due before they are seen, where that is so in the week from `now`
    on."""
    hours = BusinessHours(windows(settings.slack.quiet), settings.clock.zone)
    today = now.astimezone(settings.clock.zone).date()
    begins = [begin for day in range(7) for begin, _ in hours.on(today + timedelta(days=day))]
    for severity in settings.slack.quiet_severities:
        policy, _ = policy_for(settings.clock, Subject(severity=severity))
        for begin in begins:
            end, due = hours.open_until(begin), policy.hours.add(begin, policy.target)
            if end is not None and due < end:
                times = [f"{at.astimezone(settings.clock.zone):%a %H:%M}" for at in (begin, due, end)]
                said = f"a {severity} case of {times[0]} is due {times[1]}, but its alert may wait until {times[2]}"
                return f"{said}: give {severity} cases a policy whose hours leave the quiet ones out"
    return None


class QuietHours:
    """Public holidays change nothing: a window is quiet on every day of the week that it names."""

    def __init__(self, settings: Settings) -> None:
        self._hours = BusinessHours(windows(settings.slack.quiet), settings.clock.zone)
        self._severities = frozenset(settings.slack.quiet_severities)

    def holds(self, severity: str) -> bool:
        """Whether alerts of such cases ever wait."""
        return severity in self._severities

    def end(self, now: datetime) -> datetime | None:
        """When the quiet hours of `now` end; None outside of them."""
        return self._hours.open_until(now)

    def until(self, severity: str, now: datetime) -> datetime | None:
        """When the alert of a case that comes in at `now` is to go out; None: at once."""
        return self.end(now) if self.holds(severity) else None
