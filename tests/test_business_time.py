"""Business time against a slow, obvious model: walk through the minutes and look at the wall clock at each."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor import business_time
from monitor.business_time import BusinessHours, HolidayCalendar, Window, holiday_calendar, windows

TALLINN = ZoneInfo("Europe/Tallinn")
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def hours(*texts: str, zone: str = "Europe/Tallinn", holidays: tuple[str, ...] = ()) -> BusinessHours:
    return BusinessHours(windows(texts), ZoneInfo(zone), holiday_calendar(holidays))


def local(text: str, zone: ZoneInfo = TALLINN, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


def is_open(hours: BusinessHours, instant: datetime) -> bool:
    """The definition, word for word."""
    shown = instant.astimezone(hours.zone).replace(tzinfo=None)
    for window in hours.windows:
        for day in (shown.date(), shown.date() - DAY):
            since_midnight = shown - datetime.combine(day, time.min)
            if (
                window.weekday == day.weekday()
                and day not in hours.holidays
                and window.opens <= since_midnight < window.closes
            ):
                return True
    return False


def slow_between(hours: BusinessHours, start: datetime, end: datetime) -> timedelta:
    total, at = timedelta(), start
    while at < end:
        total += MINUTE if is_open(hours, at) else timedelta()
        at += MINUTE
    return total


# Moments around which clocks change, years end and weeks turn, each in a zone where that matters.
EDGES = [
    ("Europe/Tallinn", datetime(2026, 3, 28, 20, tzinfo=UTC)),
    ("Europe/Tallinn", datetime(2026, 10, 24, 20, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, 3, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 2, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 10, tzinfo=UTC)),
    ("America/Nuuk", datetime(2026, 10, 24, 22, tzinfo=UTC)),
    ("Africa/Cairo", datetime(2026, 4, 23, 18, tzinfo=UTC)),
    ("Antarctica/Troll", datetime(2026, 10, 24, 22, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2026, 12, 31, 12, tzinfo=UTC)),
    ("Pacific/Kiritimati", datetime(2027, 12, 30, 12, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 29, 12, tzinfo=UTC)),
    ("UTC", datetime(2028, 2, 28, 12, tzinfo=UTC)),
]


@st.composite
def schedules(draw: st.DrawFn) -> tuple[BusinessHours, datetime]:
    zone, around = draw(st.sampled_from(EDGES))
    found = []
    for _ in range(draw(st.integers(1, 6))):
        opens = draw(st.integers(0, 1439))
        closes = opens + draw(st.integers(1, 1440))
        weekday = draw(st.one_of(st.integers(0, 6), st.just(around.weekday())))
        found.append(Window(weekday, timedelta(minutes=opens), timedelta(minutes=min(closes, opens + 1439, 2880))))
    days_off = draw(st.frozensets(st.integers(-1, 3), max_size=2))
    calendar = HolidayCalendar((), frozenset((around + day * DAY).date() for day in days_off))
    return BusinessHours(tuple(found), ZoneInfo(zone), calendar), around


@settings(max_examples=40, deadline=None)
@given(schedules(), st.integers(-600, 900), st.integers(0, 2400))
def test_open_time_between_two_moments_is_what_a_walk_through_the_minutes_counts(
    schedule: tuple[BusinessHours, datetime], offset: int, length: int
) -> None:
    hours, around = schedule
    start = around + offset * MINUTE
    end = start + length * MINUTE
    assert hours.between(start, end) == slow_between(hours, start, end)


@settings(max_examples=40, deadline=None)
@given(schedules(), st.integers(-600, 900), st.integers(1, 900))
def test_adding_open_time_ends_at_the_first_moment_at_which_so_much_has_passed(
    schedule: tuple[BusinessHours, datetime], offset: int, length: int
) -> None:
    hours, around = schedule
    start, span = around + offset * MINUTE, length * MINUTE
    if slow_between(hours, start, start + 3 * DAY) < span:
        return
    end = hours.add(start, span)
    assert slow_between(hours, start, end) == span
    assert is_open(hours, end - MINUTE), "the last minute counted is open, so no earlier moment would do"


@settings(max_examples=200, deadline=None)
@given(schedules(), st.integers(-(10**6), 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_open_time_adds_up_to_the_microsecond(
    schedule: tuple[BusinessHours, datetime], offset: int, first: int, second: int
) -> None:
    hours, around = schedule
    start = around + timedelta(seconds=offset / 7, microseconds=first)
    middle = start + timedelta(seconds=first / 3)
    end = middle + timedelta(seconds=second / 3)
    assert hours.between(start, middle) + hours.between(middle, end) == hours.between(start, end)
    span = hours.between(start, end)
    assert hours.between(start, hours.add(start, span)) == span


def test_without_windows_every_second_counts_holidays_or_not() -> None:
    always = BusinessHours((), TALLINN, holiday_calendar(["EE"]))
    start = local("2026-12-24T23:30")
    assert always.add(start, HOUR) == start + HOUR
    assert always.between(start, start + DAY) == DAY
    assert always.between(start, start - DAY) == timedelta()


def test_an_hour_that_begins_before_closing_goes_on_after_the_weekend() -> None:
    week = hours("mon-fri 09:00-17:00")
    assert week.add(local("2026-11-20T16:45"), HOUR) == local("2026-11-23T09:45")


def test_an_hour_that_ends_at_closing_time_is_due_at_closing_time() -> None:
    week = hours("mon-fri 09:00-17:00")
    assert week.add(local("2026-11-20T16:00"), HOUR) == local("2026-11-20T17:00")


def test_a_split_shift_leaves_lunch_out() -> None:
    split = hours("mon-fri 09:00-12:00", "mon-fri 13:00-17:00")
    assert split.add(local("2026-11-20T11:30"), HOUR) == local("2026-11-20T13:30")


def test_a_window_past_midnight_belongs_to_the_day_it_opens_on() -> None:
    night = hours("fri 22:00-02:00", holidays=("2026-11-21",))  # the Saturday is a holiday, the Friday is not
    assert night.between(local("2026-11-20T00:00"), local("2026-11-23T00:00")) == 4 * HOUR
    friday_off = hours("fri 22:00-02:00", holidays=("2026-11-20",))
    assert friday_off.between(local("2026-11-20T00:00"), local("2026-11-23T00:00")) == timedelta()


def test_the_night_into_sunday_of_a_holiday_monday_is_left_alone() -> None:
    night = hours("sun 22:00-06:00", holidays=("2026-11-23",))
    assert night.between(local("2026-11-22T12:00"), local("2026-11-23T12:00")) == 8 * HOUR


def test_overlapping_windows_count_once() -> None:
    both = hours("mon 09:00-12:00", "mon 11:00-14:00", "sun 22:00-10:00")
    assert both.between(local("2026-11-22T22:00"), local("2026-11-23T23:00")) == 16 * HOUR


def test_a_week_without_a_gap_is_open_all_the_time() -> None:
    always = hours("mon-sun 00:00-24:00")
    start = local("2026-11-20T23:30")
    assert always.add(start, 100 * HOUR) == start + 100 * HOUR
    assert always.between(start, start + 100 * DAY) == 100 * DAY


def test_the_skipped_hour_of_spring_does_not_exist() -> None:
    night = hours("sat 22:00-06:00")
    assert night.between(local("2026-03-28T22:00"), local("2026-03-29T06:00")) == 7 * HOUR
    inside = hours("sun 03:15-03:45")
    assert inside.between(local("2026-03-29T00:00"), local("2026-03-29T12:00")) == timedelta()


def test_the_repeated_hour_of_autumn_counts_twice() -> None:
    night = hours("sat 22:00-06:00")
    assert night.between(local("2026-10-24T22:00"), local("2026-10-25T06:00")) == 9 * HOUR
    inside = hours("sun 03:15-03:45")
    assert inside.between(local("2026-10-25T00:00"), local("2026-10-25T12:00")) == HOUR


def test_public_holidays_close_the_day_and_the_year_turns() -> None:
    week = hours("mon-fri 09:00-17:00", holidays=("EE", "2026-12-31"))
    assert week.add(local("2026-12-30T16:30"), HOUR) == local("2027-01-04T09:30")
    assert date(2027, 2, 24) in week.holidays
    assert date(2027, 2, 23) not in week.holidays


def test_hours_that_never_open_are_an_error_and_not_an_endless_search() -> None:
    leap_days = frozenset(date(2026, 1, 1) + day * DAY for day in range(3000))
    never = BusinessHours(windows(["mon-sun 09:00-17:00"]), TALLINN, HolidayCalendar((), leap_days))
    with pytest.raises(ValueError, match="no open time"):
        never.add(local("2026-11-20T09:00"), HOUR)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mon-fri 09:00-17:00", [0, 1, 2, 3, 4]),
        ("sat-mon 9:00-17:00", [0, 5, 6]),
        ("Mon, wed 09:00 - 17:00", [0, 2]),
        ("mon-wed,wed-thu 09:00-17:00", [0, 1, 2, 3]),
        ("sun 00:00-24:00", [6]),
    ],
)
def test_windows_are_read_as_people_write_them(text: str, expected: list[int]) -> None:
    assert [window.weekday for window in windows([text])] == expected


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "is no window"),
        ("mon-fri", "is no window"),
        ("mon-fri 9-17", "is no window"),
        ("mno 09:00-17:00", 'did you mean "mon"'),
        ("mon-wed-fri 09:00-17:00", "two ends"),
        ("mon 24:00-25:00", "00:00 to 24:00"),
        ("mon 09:60-17:00", "00:00 to 24:00"),
        ("mon 09:00-09:00", "00:00-24:00"),
    ],
)
def test_a_window_that_cannot_be_read_says_how_to_write_it(text: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        windows([text])


@pytest.mark.parametrize(
    ("entry", "hint"),
    [
        ("XX", "neither a country code"),
        ("Estonia", "neither a country code"),
        ("US-ZZ", "the parts of US"),
        ("2026-02-30", "is no date"),
        ("24.12.2026", "is no date"),
    ],
)
def test_a_holiday_that_cannot_be_read_says_how_to_write_it(entry: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        holiday_calendar([entry])


def test_holidays_of_a_part_of_a_country_are_known() -> None:
    assert date(2026, 3, 31) in holiday_calendar(["us-ca"])  # Cesar Chavez Day
    assert date(2026, 3, 31) not in holiday_calendar(["US"])


def test_hours_without_windows_search_no_calendar_for_their_end() -> None:
    at, hours = datetime(2026, 11, 20, 12, tzinfo=UTC), BusinessHours(holidays=holiday_calendar(["EE"]))
    looked_up = business_time._spans.cache_info()
    assert (hours.open_until(at), hours.opens_after(at)) == (None, None)
    assert business_time._spans.cache_info() == looked_up
