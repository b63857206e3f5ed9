"""Time is an argument; this is where it comes from."""

from __future__ import annotations

import ast
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

import monitor
from monitor.clock import ManualClock, SystemClock, aware

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
WALL_CLOCK = {"now", "utcnow", "today", "time", "time_ns", "localtime", "gmtime"}


@given(st.datetimes(timezones=st.timezones()))
def test_an_aware_moment_stays_the_same_moment_in_utc(moment: datetime) -> None:
    try:
        expected = moment.timestamp()
    except OverflowError:
        return
    assert aware(moment).tzinfo is UTC
    assert aware(moment).timestamp() == expected


@given(st.datetimes())
def test_a_naive_moment_is_refused(moment: datetime) -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        aware(moment)


def test_a_manual_clock_stands_still_until_it_is_moved() -> None:
    clock = ManualClock(NOON)
    assert clock.now() == clock.now() == NOON
    assert clock.move(timedelta(minutes=20)) == clock.now() == NOON + timedelta(minutes=20)
    clock.set(NOON)
    assert clock.now() == NOON


def test_a_manual_clock_refuses_a_naive_moment() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        ManualClock(NOON.replace(tzinfo=None))
    with pytest.raises(ValueError, match="has no time zone"):
        ManualClock(NOON).set(NOON.replace(tzinfo=None))


def test_waiting_on_a_manual_clock_moves_it_instead_of_waiting() -> None:
    clock, event = ManualClock(NOON), threading.Event()
    assert clock.wait(event, 3600) is False
    assert clock.now() == NOON + timedelta(hours=1)
    event.set()
    assert clock.wait(event, 1) is True


def test_the_system_clock_says_what_the_machine_says_in_utc() -> None:
    with time_machine.travel(NOON, tick=False):
        assert SystemClock().now() == NOON
        assert SystemClock().now().tzinfo is UTC


def test_a_fast_clock_runs_from_its_start_on() -> None:
    with time_machine.travel(NOON, tick=False) as machine:
        clock = SystemClock(speed=60)
        assert clock.now() == NOON
        machine.shift(timedelta(seconds=10))
        assert clock.now() == NOON + timedelta(minutes=10)


def test_waiting_ends_at_once_when_the_event_is_set() -> None:
    event = threading.Event()
    event.set()
    assert SystemClock().wait(event, 3600) is True


def test_a_wait_of_a_fast_clock_is_shorter_by_its_speed() -> None:
    assert SystemClock(speed=1_000_000).wait(threading.Event(), 3600) is False


def test_nothing_but_the_clock_reads_the_wall_clock() -> None:
    package = Path(monitor.__file__).parent
    readers = []
    for path in package.rglob("*.py"):
        if path == package / "clock.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WALL_CLOCK:
                owner = ast.unparse(node.func.value)
                if owner.split(".")[-1] in ("datetime", "date", "time", "func"):
                    readers.append(f"{path.relative_to(package)}:{node.lineno}: {ast.unparse(node)}")
    assert readers == []
