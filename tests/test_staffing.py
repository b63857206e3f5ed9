"""How many cases come, how many people they take, where the rota is short: against published and counted figures."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.arrivals import Arrivals, arrivals
from monitor.business_time import BusinessHours, windows
from monitor.database import Database
from monitor.erlang import in_time, needed, waiting
from monitor.forecast import Expected, back_test, week_ahead
from monitor.models import IncidentRow
from monitor.oncall import Rota
from monitor.staffing import Gap, Need, gaps, plan
from monitor.team_settings import OncallSettings
from monitor.usual import Usual
from tests.ordinary_days import MONDAY, Town
from tests.web import town

TALLINN = ZoneInfo("Europe/Tallinn")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("people", "load", "probability"),
    [
        # 100 calls in half an hour of 3 minutes each: the worked example of the R package ErlangC and of pyworkforce
        (11, 10, 0.6821182),
        (14, 10, 0.1741319),
        (1, 0.5, 0.5),  # with one person it is the load
        (2, 1, 1 / 3),  # load² / (2 + load), by hand
        (3, 3, 1.0),  # as much comes as can be done: the queue grows without end
    ],
)
def test_the_probability_of_waiting_is_that_of_published_tables(people: int, load: float, probability: float) -> None:
    assert waiting(people, load) == pytest.approx(probability, abs=1e-7)


def test_the_share_in_time_and_the_people_that_it_takes_are_those_of_published_examples() -> None:
    handling, within = 3 * MINUTE, timedelta(seconds=20)
    assert in_time(14, 200, handling, within) == pytest.approx(0.88835, abs=1e-5)
    assert needed(200, handling, within, 0.8) == 14
    assert needed(0, handling, within, 0.8) == 0
    assert needed(0.01, handling, within, 0.8) == 1
    # 4 cases an hour of 15 minutes: one person is busy all the time; two take up 1 - e^(-4/3) / 3 in 20 minutes
    assert in_time(1, 4, 15 * MINUTE, 20 * MINUTE) == 0
    assert in_time(2, 4, 15 * MINUTE, 20 * MINUTE) == pytest.approx(0.912134, abs=1e-6)
    assert needed(4, 15 * MINUTE, 20 * MINUTE, 0.8) == 2


@given(st.floats(0.01, 200), st.floats(1, 120), st.floats(0, 120), st.floats(0.05, 0.99))
def test_one_person_fewer_would_not_do(per_hour: float, handling: float, within: float, share: float) -> None:
    people = needed(per_hour, handling * MINUTE, within * MINUTE, share)
    assert in_time(people, per_hour, handling * MINUTE, within * MINUTE) >= share
    assert people == 1 or in_time(people - 1, per_hour, handling * MINUTE, within * MINUTE) < share


@given(st.floats(0.001, 500), st.floats(0.3, 50), st.floats(0.01, 0.99))
def test_a_quantile_is_the_least_count_that_is_not_exceeded_so_often(mean: float, size: float, share: float) -> None:
    around = Usual(mean, size)
    count = around.quantile(share)
    assert around.head(count) >= share - 1e-9
    assert count == 0 or around.head(count - 1) < share + 1e-9


def steady(weeks: int, each: int = 2) -> list[list[int]]:
    """So many cases at each hour from 8 to 16, Monday to Friday."""
    return [[each if 8 <= h < 16 and d % 7 < 5 else 0 for h in range(24)] for d in range(7 * weeks)]


def test_a_steady_past_goes_on() -> None:
    found = week_ahead(steady(8))
    assert found is not None
    assert found.growth == 0
    assert found.all.mean == pytest.approx(80, rel=0.01)
    assert [round(day.mean, 1) for day in found.days] == [16.0] * 5 + [0.0] * 2
    assert found.hours[0][9].mean == pytest.approx(2, abs=0.01)
    assert found.hours[5][9] == Expected(pytest.approx(1 / 9 / 168), 0, 0)  # type: ignore[arg-type]


def test_growth_goes_on_where_it_stands_out_and_chance_is_no_growth() -> None:
    grown = week_ahead([day for week in range(8) for day in steady(1, 20 + 2 * week)])
    assert grown is not None
    assert grown.growth == pytest.approx(0.07, abs=0.02)
    assert grown.all.mean == pytest.approx(36 * 40, rel=0.04)  # after 34 in the last week
    shaky = week_ahead([day for week in range(8) for day in steady(1, 20 + (week * 5) % 7)])
    assert shaky is not None
    assert abs(shaky.growth) < 0.01


def test_two_whole_weeks_are_needed_and_nothing_is_fine() -> None:
    assert week_ahead(steady(2)[1:]) is None
    silent = week_ahead([[0] * 24] * 14)
    assert silent is not None
    assert (silent.all.low, silent.growth) == (0, 0)
    assert back_test(steady(2), 8) is None


def simulated(per_day: float, seed: int, weeks: int) -> list[list[int]]:
    days = [[0] * 24 for _ in range(7 * weeks)]
    for times in Town(per_day, seed, weeks=weeks).times.values():
        for at in times:
            days[(at - MONDAY) // DAY][(at - MONDAY) % DAY // HOUR] += 1
    return days


def test_four_of_five_days_come_as_the_interval_says() -> None:
    """A part of the simulation of docs/staffing.md."""
    tests = [back_test(simulated(30, seed, 12), 8) for seed in range(8)]
    found = [each for each in tests if each is not None]
    assert [each.weeks for each in found] == [4] * 8
    assert 0.74 <= sum(each.days_inside for each in found) / 8 <= 0.90
    assert 0.80 <= sum(each.hours_inside for each in found) / 8 <= 0.97


def week(mean: float) -> list[tuple[datetime, Expected]]:
    return [(MONDAY + n * HOUR, Expected(mean, 0, 8)) for n in range(48)]


def test_each_hour_takes_people_and_where_too_few_are_on_call_it_is_short() -> None:
    rota = Rota(
        [OncallSettings(who="U01", hours=["mon 08:00-12:30"]), OncallSettings(who="S01", hours=["mon 10:00-14:00"])],
        "UTC",
    )
    found = plan(week(4.0), BusinessHours(), rota, Need(group=2))
    assert {hour.needed for hour in found} == {2}
    assert {hour.needed_busy for hour in found} == {Need().people(8)}
    assert [(hour.who, hour.on_call) for hour in found[9:14]] == [
        (("U01",), 1),
        (("U01", "S01"), 3),
        (("U01", "S01"), 3),
        (("U01", "S01"), 2),
        (("S01",), 2),
    ]
    assert gaps(found, MONDAY + 9.5 * HOUR) == [
        Gap(MONDAY + 9 * HOUR, MONDAY + 10 * HOUR, 2, 1),
        Gap(MONDAY + 14 * HOUR, MONDAY + 48 * HOUR, 2, 0),
    ]


def test_what_comes_while_business_is_closed_waits_for_its_first_hour() -> None:
    hours = BusinessHours(windows(["mon-fri 09:00-17:00"]))
    found = plan(week(1.0), hours, Rota([], "UTC", "U01"), Need())
    assert [hour.load for hour in found[7:11]] == [0, 0, 10.0, 1.0]
    assert [hour.needed for hour in found[8:11]] == [0, Need().people(10), 1]
    assert found[33].load == 17.0  # from 17 to 9
    assert {hour.needed for hour in found if not hour.open} == {0}


def test_cases_are_counted_by_the_clock_on_the_wall(any_db: Database) -> None:
    with any_db.write() as session:
        storm = IncidentRow(
            brand="Acme", topics=["outage"], state="open", began_at=MONDAY, opened_at=MONDAY, usual=1.0, size=2.0
        )
        session.add(storm)
        session.flush()
        for at, more in (
            (datetime(2026, 10, 20, 21, 30, tzinfo=UTC), {}),  # half past midnight: the first day is not a whole one
            (datetime(2026, 10, 24, 21, 30, tzinfo=UTC), {}),  # half past midnight on Sunday the 25th
            (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), {}),  # half past three, summer time
            (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), {}),  # half past three, winter time
            (datetime(2026, 10, 26, 21, 59, tzinfo=UTC), {}),  # a minute to midnight on Monday
            (datetime(2026, 10, 26, 22, 0, tzinfo=UTC), {}),  # Tuesday
            (datetime(2026, 10, 26, 12, 0, tzinfo=UTC), {"incident_id": storm.id}),
            (datetime(2026, 10, 26, 12, 0, tzinfo=UTC), {"brand": "Beta"}),
        ):
            town.case(session, town.AYSE, at, **more)
    with any_db.read() as session:
        found = arrivals(session, date(2026, 10, 1), date(2026, 10, 27), TALLINN, ["Acme"])
        assert (found.first, len(found.days), found.cases, sum(found.storms)) == (date(2026, 10, 22), 5, 4, 1)
        assert {(n, h): c for n, day in enumerate(found.days) for h, c in enumerate(day) if c} == {
            (3, 0): 1,
            (3, 3): 2,
            (4, 23): 1,
        }
        mean = found.by_weekday()
        assert found.since(date(2026, 10, 26)).storms == (1,)
        assert (mean[6][3], mean[0][23], mean[1]) == (2, 1, [None] * 24)
        assert arrivals(session, date(2026, 10, 1), date(2026, 10, 27), TALLINN, ["Acme"], source="x").days == ()
        assert arrivals(session, date(2026, 10, 1), date(2026, 10, 27), TALLINN, []) == Arrivals(
            date(2026, 10, 27), (), ()
        )
        india = arrivals(session, date(2026, 10, 25), date(2026, 10, 26), ZoneInfo("Asia/Kolkata"), ["Acme"])
        assert [h for h, c in enumerate(india.days[0]) if c] == [3, 6, 7]
