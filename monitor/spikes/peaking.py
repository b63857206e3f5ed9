"""Peaks of one brand: those that stand, given its history and those that are known. Arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from monitor.business_time import HolidayCalendar
from monitor.spike_settings import SpikesSettings
from monitor.spikes.event import Spike, followed, going_on, lessons, opened
from monitor.spikes.expected import WEEK
from monitor.spikes.finding import STRETCHES, matters, peaks
from monitor.spikes.history import HOUR, Histories, History, hour_of

DAY = timedelta(days=1)


def standing(
    history: History, brand: str, known: Sequence[Spike], settings: SpikesSettings, now: datetime, late: timedelta
) -> list[Spike]:
    """The brand's peaks that are open, as they stand now, and those that have just begun. `known` are all that there
    were, whose hours `history` leaves out; hours that began `late` ago and since are looked at."""
    found = [spike for spike in known if spike.state == "open"]
    over = [spike for spike in known if spike.state != "open"]
    chance = HOUR / settings.once_in
    hour = hour_of(now - late)
    while hour <= now:
        seen = history.until(hour, settings.weeks * WEEK + max(STRETCHES))
        found_now = peaks(seen.names, seen.counts, seen.known, seen.holidays, settings.minimum, chance)
        for finding in matters(found_now):
            same = next((spike for spike in found if spike.series.meets(finding.series)), None)
            if same is not None:
                found[found.index(same)] = going_on(same, finding, hour)
                continue
            new = opened("peak", brand, "", finding, hour, now)
            if not any(left_of(old, new, settings) for old in over if old.series.meets(finding.series)):
                found.append(new)
        hour += HOUR
    return [followed(spike, history.without(lessons(found)), now) for spike in found]


def left_of(old: Spike, new: Spike, settings: SpikesSettings) -> bool:
    """Whether the new one is what is left of one that ended."""
    rest = DAY if too_long(old, old.ended_at or old.until, settings) else timedelta(0)
    return new.began_at < old.until + rest


def too_long(spike: Spike, now: datetime, settings: SpikesSettings) -> bool:
    return now - spike.began_at >= settings.longest


def over(spike: Spike, now: datetime, settings: SpikesSettings) -> bool:
    """Whether it has ended by now."""
    return now - spike.until >= settings.calm or too_long(spike, now, settings)


def replayed(
    history: History, brand: str, settings: SpikesSettings, since: datetime, until: datetime
) -> Iterator[Spike]:
    """What would have been told from `since` to `until`, looking at the end of each hour: each peak as it ended."""
    known: list[Spike] = []
    hour = hour_of(since)
    while hour < until:
        now = hour + HOUR - timedelta(seconds=1)
        ordinary = history.until(hour).without(lessons(known)) if known else history.until(hour)
        stands = standing(ordinary, brand, known, settings, now, timedelta(0))
        known = [spike for spike in known if spike.state != "open"]
        for spike in stands:
            if over(spike, now, settings):
                spike = replace(spike, state="ended", ended_at=now)
                yield spike
            known.append(spike)
        hour += HOUR
    yield from (spike for spike in known if spike.state == "open")


def past(
    session: Session,
    brand: str,
    settings: SpikesSettings,
    zone: ZoneInfo,
    holidays: HolidayCalendar,
    since: datetime,
    now: datetime,
) -> Iterator[Spike]:
    """As `replayed`, of the stored mentions of a brand."""
    weeks = settings.weeks + -(-(now - since) // timedelta(weeks=1))
    history = Histories(weeks, zone, settings.late, holidays).brand(session, brand, (), now)
    return replayed(history, brand, settings, since, now)
