"""When digests go out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.digest.slots import when

TALLINN = ZoneInfo("Europe/Tallinn")
FRIDAY = datetime(2026, 11, 20, 15, 55, tzinfo=UTC)  # 17:55 in Tallinn


def test_a_digest_of_weekdays_is_about_the_weekend_too_on_monday() -> None:
    slots, monday = when("mon-fri 17:55"), FRIDAY + timedelta(days=3, hours=1)
    assert slots.last(monday, TALLINN) == FRIDAY + timedelta(days=3)
    assert slots.before(FRIDAY + timedelta(days=3), TALLINN) == FRIDAY


def test_a_weekly_digest_is_about_a_week() -> None:
    slot = when("fri 17:55").last(FRIDAY, TALLINN)
    assert (slot, when("fri 17:55").before(slot, TALLINN)) == (FRIDAY, FRIDAY - timedelta(days=7))


def test_the_very_minute_is_in_time_and_the_one_before_is_not() -> None:
    assert when("daily 17:55").last(FRIDAY, TALLINN) == FRIDAY
    assert when("daily 17:55").last(FRIDAY - timedelta(seconds=1), TALLINN) == FRIDAY - timedelta(days=1)


@given(st.integers(0, 365 * 24 * 60), st.integers(0, 23))
def test_slots_follow_one_another_whatever_the_clocks_do(minutes: int, hour: int) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    slots = when(f"daily {hour}:30")
    last = slots.last(now, TALLINN)
    before = slots.before(last, TALLINN)
    assert before < last <= now
    assert timedelta(hours=22) < last - before < timedelta(hours=26)


@pytest.mark.parametrize("text", ["", "17:55", "fri", "fri 25:00", "fri 16:61", "funday 16:00", "mon-tue-wed 9:00"])
def test_what_is_no_time_is_refused_with_the_mend(text: str) -> None:
    with pytest.raises(ValueError, match=r"write|run from|is no day|two ends"):
        when(text)
