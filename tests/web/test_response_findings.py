"""What the titles of the charts of the response claim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from monitor.response import Figures, figures
from monitor.trend_spans import Grain
from monitor.waits import MINUTE, Point
from monitor.web.response_course import Course, axis_of
from monitor.web.response_findings import hours, met, waited
from monitor.web.scope import Scope

TALLINN = ZoneInfo("Europe/Tallinn")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOTHING = Point(0, 0, 0, 0, None, None)
EMPTY = figures([])


def scope(days: int, last: date = date(2026, 11, 20)) -> Scope:
    return Scope(last - timedelta(days=days - 1), last, TALLINN)


def went(minutes: Sequence[float | None], storms: Sequence[tuple[datetime, datetime]] = ()) -> Course:
    """Days of which nine of ten cases waited so many minutes."""
    points = tuple(Point(9, 1, 0, 0, 600.0, None if each is None else each * MINUTE) for each in minutes)
    return Course(
        axis=axis_of(scope(len(minutes)), NOW),
        points=points,
        before=(NOTHING,) * len(points),
        all=Point(90, 10, 0, 0, 10 * MINUTE, 95 * MINUTE),
        then=NOTHING,
        than="the 10 days before",
        marks=(),
        storms=tuple(storms),
    )


NOON = datetime(2026, 11, 17, 10, tzinfo=UTC)
FINE = "Nine of ten wait an hour at most"
ONCE, TWICE = [50.0] * 6 + [61.0] + [50.0] * 3, [50.0] * 5 + [70.0, 99.0] + [50.0] * 3


@pytest.mark.parametrize(("course", "title"), [
    (went([50.0] * 10), f"{FINE}, every day"),
    (went([50.0, None, 60.0]), f"{FINE}, every day"),
    (went(ONCE), f"{FINE}, except on Tuesday 17 November"),
    (went(TWICE), f"{FINE}, except on 2 of 10 days"),
    (went(ONCE, [(NOON, NOON)]), f"{FINE}, except during the storm"),
    (went(TWICE, [(NOON, NOON)]), f"{FINE}, except on 2 of 10 days"),
    (went(TWICE, [(NOON - timedelta(days=1), NOON)]), f"{FINE}, except during the storm"),
    (went([61.0] * 5 + [50.0] * 5), "Half wait up to 10 min, nine of ten up to 95 min"),
    (replace(went([None] * 10), all=NOTHING), "Nobody was answered, and nobody waits"),
])  # fmt: skip
def test_whether_nine_of_ten_wait_an_hour_at_most(course: Course, title: str) -> None:
    assert waited(course, "calendar") == title


NINETY, UNKNOWN = Point(80, 10, 5, 5, 1, 1), "nothing is known of the period before"


@pytest.mark.parametrize(("now", "then", "title"), [
    (NINETY, NOTHING, f"90 % of 100 cases answered within the hour; {UNKNOWN}"),
    (Point(1, 0, 0, 0, 1, 1), NOTHING, f"100 % of 1 case answered within the hour; {UNKNOWN}"),
    (NINETY, Point(80, 8, 12, 0, 1, 1), "moved within chance: 90 % of 100 cases, after 88 % in the 10 days before"),
    (NINETY, Point(40, 20, 40, 0, 1, 1), "rose from 60 % to 90 % of all cases on the 10 days before"),
    (Point(40, 10, 0, 50, 1, 1), NINETY, "fell from 90 % to 50 % of all cases on the 10 days before"),
])  # fmt: skip
def test_how_many_were_answered_within_the_hour(now: Point, then: Point, title: str) -> None:
    assert met(replace(went([50.0] * 10), all=now, then=then), "calendar").endswith(title)


def of(cases: int, within: float) -> Figures:
    return replace(EMPTY, cases=cases, within_60=within)


def test_the_slow_hours_are_found_also_across_midnight_and_with_few_cases_in_some() -> None:
    night = [("22", of(30, 0.5)), ("23", of(20, 0.4)), ("01", of(2, 0.0)), ("03", of(10, 0.5))]
    day = [(f"{hour:02}", of(40, 0.9)) for hour in range(8, 20)]
    whole = of(62 + 480, (15 + 8 + 0 + 5 + 432) / 542)
    title = "Slowest for posts from 22:00 to 04:00: 45 % answered within the hour, 90 % at other times"
    assert hours(sorted(night + day), whole, "calendar") == title


def test_what_may_be_chance_is_no_finding() -> None:
    title = "The hour of the post makes no difference beyond chance: 90 % answered within the hour"
    assert hours([("08", of(50, 0.88)), ("09", of(50, 0.92))], of(100, 0.9), "calendar") == title
    assert hours([("03", of(2, 0.0)), ("09", of(98, 90 / 98))], of(100, 0.9), "calendar") == title
    assert "100 % answered" in hours([("03", of(20, 1.0))], of(20, 1.0), "calendar")


@pytest.mark.parametrize(("days", "grain", "points"), [
    (1, Grain.HOUR, 15),  # up to the hour that is running: it is 14:00 in Tallinn
    (2, Grain.HOUR, 39),
    (3, Grain.DAY, 3),
    (120, Grain.DAY, 120),
    (121, Grain.WEEK, 18),
])  # fmt: skip
def test_long_periods_are_drawn_by_the_week_and_short_ones_by_the_hour(days: int, grain: Grain, points: int) -> None:
    axis = axis_of(scope(days), NOW)
    assert (axis.grain, len(axis.starts), axis.partial) == (grain, points, True)


def test_weeks_that_the_period_cuts_are_cut() -> None:
    period = scope(150, date(2026, 11, 11))  # a Wednesday; its first day is a Monday's Tuesday
    axis = axis_of(period, NOW)
    assert axis.starts[0] == period.since
    assert axis.starts[1].weekday() == 0
    assert axis.ends[-1] == period.until
    assert not axis.partial
