"""What is expected of an hour, against weeks that were made by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.spikes.expected import WEEK, expected
from monitor.spikes.finding import ANY, Finding, Series, hush, matters, narrowest, peaks
from monitor.spikes.history import _history
from monitor.usual import Usual

HOURS = np.arange(8 * WEEK)
SHAPE = np.where(HOURS % 24 < 8, 2.0, 10.0) * np.where(HOURS // 24 % 7 >= 5, 0.5, 1.0)
ALL = np.ones(8 * WEEK, dtype=bool)


def test_a_steady_week_is_expected_again() -> None:
    for hour in range(0, WEEK, 7):
        seen = np.roll(SHAPE, -hour)[None] * 3
        near = (SHAPE[hour] + SHAPE[hour - 1] + SHAPE[(hour + 1) % WEEK]) * 3 / 3  # with the hours beside it
        assert expected(seen, ALL, 1).means[0] == pytest.approx(near, rel=0.12)


def test_growth_is_followed() -> None:
    growing = SHAPE * 5 * 1.1 ** (HOURS / WEEK)
    assert expected(growing[None], ALL, 1).means[0] > 1.25 * expected(SHAPE[None] * 5, ALL, 1).means[0]


def test_hours_that_say_nothing_change_nothing() -> None:
    plain, known = SHAPE[None] * 4, ALL.copy()
    spoilt = plain.copy()
    spoilt[:, 5 * WEEK : 5 * WEEK + 24] = 1000
    known[5 * WEEK : 5 * WEEK + 24] = False
    assert expected(spoilt, known, 1).means[0] == pytest.approx(expected(plain, known, 1).means[0])


@pytest.mark.parametrize(
    ("hours", "pooled"),
    [(8 * WEEK, ""), (3 * WEEK + 1, ""), (2 * WEEK, "days"), (100, "days"), (30, "hours"), (1, "hours")],
)
def test_a_short_past_is_taken_together(hours: int, pooled: str) -> None:
    found = expected(np.full((1, hours), 6.0), np.ones(hours, dtype=bool), 1)
    assert found.ground.pooled == pooled
    assert found.means[0] == pytest.approx(6, rel=0.3)


def test_a_longer_stretch_is_the_sum_of_its_hours() -> None:
    flat = np.full((1, 8 * WEEK), 5.0)
    assert expected(flat, ALL, 4).means[0] == pytest.approx(20, rel=0.02)


def test_a_series_that_says_little_has_the_shape_of_the_whole() -> None:
    busy = SHAPE * 20
    rare = np.zeros(8 * WEEK)
    rare[::100] = 1  # at all hours alike
    night, day = (expected(np.roll(np.array([busy, rare]), -hour, axis=1), ALL, 1).means[1] for hour in (3, 14))
    assert day > 1.2 * night


@given(st.integers(0, 2**32 - 1), st.integers(1, 9 * WEEK), st.sampled_from([1, 4, 12]))
def test_whatever_the_past_the_mean_is_a_number_and_the_tail_a_probability(seed: int, hours: int, stretch: int) -> None:
    dice = np.random.default_rng(seed)
    counts = dice.poisson(dice.gamma(1, 3, (2, hours)))
    counts[0] += counts[1]
    found = expected(counts.astype(float), dice.random(hours) < 0.8, stretch)
    for row in (0, 1):
        usual = found.usual(row)
        assert usual.mean > 0
        assert usual.size > 0
        assert 0 <= usual.tail(7) <= 1


def test_the_hour_that_the_clocks_give_twice_is_one_and_the_one_they_take_is_none() -> None:
    zone = ZoneInfo("Europe/Tallinn")
    autumn = _history([Series()], np.full((1, 72), 2.0), datetime(2026, 10, 24, tzinfo=UTC), zone)
    assert autumn.counts.shape[1] == 71
    assert autumn.counts[0].max() == 4
    assert not autumn.known[autumn.counts[0].argmax()]
    spring = _history([Series()], np.full((1, 72), 2.0), datetime(2026, 3, 28, tzinfo=UTC), zone)
    assert spring.counts.shape[1] == 73
    assert (~spring.known).sum() == 1
    assert spring.starts == tuple(sorted(spring.starts))


def found(series: Series, count: int, mean: float) -> Finding:
    return Finding(series, count, 1, Usual(mean, 5), 1e-6, expected(np.ones((1, 1)), np.ones(1, dtype=bool), 1).ground)


def test_the_narrowest_that_has_most_of_it_tells_it() -> None:
    whole, angry, late = (
        found(Series(), 90, 30),
        found(Series("negative"), 70, 15),
        found(Series("negative", "delivery"), 55, 5),
    )
    assert narrowest([whole, angry, late]) == late
    assert narrowest([whole, angry, found(Series("negative", "delivery"), 30, 5)]) == angry
    assert narrowest([]) is None


def test_neighbours_are_one_matter_and_other_moods_another() -> None:
    late, outage = found(Series("negative", "delivery"), 55, 5), found(Series("negative", "outage"), 40, 5)
    glad = found(Series("positive", "other"), 50, 5)
    assert matters([late, outage, glad]) == [late, glad]
    assert Series(ANY, "delivery").meets(Series("negative"))


def test_the_minimum_is_kept_whatever_the_rarity() -> None:
    seen = np.zeros((1, 8 * WEEK + 1))
    seen[0, ::50] = 1
    seen[0, -1] = 9
    known = np.ones(seen.shape[1], dtype=bool)
    assert peaks([Series()], seen, known, 10, 1e-3) == []
    assert [f.count for f in peaks([Series()], seen, known, 9, 1e-3)] == [9]


def test_silence_by_night_is_no_hush_and_by_day_is_one() -> None:
    steady = np.concatenate([SHAPE, SHAPE[:WEEK]])[None] / 2
    known = np.ones(steady.shape[1], dtype=bool)
    for hours, told in ((4, False), (18, True)):
        seen = steady[:, : 8 * WEEK + hours].copy()
        seen[:, 8 * WEEK + max(0, hours - 4) :] = 0
        assert (hush(seen, known[: seen.shape[1]], 1e-4, 2) is not None) is told, timedelta(hours=hours)
