"""How often ordinary weeks look like a spike, and how soon a peak is told: a part of `python -m benchmarks.spikes`."""

from __future__ import annotations

from datetime import timedelta

import pytest

from benchmarks.spikes import KINDS, MONDAY, PAST, SETTINGS, Kind, brand, history, injected
from monitor.spikes.finding import Series
from monitor.spikes.peaking import replayed

EVEN, RESTLESS = KINDS


@pytest.mark.parametrize(("kind", "per_day"), [(EVEN, 300), (RESTLESS, 30)])
def test_an_ordinary_week_tells_nothing(kind: Kind, per_day: float) -> None:
    told, start = history(brand(kind, per_day, 0)), MONDAY + timedelta(weeks=PAST)
    assert list(replayed(told, "Brand", SETTINGS, start, start + timedelta(days=7))) == []


@pytest.mark.parametrize(
    ("per_day", "factor", "about", "within"),
    [(300, 5, Series("negative"), 3), (3000, 3, Series("negative", "delivery"), 6), (3000, 5, Series("negative"), 1)],
)
def test_a_peak_is_told_within_hours(per_day: float, factor: float, about: Series, within: int) -> None:
    hours = list(injected(EVEN, per_day, factor, about, 3))
    assert all(hour is not None and hour <= within for hour in hours), hours
