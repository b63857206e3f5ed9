"""What is expected of an hour, against weeks that were made by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.business_time import holiday_calendar
from monitor.spikes.expected import STEADY, WEEK, _scatter, expected
from monitor.spikes.finding import ANY, Finding, Series, hush, matters, narrowest, peaks
from monitor.spikes.history import from_hours
from monitor.usual import Usual

HOURS = np.arange(8 * WEEK)
SHAPE = np.where(HOURS % 24 < 8, 2.0, 10.0) * np.where(HOURS // 24 % 7 >= 5, 0.5, 1.0)
ALL = np.ones(8 * WEEK, dtype=bool)


def test_a_steady_week_is_expected_again() -> None:
    for hour in range(0, WEEK, 7):
        seen = np.roll(SHAPE, -hour)[None] * 30
        assert expected(seen, ALL, 1).means[0] == pytest.approx(SHAPE[hour] * 30, rel=0.05)


def test_where_an_hour_says_little_those_beside_it_say_more() -> None:
    lucky = np.full(8 * WEEK, 0.5)
    lucky[::WEEK] = 1.5
    assert expected(lucky[None], ALL, 1).means[0] < 1.1


def test_growth_is_followed() -> None:
    growing = SHAPE * 5 * 1.1 ** (HOURS / WEEK)
    assert expected(growing[None], ALL, 1).means[0] > 1.25 * expected(SHAPE[None] * 5, ALL, 1).means[0]


def test_an_hour_of_which_less_is_known_is_not_taken_for_a_quieter_one() -> None:
    flat, known = np.full((1, 8 * WEEK), 50.0), ALL.copy()
    known[: 4 * WEEK : WEEK] = False  # of the hour that is asked for
    assert expected(flat, known, 1).means[0] == pytest.approx(50, rel=0.02)


def test_one_day_off_does_not_lower_what_is_expected_after_it() -> None:
    seen = SHAPE[None] * 20
    for hour in (0, 12, 20):  # of the day on which it is asked
        after = np.roll(seen, -hour)
        after[:, -24 - hour : len(HOURS) - hour] = 0
        assert expected(after, ALL, 12).means[0] > 0.8 * expected(np.roll(seen, -hour), ALL, 12).means[0]


def test_days_that_differ_scatter_more_than_hours_that_do() -> None:
    """So much as the level of the days before says less of the day to come."""
    dice = np.random.default_rng(1)
    luck = np.repeat(dice.gamma(10, 1 / 10, 8 * 7), 24)
    days, hours = (
        expected(dice.poisson(100 * each)[None] * 1.0, ALL, 12).sizes[0] for each in (luck, dice.permutation(luck))
    )
    assert days < 0.7 * hours


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_the_scatter_is_that_around_what_would_have_been_expected(seed: int, weeks: int) -> None:
    dice = np.random.default_rng(seed)
    told = dice.random((weeks, WEEK)) < 0.8
    seen = dice.poisson(4, (2, weeks, WEEK)) * told * 1.0
    base, levels = dice.random((2, WEEK)) * 5, dice.random((2, 7 * weeks))
    for each in (seen, base):
        each[0] += each[1]  # the whole
    levels[0] += 1  # has at least as many as its part
    above, scale = np.zeros(2), np.zeros(2)
    for row in range(2):
        for week, hour in np.argwhere(told):
            times, day = told[:, hour].sum(), week * 7 + hour // 24
            if times > 1:
                fit = base[row, hour] * levels[row, day]
                others = base[0, hour] * levels[0, day] - fit
                fit *= max(1, (seen[0, week, hour] - seen[row, week, hour] + STEADY) / (others + STEADY))
                above[row] += (seen[row, week, hour] - fit) ** 2 * times / (times - 1) - fit
                scale[row] += fit**2
    assert np.allclose(_scatter(seen, told, base, levels), (above, scale))


def test_what_is_louder_all_over_is_no_news_of_each() -> None:
    usual = expected(np.array([SHAPE * 30, SHAPE * 10, SHAPE * 20]), ALL, 1)
    louder = usual.louder(usual.means * 1.5)
    assert louder.means[0] == usual.means[0]
    assert all(louder.means[1:] > 1.2 * usual.means[1:])
    assert usual.louder(usual.means / 2).means == pytest.approx(usual.means)


def test_a_holiday_is_expected_to_differ() -> None:
    seen = SHAPE[None] * 20
    assert expected(seen, ALL, 1, holiday=True).sizes[0] < 0.5 * expected(seen, ALL, 1).sizes[0]


def test_on_a_holiday_nothing_is_silent() -> None:
    seen = np.concatenate([SHAPE, SHAPE[:14]])[None] * 5
    seen[:, 8 * WEEK + 9 :] = 0
    known = np.ones(seen.shape[1], dtype=bool)
    off = ~known
    assert hush(seen, known, off, 1e-4, 2) is not None
    off[8 * WEEK :] = True
    assert hush(seen, known & ~off, off, 1e-4, 2) is None


def test_holidays_are_whole_days_of_the_wall_clock_and_say_nothing_of_what_is_usual() -> None:
    zone = ZoneInfo("Europe/Tallinn")
    christmas = holiday_calendar(["2026-12-25"])
    told = from_hours([Series()], np.full((1, 96), 2.0), datetime(2026, 12, 23, tzinfo=UTC), zone, christmas)
    off = {start.astimezone(zone).date() for start, holiday in zip(told.starts, told.holidays, strict=True) if holiday}
    assert off == {date(2026, 12, 25)}
    assert told.holidays.sum() == 24
    assert not (told.known & told.holidays).any()


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
    assert expected(flat, ALL, 4).means[0] == pytest.approx(20, rel=0.05)


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
    autumn = from_hours([Series()], np.full((1, 72), 2.0), datetime(2026, 10, 24, tzinfo=UTC), zone)
    assert autumn.counts.shape[1] == 71
    assert autumn.counts[0].max() == 4
    assert not autumn.known[autumn.counts[0].argmax()]
    spring = from_hours([Series()], np.full((1, 72), 2.0), datetime(2026, 3, 28, tzinfo=UTC), zone)
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
    assert peaks([Series()], seen, known, ~known, 10, 1e-3) == []
    assert [f.count for f in peaks([Series()], seen, known, ~known, 9, 1e-3)] == [9]


def test_silence_by_night_is_no_hush_and_by_day_is_one() -> None:
    steady = np.concatenate([SHAPE, SHAPE[:WEEK]])[None] / 2
    known = np.ones(steady.shape[1], dtype=bool)
    for hours, told in ((4, False), (18, True)):
        seen = steady[:, : 8 * WEEK + hours].copy()
        seen[:, 8 * WEEK + max(0, hours - 4) :] = 0
        some = known[: seen.shape[1]]
        assert (hush(seen, some, ~some, 1e-4, 2) is not None) is told, timedelta(hours=hours)
