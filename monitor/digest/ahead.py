"""When most complaints are to be expected next: what the past weeks say of the hours to come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.models import SpikeRow
from monitor.spikes.event import lessons, spike_of
from monitor.spikes.expected import DAY, FEW_DAYS, expected
from monitor.spikes.history import HOUR, hour_of, hourly
from monitor.trends import Filter

WEEKS = 8
STRETCH = 3  # hours that are told together
BUSIER = 1.5  # times the average of the hours to come: worth telling
FEWEST = 3.0  # complaints in a stretch
SELDOM = 0.1  # more than `most` come in one of ten such stretches


@dataclass(frozen=True, slots=True)
class Ahead:
    """STRETCH hours from `start`: so many complaints are usual, more than `most` are seldom."""

    start: datetime
    mean: float
    most: int


def ahead(session: Session, wanted: Filter, zone: ZoneInfo, now: datetime, hours: int, count: int) -> list[Ahead]:
    """The busiest stretches of the next `hours`, in their order; none where nothing stands out or little is known."""
    here = hour_of(now)
    since = here - WEEKS * 7 * DAY * HOUR
    events = select(SpikeRow).where(SpikeRow.until > since, SpikeRow.brand.in_(("", *wanted.brand)))
    unusual = lessons(map(spike_of, session.scalars(events)))
    past = hourly(session, wanted, since, here, zone).without(unusual)
    if past.known.sum() < FEW_DAYS * DAY:
        return []
    found = []
    for n in range(1, max(1, hours - STRETCH + 2)):
        counts, known = np.pad(past.counts, ((0, 0), (0, n))), np.pad(past.known, (0, n))
        usual = expected(counts, known, STRETCH).usual(0)
        found.append((here + n * HOUR, usual))
    average = sum(usual.mean for _, usual in found) / max(1, len(found))
    chosen: list[Ahead] = []
    for start, usual in sorted(found, key=lambda each: -each[1].mean):
        if usual.mean < max(FEWEST, BUSIER * average) or len(chosen) == count:
            break
        if all(abs(start - other.start) >= 2 * STRETCH * HOUR for other in chosen):
            chosen.append(Ahead(start, usual.mean, usual.most(SELDOM)))
    return sorted(chosen, key=lambda each: each.start)
