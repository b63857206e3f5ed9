from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.models import SourceState
from monitor.settings import SourceSettings
from monitor.turns import LONGEST_ASKED, arrivals_after, arrivals_with, interval, is_due, waiting_since

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def settings(name: str = "it", **options: Any) -> SourceSettings:
    return SourceSettings(name=name, type="replay", **({"every": "4m"} | options))


@pytest.mark.parametrize(
    ("arrivals", "minutes"),
    [(None, 4), (1, 4), (4, 2), (16, 1), (64, 1), (0.25, 8), (0.04, 20), (0.01, 20), (0, 20)],
)
def test_a_source_is_polled_by_the_root_of_what_arrives_within_its_bounds(
    arrivals: float | None, minutes: float
) -> None:
    bounded = settings(every_min="1m", every_max="20m")
    assert interval(bounded, arrivals) == minutes * MINUTE


@given(st.none() | st.floats(0, 1e6))
def test_without_bounds_every_is_kept(arrivals: float | None) -> None:
    assert interval(settings(), arrivals) == 4 * MINUTE


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_who_is_busier_is_never_polled_more_seldom(one: float, other: float) -> None:
    bounded = settings(every_min="10s", every_max="6h")
    quiet, busy = sorted([one, other])
    assert timedelta(seconds=10) <= interval(bounded, busy) <= interval(bounded, quiet) <= 6 * HOUR


def test_no_source_is_polled_more_seldom_than_its_service_allows() -> None:
    slow = settings(every="1d", every_max="30d")
    assert interval(slow, 0, timedelta(days=7)) == timedelta(days=7) / 4
    assert interval(slow, 1, timedelta(days=7)) == timedelta(days=1)


def test_bounds_that_exclude_every_are_refused() -> None:
    for wrong in ({"every_min": "5m"}, {"every_max": "3m"}):
        with pytest.raises(ValueError, match="every_min must not be longer than every, nor every_max shorter"):
            settings(**wrong)


def test_arrivals_follow_a_steady_rate_and_forget_a_burst_within_hours() -> None:
    rate: float | None = None
    for _ in range(12 * 60):
        rate = arrivals_after(rate, 3, MINUTE * 5)
    assert rate == pytest.approx(36, rel=0.001)
    rate = arrivals_after(rate, 200, MINUTE)
    assert rate > 200
    for _ in range(6 * 12):
        rate = arrivals_after(rate, 0, MINUTE * 5)
    assert rate < 1


def test_what_comes_between_two_polls_counts_as_what_they_bring() -> None:
    heard = polled = 5.0
    for minute in range(4 * 60):
        heard = arrivals_with(heard, 1, MINUTE * (minute % 5))
        if minute % 5 == 4:
            heard = arrivals_after(heard, 0, MINUTE * 5)
            polled = arrivals_after(polled, 5, MINUTE * 5)
    assert heard == pytest.approx(polled, rel=0.02)
    assert arrivals_with(1.0, 1, timedelta(days=-1)) == 2.0
    assert arrivals_with(1.0, 1, timedelta(days=9)) < 4.0


def test_what_the_first_page_brings_is_no_arrival() -> None:
    assert arrivals_after(None, 5_000, None) == arrivals_after(None, 7, MINUTE) == 1


@given(st.floats(0, 1e5), st.integers(0, 10_000), st.floats(-1e5, 1e7), st.integers(2, 9))
def test_many_pages_without_news_count_like_one(before: float, new: int, seconds: float, pages: int) -> None:
    gap = timedelta(seconds=seconds)
    after = arrivals_after(before, new, gap)
    assert 0 <= after <= max(before, 0) + new + 1e-6
    quiet = before
    for _ in range(pages):
        quiet = arrivals_after(quiet, 0, max(gap, timedelta()) / pages)
    assert quiet == pytest.approx(arrivals_after(before, 0, gap), rel=1e-3, abs=1e-9)


def state(name: str, next_poll_at: datetime | None, **more: Any) -> SourceState:
    return SourceState(name=name, next_poll_at=next_poll_at, failures=0, attempt=0, **more)


@given(st.integers(2, 12), st.randoms(use_true_random=True))
def test_while_a_source_waits_no_other_is_polled_twice(count: int, random: Random) -> None:
    """However busy the others are, however long polls take, and whatever the clock did before: at each moment the next
    of the order is polled, and it may be due again at once, as one with a long backlog is."""
    now, known, rows, waiting = NOON, {}, {}, {}
    for name in map(str, range(count)):
        known[name] = settings(name, every=f"{random.randint(1, 600)}s")
        first = random.choice([None, -5000, 0, 100, 10**7])
        rows[name] = state(name, None if first is None else now + timedelta(seconds=first))
    backlogged = random.sample(sorted(rows), random.randint(0, count))
    for _ in range(50):
        due = [row for row in rows.values() if is_due(row, known[row.name], now)]
        for row in due:
            waiting.setdefault(row.name, set())
        if not due:
            now += timedelta(seconds=random.randint(1, 300))
            continue
        turn = min(due, key=lambda row: (waiting_since(row, now), row.name))
        waiting.pop(turn.name)
        for others in waiting.values():
            assert turn.name not in others, f"{turn.name} was polled twice while another waited"
            others.add(turn.name)
        began = now
        now += timedelta(milliseconds=random.choice([1, 300, 40_000]))
        more = turn.name in backlogged and random.random() < 0.9
        turn.next_poll_at = now if more else max(now, began + interval(known[turn.name], 1))
        turn.last_success_at = now


def test_a_source_that_waits_for_longer_than_its_bounds_allow_is_due_after_all() -> None:
    bounded = settings(every_max="6h")
    for hours, due in ((5, False), (6, False), (7, True)):
        assert is_due(state("it", NOON + hours * HOUR), bounded, NOON) is due
    assert is_due(state("it", NOON + LONGEST_ASKED), settings(), NOON) is False
