"""`firsthour clock`: the edges of docs/clock.md, one by one, then all at once against a walk through the minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from monitor.explain import explain, parse_event
from monitor.settings import ClockSettings
from monitor.sla import BusinessHours, Subject, holiday_calendar, windows

MINUTE = timedelta(minutes=1)
TODAY = datetime(2026, 11, 22, 12, tzinfo=UTC)
WEEK = {"hours": ["mon-fri 09:00-17:00"], "timezone": "Europe/Tallinn"}


def told(
    posted: str,
    *events: str,
    now: str | None = None,
    seen: str | None = None,
    clock: dict[str, Any] | None = None,
    **subject: Any,
) -> dict[str, Any]:
    return explain(
        ClockSettings.model_validate(clock or {}),
        Subject(**subject),
        datetime.fromisoformat(posted),
        datetime.fromisoformat(seen) if seen else None,
        [parse_event(event) for event in events],
        datetime.fromisoformat(now) if now else None,
        today=TODAY,
    )


def at(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).isoformat()


def test_a_quarter_to_five_on_friday_is_due_on_monday_morning() -> None:
    clock = told("2026-11-20T16:45+02:00", clock=WEEK, now="2026-11-20T16:50+02:00")
    assert clock == {
        "policy": "default",
        "why": "no policies are set",
        "starts_at": at("2026-11-20T16:45+02:00"),
        "due_at": at("2026-11-23T09:45+02:00"),
        "steps": [
            {"after": "20m", "at": at("2026-11-23T09:05+02:00"), "kind": "reminder"},
            {"after": "45m", "at": at("2026-11-23T09:30+02:00"), "kind": "escalation"},
            {"after": "1h", "at": at("2026-11-23T09:45+02:00"), "kind": "breach"},
        ],
        "met": None,
        "first_response_at": None,
        "calendar_seconds": 300,
        "business_seconds": 300,
        "next": None,
    }


@pytest.mark.parametrize(
    ("reply", "met"),
    [
        ("2026-11-20T12:59:59Z", True),
        ("2026-11-20T13:00:00Z", True),
        ("2026-11-20T13:00:00.900Z", True),
        ("2026-11-20T13:00:01Z", False),
        ("2026-11-20T11:00:00Z", True),
    ],
)
def test_a_reply_in_the_very_second_of_due_at_is_in_time(reply: str, met: bool) -> None:
    assert told("2026-11-20T12:00Z", f"{reply} reply")["met"] is met


def test_a_reply_before_the_start_uses_no_seconds_and_is_met() -> None:
    clock = told("2026-11-20T12:00Z", "2026-11-20T12:10Z reply", seen="2026-11-20T12:30Z", clock={"starts": "seen"})
    assert clock["starts_at"] == at("2026-11-20T12:30Z")
    assert (clock["met"], clock["calendar_seconds"], clock["business_seconds"]) == (True, 0, 0)


def test_asked_and_answered_while_closed_uses_no_business_seconds() -> None:
    clock = told("2026-11-21T10:00+02:00", "2026-11-21T13:00+02:00 reply", clock=WEEK)
    assert (clock["met"], clock["calendar_seconds"], clock["business_seconds"]) == (True, 3 * 3600, 0)


@pytest.mark.parametrize(("seen", "runs"), [("2026-11-21T12:00:00Z", True), ("2026-11-21T12:00:01Z", False)])
def test_only_what_is_strictly_older_at_first_sight_starts_no_clock(seen: str, runs: bool) -> None:
    clock = told("2026-11-20T12:00:00Z", seen=seen)
    assert (clock["due_at"] is not None) is runs
    assert ("no clock" in clock["why"]) is not runs
    assert clock["met"] is (False if runs else None)


def test_the_time_until_it_was_seen_counts_unless_the_clock_starts_then() -> None:
    assert told("2026-11-20T12:00Z", seen="2026-11-20T12:40Z")["due_at"] == at("2026-11-20T13:00Z")
    seen = told("2026-11-20T12:00Z", seen="2026-11-20T12:40Z", clock={"starts": "seen"})
    assert seen["due_at"] == at("2026-11-20T13:40Z")


def test_a_post_dated_in_the_future_starts_when_it_was_seen() -> None:
    assert told("2099-01-01T00:00Z", seen="2026-11-20T12:40Z")["starts_at"] == at("2026-11-20T12:40Z")


def test_taking_notes_and_automatic_acknowledgements_do_not_stop_the_clock() -> None:
    events = [f"2026-11-20T12:0{i}Z {kind}" for i, kind in enumerate(("take", "note", "auto_ack"))]
    clock = told("2026-11-20T12:00Z", *events, now="2026-11-20T12:30Z")
    assert (clock["met"], clock["first_response_at"], clock["calendar_seconds"]) == (None, None, 1800)


def test_a_late_reply_is_recorded_and_remains_a_breach() -> None:
    clock = told("2026-11-20T12:00Z", "2026-11-20T14:00Z reply")
    assert (clock["met"], clock["first_response_at"]) == (False, at("2026-11-20T14:00Z"))
    assert clock["calendar_seconds"] == 7200


def test_closing_without_a_reply_is_neither_met_nor_missed() -> None:
    for resolved in ("2026-11-20T12:30Z", "2026-11-20T15:00Z"):
        clock = told("2026-11-20T12:00Z", f"{resolved} resolve", "2026-11-20T16:00Z reply")
        assert (clock["met"], clock["first_response_at"]) == (None, None)


def test_while_paused_nothing_is_due_and_nothing_is_used() -> None:
    clock = told("2026-11-20T12:00Z", "2026-11-20T12:30Z snooze", now="2026-11-20T18:00Z")
    assert (clock["due_at"], clock["met"]) == (None, None)
    assert (clock["calendar_seconds"], clock["business_seconds"]) == (1800, 1800)
    assert [step["at"] for step in clock["steps"]] == [at("2026-11-20T12:20Z"), None, None]


def test_after_a_pause_the_clock_goes_on_with_what_was_left() -> None:
    clock = told(
        "2026-11-20T12:00Z", "2026-11-20T12:30Z snooze", "2026-11-20T18:00Z unsnooze", "2026-11-20T18:20Z reply"
    )
    assert (clock["due_at"], clock["met"], clock["calendar_seconds"]) == (at("2026-11-20T18:30Z"), True, 3000)
    assert [step["at"] for step in clock["steps"]] == [
        at("2026-11-20T12:20Z"),
        at("2026-11-20T18:15Z"),
        at("2026-11-20T18:30Z"),
    ]


@pytest.mark.parametrize("kind", ["take", "hand_over"])
def test_taking_a_snoozed_case_or_handing_it_over_ends_the_pause(kind: str) -> None:
    events = ["2026-11-20T12:30Z snooze", f"2026-11-20T18:00Z {kind}"]
    clock = told("2026-11-20T12:00Z", *events, now="2026-11-20T18:10Z")
    assert (clock["due_at"], clock["calendar_seconds"]) == (at("2026-11-20T18:30Z"), 2400)


def test_a_reply_while_paused_counts_what_was_used_before() -> None:
    clock = told("2026-11-20T12:00Z", "2026-11-20T12:30Z snooze", "2026-11-20T18:00Z reply")
    assert (clock["met"], clock["calendar_seconds"]) == (True, 1800)


def test_a_pause_does_not_undo_a_breach() -> None:
    events = ["2026-11-20T13:30Z snooze", "2026-11-20T15:00Z unsnooze"]
    clock = told("2026-11-20T12:00Z", *events, "2026-11-20T15:01Z reply")
    assert (clock["due_at"], clock["met"]) == (at("2026-11-20T13:00Z"), False)
    assert told("2026-11-20T12:00Z", *events[:1])["met"] is False


def test_the_next_response_clock_starts_at_the_oldest_unanswered_word() -> None:
    clock = told(
        "2026-11-20T12:00Z",
        "2026-11-20T12:10Z customer_again",
        "2026-11-20T12:30Z reply",
        "2026-11-20T14:00Z customer_again",
        "2026-11-20T14:30Z customer_again",
        "2026-11-20T15:10Z reply",
        "2026-11-20T16:00Z customer_again",
        now="2026-11-20T16:20Z",
    )
    assert (clock["met"], clock["calendar_seconds"]) == (True, 1800)
    following = clock["next"]
    assert following["starts_at"] == at("2026-11-20T14:00Z")
    assert (following["met"], following["calendar_seconds"]) == (False, 4200)
    assert following["next"]["due_at"] == at("2026-11-20T17:00Z")
    assert (following["next"]["met"], following["next"]["next"]) == (None, None)


def test_events_after_the_moment_asked_about_are_left_out() -> None:
    clock = told("2026-11-20T12:00Z", "2026-11-20T12:30Z reply", now="2026-11-20T12:10Z")
    assert (clock["met"], clock["calendar_seconds"]) == (None, 600)


def test_without_a_moment_events_to_come_are_told_too() -> None:
    assert told("2027-03-28T00:30Z", "2027-03-28T01:20Z reply")["met"] is True


POLICIES = {
    "policies": [
        {"name": "loud", "severity": ["high", "critical"], "followers_at_least": 1000, "target": "10m"},
        {
            "name": "shops",
            "source": ["app_store"],
            "rating_at_most": 2,
            "target": "4h",
            "hours": ["mon-fri 09:00-17:00"],
        },
        {
            "name": "urgent",
            "severity": ["high", "critical"],
            "target": "30m",
            "steps": [{"at": "5m", "notify": "lead"}],
        },
    ]
}


@pytest.mark.parametrize(
    ("subject", "policy"),
    [
        ({}, "default"),
        ({"severity": "high"}, "urgent"),
        ({"severity": "high", "followers": 1000}, "loud"),
        ({"severity": "high", "followers": 999}, "urgent"),
        ({"severity": "low", "followers": 5000}, "default"),
        ({"source": "app_store", "rating": 2.0}, "shops"),
        ({"source": "app_store", "rating": 2.5}, "default"),
        ({"source": "app_store"}, "default"),
    ],
)
def test_the_first_policy_that_fits_wins(subject: dict[str, Any], policy: str) -> None:
    assert told("2026-11-20T12:00Z", clock=POLICIES, **subject)["policy"] == policy


def test_a_policy_takes_what_it_does_not_say_from_clock_and_says_why_it_holds() -> None:
    clock = told("2026-11-20T12:00Z", clock=POLICIES, severity="high")
    assert clock["why"] == "first that fits: severity is high"
    assert clock["due_at"] == at("2026-11-20T12:30Z")
    assert clock["steps"] == [{"after": "5m", "at": at("2026-11-20T12:05Z"), "kind": "escalation"}]


@pytest.mark.parametrize("text", ["reply", "2026-11-20T12:00Z fly", "noon reply", "2026-11-20T12:00 reply"])
def test_an_event_that_cannot_be_read_says_how_to_write_it(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        parse_event(text)


# the slow, obvious model


def slow(hours: BusinessHours, start: datetime, target: int, events: list[tuple[datetime, str]], now: datetime) -> Any:
    """(due, met, calendar minutes, business minutes) by a walk through the minutes."""
    used = business = 0
    paused, due, moment = False, None, start
    while True:
        for when, kind in events:
            if when != moment:
                continue
            if kind == "reply":
                return (None if paused and (due is None) else due), due is None or moment <= due, used, business
            if kind == "snooze":
                paused = True
                due = None if due == moment else due  # nothing was left, and nothing overdue yet
            if kind == "unsnooze" and paused:
                paused = False
                due = moment if business >= target and due is None else due
        if moment >= now:
            return due, (False if due is not None and moment > due else None), used, business
        if not paused:
            used += 1
            if hours.between(moment, moment + MINUTE):
                business += 1
                due = moment + MINUTE if business == target else due
        moment += MINUTE


HOURS = [
    [],
    ["mon-fri 09:00-12:00", "mon-fri 13:00-17:00"],
    ["sat 22:00-04:00", "sun 04:30-23:00", "mon 00:00-24:00"],
    ["mon-sun 22:00-03:30"],
]
STARTS = [
    datetime(2026, 3, 28, 20, 7, tzinfo=UTC),
    datetime(2026, 10, 24, 20, 7, tzinfo=UTC),
    datetime(2026, 12, 31, 13, 40, tzinfo=UTC),
    datetime(2026, 11, 20, 14, 45, tzinfo=UTC),
]


@hypothesis_settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(HOURS),
    st.sampled_from(STARTS),
    st.sampled_from([5, 60, 240]),
    st.lists(st.tuples(st.integers(0, 900), st.sampled_from(["snooze", "unsnooze", "reply"])), max_size=7),
)
def test_any_course_of_events_gives_what_a_walk_through_the_minutes_gives(
    texts: list[str], start: datetime, target: int, happened: list[tuple[int, str]]
) -> None:
    settings = ClockSettings.model_validate(
        {"hours": texts, "timezone": "Europe/Tallinn", "target": f"{target}m", "holidays": ["2026-12-31"]}
    )
    happened.sort(key=lambda event: event[0])
    events = [(start + minute * MINUTE, kind) for minute, kind in happened]
    now = start + 1000 * MINUTE
    clock = explain(settings, Subject(), start, start, events, now, today=TODAY)
    hours = BusinessHours(windows(texts), ZoneInfo("Europe/Tallinn"), holiday_calendar(["2026-12-31"]))
    due, met, used, business = slow(hours, start, target, events, now)
    assert (clock["met"], clock["calendar_seconds"], clock["business_seconds"]) == (met, used * 60, business * 60)
    if due is not None and clock["due_at"] is not None:
        assert clock["due_at"] == due.isoformat()
