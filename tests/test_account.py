from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.account import HEAD_START, Account
from monitor.sources.budget import Budget

MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)


def account(daily: float | None = 100, spent: float = 0.0, kept: float = 0.0) -> Account:
    budget = Budget("units", "ann", daily, kept=kept)
    return Account(budget, MIDNIGHT, MIDNIGHT + 24 * HOUR, spent, 0.0, MIDNIGHT, MIDNIGHT)


@pytest.mark.parametrize(
    ("zone", "now", "began", "resets"),
    [
        ("UTC", "2026-11-20T00:00Z", "2026-11-20T00:00Z", "2026-11-21T00:00Z"),
        ("America/Los_Angeles", "2026-11-20T07:59:59Z", "2026-11-19T08:00Z", "2026-11-20T08:00Z"),
        ("America/Los_Angeles", "2026-11-20T08:00Z", "2026-11-20T08:00Z", "2026-11-21T08:00Z"),
        ("America/Los_Angeles", "2026-03-08T12:00Z", "2026-03-08T08:00Z", "2026-03-09T07:00Z"),  # 23 hours
        ("America/Los_Angeles", "2026-11-01T12:00Z", "2026-11-01T07:00Z", "2026-11-02T08:00Z"),  # 25 hours
        ("Asia/Kolkata", "2026-11-20T18:30Z", "2026-11-20T18:30Z", "2026-11-21T18:30Z"),
    ],
)
def test_a_day_is_the_services_own(zone: str, now: str, began: str, resets: str) -> None:
    budget, moment = Budget("units", "ann", 1, zone), datetime.fromisoformat(now)
    found = budget.began_at(moment), budget.resets_at(moment)
    assert found == (datetime.fromisoformat(began), datetime.fromisoformat(resets))


@given(
    st.integers(1_580_000_000, 2_080_000_000),
    st.sampled_from(["UTC", "America/Los_Angeles", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Cairo"]),
)
def test_every_moment_belongs_to_the_day_that_it_lies_in(second: int, zone: str) -> None:
    budget, now = Budget("units", "ann", 1, zone), datetime.fromtimestamp(second, UTC)
    began, resets = budget.began_at(now), budget.resets_at(now)
    assert began <= now < resets
    assert budget.day(began) == budget.day(now) != budget.day(resets) == budget.day(resets.astimezone(ZoneInfo(zone)))
    assert budget.began_at(resets) == resets


def test_a_quarter_may_be_spent_at_once_and_the_rest_as_the_day_goes_by() -> None:
    assert HEAD_START == 0.25
    assert account(spent=25).open_at() == MIDNIGHT
    assert account(spent=62.5).open_at() == MIDNIGHT + 12 * HOUR
    assert account(spent=99.9).open_at() < MIDNIGHT + 24 * HOUR
    assert account(spent=100).open_at() == account(spent=170).open_at() == MIDNIGHT + 24 * HOUR
    assert account(spent=90, kept=10).open_at() == MIDNIGHT + 24 * HOUR
    assert account(None, spent=10**9).open_at() == MIDNIGHT


@given(st.floats(0.05, 40), st.integers(5, 30), st.sampled_from([0, 7]))
def test_a_source_that_wants_more_than_its_budget_spends_it_evenly_and_hears_something_in_every_hour(
    cost: float, minutes: int, kept: float
) -> None:
    held, now, hours = account(kept=kept), MIDNIGHT, set()
    while now < held.resets_at:
        if held.open_at() <= now:
            held = held.charged(cost, now)
            hours.add(now.hour)
            elapsed = (now - MIDNIGHT) / timedelta(days=1)
            assert held.spent <= (100 - kept) * (HEAD_START + (1 - HEAD_START) * elapsed) + cost + 1e-6
        now += timedelta(minutes=minutes)
    assert held.spent < 100 - kept + cost
    if cost <= 2:
        assert hours == set(range(24))


@given(st.floats(0.01, 5), st.integers(5, 20))
def test_a_source_that_needs_less_than_its_budget_never_waits(share: float, minutes: int) -> None:
    polls = 24 * 60 // minutes + 1
    held, now = account(daily=polls * share), MIDNIGHT
    while now < held.resets_at:
        assert held.open_at() <= now + timedelta(seconds=1)  # but for the last bits of a float
        held = held.charged(share * 0.999, now)
        now += timedelta(minutes=minutes)


def test_the_forecast_says_when_it_will_be_spent_at_the_present_rate() -> None:
    held, now = account(daily=100), MIDNIGHT
    for _ in range(6 * 60):
        held = held.charged(1 / 12, now)  # 5 an hour: enough for 20 hours
        now += timedelta(minutes=1)
    assert held.rate(now) == pytest.approx(5, rel=0.01)
    until = held.lasts_until(now)
    assert until is not None
    assert abs(until - (MIDNIGHT + 20 * HOUR)) < timedelta(minutes=10)
    later = now + 3 * HOUR  # with nothing spent the rate falls
    assert held.rate(later) == pytest.approx(5 * 0.22, rel=0.1)
    assert held.lasts_until(later) is None


def test_a_budget_that_lasts_has_no_forecast_and_a_spent_one_lasts_until_now() -> None:
    assert account().lasts_until(MIDNIGHT) is None
    assert account(None).charged(10**6, MIDNIGHT).lasts_until(MIDNIGHT) is None
    assert account(spent=100).lasts_until(MIDNIGHT + HOUR) == MIDNIGHT + HOUR


def test_the_rate_of_a_budget_just_begun_is_neither_endless_nor_too_small() -> None:
    held = account().charged(1, MIDNIGHT)
    assert held.rate(MIDNIGHT) == pytest.approx(6, rel=0.1)  # 1 in ten minutes
    assert held.charged(1, MIDNIGHT + HOUR / 2).rate(MIDNIGHT + HOUR) == pytest.approx(2, rel=0.2)


@given(st.floats(0, 1e9), st.floats(0, 1e6), st.integers(-(10**6), 10**6))
def test_a_clock_set_back_breaks_no_account(spent: float, cost: float, seconds: int) -> None:
    now = MIDNIGHT + timedelta(seconds=seconds)
    held = account(spent=spent).charged(cost, MIDNIGHT + HOUR).charged(cost, now)
    assert held.spent == spent + cost + cost
    assert held.rate(now) >= 0
    held.lasts_until(now)
