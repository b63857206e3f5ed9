"""Guessing passwords is slow, for one account and for one address, whichever replica is asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.access.attempts import ACCOUNT, ADDRESS, FORGOTTEN, Attempts
from monitor.access.rows import AttemptRow
from monitor.clock import ManualClock
from monitor.database import Database


def guesses(any_db: Database, clock: ManualClock, name: str, address: str | None, tries: int) -> list[bool]:
    """Whether each of so many tries at once was let through."""
    return [Attempts(any_db).begin(name, address, clock.now()) is None for _ in range(tries)]


def test_after_some_failures_each_further_one_has_to_wait_longer(any_db: Database, clock: ManualClock) -> None:
    attempts = Attempts(any_db)
    assert guesses(any_db, clock, "Mari", None, 7) == [True] * (ACCOUNT.free + 1) + [False] * 2
    waits = []
    for _ in range(8):
        until = attempts.begin("mari ", None, clock.now())
        assert until is not None
        waits.append((until - clock.now()).total_seconds())
        clock.set(until)
        assert attempts.begin("MARI", None, clock.now()) is None
    assert waits == [15, 30, 60, 120, 240, 480, 900, 900]


def test_an_address_that_tries_many_names_waits_and_takes_nobody_along(any_db: Database, clock: ManualClock) -> None:
    names = [f"name{number}" for number in range(ADDRESS.free + 2)]
    let = [guesses(any_db, clock, name, "203.0.113.9", 1)[0] for name in names]
    assert let == [True] * (ADDRESS.free + 1) + [False]
    assert guesses(any_db, clock, names[-1], "203.0.113.10", 4) == [True] * 4  # that try was not counted against it


def test_a_right_password_begins_anew(any_db: Database, clock: ManualClock) -> None:
    attempts = Attempts(any_db)
    for _ in range(3):
        assert guesses(any_db, clock, "Mari", "203.0.113.9", ACCOUNT.free + 1) == [True] * (ACCOUNT.free + 1)
        attempts.forgive("Mari", "203.0.113.9")
    with any_db.read() as session:
        (address,) = session.query(AttemptRow).all()
    assert address.failures == 3 * ACCOUNT.free  # the right ones do not count


def test_failures_are_forgotten_after_a_while(any_db: Database, clock: ManualClock) -> None:
    guesses(any_db, clock, "Mari", None, ACCOUNT.free)
    clock.move(FORGOTTEN + timedelta(seconds=1))
    assert guesses(any_db, clock, "Mari", None, ACCOUNT.free + 1) == [True] * (ACCOUNT.free + 1)
    clock.move(timedelta(hours=1))
    Attempts(any_db).forget(clock.now())
    with any_db.read() as session:
        assert session.query(AttemptRow).count() == 0


def test_many_tries_at_once_win_nothing(any_db: Database, clock: ManualClock) -> None:
    let: list[bool] = []

    def guess() -> None:
        let.append(Attempts(any_db).begin("Mari", "203.0.113.9", clock.now()) is None)

    with together([threading.Thread(target=guess) for _ in range(12)]):
        pass
    assert sorted(let) == [False] * (12 - ACCOUNT.free - 1) + [True] * (ACCOUNT.free + 1)


@contextmanager
def together(threads: list[threading.Thread]) -> Iterator[None]:
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join()


@given(st.integers(0, 10_000))
def test_no_wait_is_longer_than_the_longest_and_none_shrinks(failures: int) -> None:
    for limit in (ACCOUNT, ADDRESS):
        now, then = limit.wait(failures) or timedelta(), limit.wait(failures + 1) or timedelta()
        assert now <= then <= limit.longest


@pytest.mark.parametrize("name", ["", "x" * 5000, "\x00", "\ud800", "Ünïcödé"])
def test_whatever_is_typed_is_counted(any_db: Database, clock: ManualClock, name: str) -> None:
    assert guesses(any_db, clock, name, "203.0.113.9", 1) == [True]
