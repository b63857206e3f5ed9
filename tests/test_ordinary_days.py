"""How often ordinary days look like a storm, and how soon a storm is seen: simulated, see docs/storms.md."""

from __future__ import annotations

from datetime import timedelta

import pytest
from ordinary_days import MONDAY, Town, alarms, recognised

from monitor.baseline import DAY, HOUR, WEEK
from monitor.storm_settings import StormsSettings

SETTINGS = StormsSettings()  # type: ignore[call-arg]


@pytest.mark.parametrize(("per_day", "towns"), [(30, 6), (300, 4), (1500, 2)])
def test_ordinary_weeks_have_less_than_one_false_alarm_a_month(per_day: int, towns: int) -> None:
    found, months = 0, 0.0
    for seed in range(100, 100 + towns):
        town = Town(per_day, seed)
        found += len(alarms(town, MONDAY + 8 * WEEK, MONDAY + 12 * WEEK, SETTINGS.rarity, SETTINGS.minimum))
        months += 28 / 30.4
    assert found / months < 1


@pytest.mark.parametrize(
    ("per_day", "per_minute", "hour", "within"), [(30, 5, 16, 3.0), (300, 5, 16, 4.0), (300, 20, 4, 1.0)]
)
def test_a_storm_is_seen_within_minutes(per_day: int, per_minute: float, hour: int, within: float) -> None:
    for seed in range(4):
        town, start = Town(per_day, seed), MONDAY + (64 + seed) * DAY + hour * HOUR
        town.storm("outage", start, per_minute, 60, seed)
        seen = recognised(town, "outage", start, SETTINGS.rarity, SETTINGS.minimum)
        assert seen is not None
        assert seen[0] <= timedelta(minutes=within)
