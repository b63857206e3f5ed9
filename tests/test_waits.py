"""How long customers waited, against a small world that was reckoned by hand.

Two days, looked at on Thursday at 14:00 UTC; a case is late after an hour:

| case | posted | what became of it | waited |
|---|---|---|---|
| 1 | Wednesday 08:00 | answered after 10 min | 10 min |
| 2 | Wednesday 09:00 | answered after 30 min and 0.9 s | 30 min |
| 3 | Wednesday 10:00 | answered after 3 h | 180 min |
| 4 | Wednesday 12:00 | waits since, snoozed for the two hours from 13:00 | 24 h |
| 5 | Wednesday 13:00 | resolved without a reply | not to be told |
| 6 | Thursday 13:40 | waits, snoozed at 13:50 | 10 min |
| 7 | Thursday 13:30 | answered at once | 0 min |
| 8 | Thursday 13:00 | too old when it was seen: no clock | in no figure |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.cases import Cases
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.outcome_columns import UNKNOWN, Outcomes, microseconds, moment
from monitor.outcomes import Measure, outcomes
from monitor.response import figures
from monitor.settings import Settings
from monitor.sla import Policies
from monitor.waits import HOUR, MINUTE, Point, Waits, course, point, waits
from tests import stored

WEDNESDAY = datetime(2026, 11, 18, tzinfo=UTC)
DAY = timedelta(days=1)
NOW = WEDNESDAY + DAY + timedelta(hours=14)


class Wait(NamedTuple):
    posted_at: datetime
    seconds: int
    answered: bool


def columns(world: Sequence[Wait]) -> Waits:
    return Waits(
        np.array([microseconds(wait.posted_at) for wait in world], np.int64),
        np.array([wait.seconds for wait in world], np.int64),
        np.array([wait.answered for wait in world], bool),
    )


def settle(db: Database, settings: Settings) -> None:
    cases = Cases(db, settings)

    def at(hour: float, day: int = 0) -> datetime:
        return WEDNESDAY + day * DAY + timedelta(hours=hour)

    one, two, three, four, five = (
        stored.complain(db, settings, at(hour), cases=cases, author=f"a{hour}") for hour in (8, 9, 10, 12, 13)
    )
    cases.act(one, "reply", "Mari", "web", at(8) + timedelta(minutes=10))
    cases.act(two, "reply", "Mari", "web", at(9) + timedelta(minutes=30, seconds=0.9))
    cases.act(three, "reply", "Mari", "web", at(13))
    cases.act(four, "snooze", "Mari", "web", at(13), until=at(20))
    cases.act(four, "unsnooze", "Mari", "web", at(15))
    cases.act(five, "resolve", "Mari", "web", at(13.5))
    seven = stored.complain(db, settings, at(13.5, 1), cases=cases, author="b")
    cases.act(seven, "reply", "Mari", "web", at(13.5, 1))
    six = stored.complain(db, settings, at(13, 1) + timedelta(minutes=40), cases=cases, author="c")
    cases.act(six, "snooze", "Mari", "web", at(13, 1) + timedelta(minutes=50), until=at(20, 1))
    stored.complain(db, settings, NOW + 20 * DAY, posted_at=at(13, 1), author="d")


def read(db: Database, settings: Settings, measure: Measure = "calendar") -> Waits:
    with db.read() as session:
        of = Outcomes.of(outcomes(session, WEDNESDAY, NOW + DAY)).clocked()
        return waits(session, of, measure, Policies(settings.clock), NOW)


def test_waits_are_what_the_small_world_says(any_db: Database, make_settings: Callable[..., Settings]) -> None:
    settings = make_settings()
    settle(any_db, settings)
    wednesday, thursday = course(read(any_db, settings), [WEDNESDAY, WEDNESDAY + DAY])
    # 10, 30 | 180, 1440 minutes: between 30 and 180; nine of ten of four are all four
    assert wednesday == Point(1, 1, 1, 2, median=105 * MINUTE, p90=24 * HOUR)
    # 0 | 10 minutes
    assert thursday == Point(1, 0, 0, 1, median=5 * MINUTE, p90=10 * MINUTE)
    assert (wednesday.cases, wednesday.in_the_hour) == (5, 2)


def test_business_time_counts_while_business_is_open(db: Database, make_settings: Callable[..., Settings]) -> None:
    settings = make_settings(clock={"hours": ["wed 12:30-12:45", "thu 13:45-14:30"]})
    settle(db, settings)
    of = read(db, settings, "business")
    found = of.where(~of.answered)
    assert dict(zip(map(moment, found.posted_at.tolist()), found.seconds.tolist(), strict=True)) == {
        WEDNESDAY + timedelta(hours=12): 30 * MINUTE,
        WEDNESDAY + timedelta(hours=13): UNKNOWN,
        NOW - timedelta(minutes=20): 5 * MINUTE,
    }


def test_parts_are_those_of_the_figures(
    db: Database, make_settings: Callable[..., Settings], clock: ManualClock
) -> None:
    settings = make_settings()
    settle(db, settings)
    with db.read() as session:
        of = figures(Outcomes.of(outcomes(session, WEDNESDAY, NOW + DAY)).clocked())
    whole = point(read(db, settings))
    assert whole.cases == of.cases == 7
    assert (whole.within_20 / 7, whole.in_the_hour / 7) == (of.within_20, of.within_60)
    assert whole.unanswered == of.waiting + of.closed_without_reply


def test_an_answer_after_a_time_that_is_not_known_came_later() -> None:
    assert point(columns([Wait(NOW, UNKNOWN, True)])) == Point(0, 0, 1, 0, None, None)
    assert point(columns([])) == Point(0, 0, 0, 0, None, None)


@pytest.mark.parametrize(("seconds", "part"), [
    (20 * MINUTE, "within_20"), (20 * MINUTE + 1, "within_60"), (HOUR, "within_60"), (HOUR + 1, "later"),
])  # fmt: skip
def test_the_very_second_is_in_time(seconds: int, part: str) -> None:
    assert getattr(point(columns([Wait(NOW, seconds, True)])), part) == 1


moments = st.integers(0, 3 * 86_399).map(lambda second: WEDNESDAY + timedelta(seconds=second))
cases = st.lists(st.builds(Wait, moments, st.just(UNKNOWN) | st.integers(0, 4 * HOUR), st.booleans()))


@given(cases)
def test_every_case_is_in_one_part_of_one_day(world: list[Wait]) -> None:
    days = course(columns(world), [WEDNESDAY, WEDNESDAY + DAY, WEDNESDAY + 2 * DAY])
    assert sum(day.cases for day in days) == point(columns(world)).cases == len(world)
    for n, day in enumerate(days):
        assert day == point(columns([wait for wait in world if (wait.posted_at - WEDNESDAY) // DAY == n]))


@given(cases)
def test_nine_of_ten_waited_no_longer_than_the_p90(world: list[Wait]) -> None:
    of, times = point(columns(world)), [wait.seconds for wait in world if wait.seconds != UNKNOWN]
    if not times:
        assert of.median is of.p90 is None
        return
    assert of.median == median(times)
    assert of.p90 is not None
    assert sum(time <= of.p90 for time in times) >= 0.9 * len(times)
    assert sum(time < of.p90 for time in times) < 0.9 * len(times)
