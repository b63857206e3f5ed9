"""The hours of a brand, as they are read."""

from __future__ import annotations

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from conftest import NOON

from monitor import tallies
from monitor.business_time import holiday_calendar
from monitor.database import Database
from monitor.spikes.history import Histories
from tests.spikes.history import DAY, HOUR, ordinary

EET = ZoneInfo("Europe/Tallinn")


def test_all_sources_together_are_read_from_the_sums_of_hours_and_are_what_each_by_name_adds_up_to(
    db: Database,
) -> None:
    for n, source in enumerate(("x", "news")):
        ordinary(db, NOON, weeks=2, source=source, seed=n, sentiment=("negative", "positive")[n])
    tallies.settle(db, EET, NOON)
    with db.read() as session:
        those, all_of_them = (
            Histories(3, EET, timedelta(hours=3)).brand(session, "Acme", sources, NOON)
            for sources in (("news", "x"), ())
        )
    assert those.names == all_of_them.names
    assert np.array_equal(those.counts, all_of_them.counts)
    assert those.counts[0].sum() > 1000


def test_holidays_are_read_with_the_hours(db: Database) -> None:
    ordinary(db, NOON, weeks=2)
    day = (NOON - 3 * DAY).astimezone(EET).date()
    with db.read() as session:
        told = Histories(3, EET, timedelta(hours=3), holiday_calendar([day.isoformat()])).brand(
            session, "Acme", (), NOON
        )
    midnight = NOON.astimezone(EET).replace(hour=0) - 3 * DAY
    assert told.holidays.sum() == 24
    assert told.holidays[told.column(midnight.astimezone(UTC))]
    assert not told.holidays[told.column(midnight.astimezone(UTC) - HOUR)]
