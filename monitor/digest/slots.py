"""When a digest goes out, and what time it is about: from the slot before to its own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from monitor.business_time import weekdays

_WHEN = re.compile(r"(?:(daily)|([a-z,\s-]+?))\s+(\d\d?):(\d\d)")


@dataclass(frozen=True, slots=True)
class When:
    """On these days of the week (0 is Monday), at this time on the clock on the wall."""

    days: tuple[int, ...]
    at: time

    def last(self, now: datetime, zone: ZoneInfo) -> datetime:
        """The latest slot that is not after `now`, in UTC."""
        today = now.astimezone(zone).date()
        for back in range(9):
            day = today - timedelta(days=back)
            slot = datetime.combine(day, self.at, zone).astimezone(UTC)
            if day.weekday() in self.days and slot <= now:
                return slot
        raise AssertionError("there are nine days without one")

    def before(self, slot: datetime, zone: ZoneInfo) -> datetime:
        return self.last(slot - timedelta(minutes=1), zone)


def when(text: str) -> When:
    """From "daily 17:55", "mon-fri 17:55" or "fri 16:00". Raises ValueError, with the mend."""
    match = _WHEN.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(f'"{text}" is no time for a digest: write "mon-fri 17:55", "fri 16:00" or "daily 9:00"')
    daily, days, hour, minute = match.groups()
    if int(hour) > 23 or int(minute) > 59:
        raise ValueError(f'"{text}": the times of a day run from 00:00 to 23:59')
    return When(tuple(range(7)) if daily else tuple(weekdays(days, text)), time(int(hour), int(minute)))
