from __future__ import annotations

import math
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from monitor.budgets import StoredMeter, accounts, budgets_of
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.errors import BudgetSpent
from monitor.models import BudgetDayRow
from monitor.sources.budget import Budget, owner

ANN = owner("tube", "secret")
UNITS = Budget("units", ANN, 1_000, "America/Los_Angeles")
SEARCHES = Budget("searches", ANN, 10, "America/Los_Angeles")
POSTS = Budget("posts", ANN)


@pytest.fixture
def meter(any_db: Database, clock: ManualClock) -> Callable[..., StoredMeter]:
    def make(*budgets: Budget, source: str = "tube") -> StoredMeter:
        return StoredMeter(any_db, clock, source, budgets or (UNITS, SEARCHES, POSTS))

    return make


def test_what_is_spent_survives_the_process_and_is_shared_by_who_has_the_credential(
    meter: Callable[..., StoredMeter],
) -> None:
    meter().spend(units=100, posts=7)
    meter(source="other").reserve(units=50, searches=1)
    assert (meter().left("units"), meter().left("searches"), meter().left("posts")) == (850, 9, math.inf)
    other = Budget("units", owner("tube", "another"), 1_000)
    assert meter(other).left("units") == 1_000


def test_a_call_that_costs_more_than_is_left_is_refused_and_counts_nothing(
    meter: Callable[..., StoredMeter], clock: ManualClock
) -> None:
    meter().reserve(units=900, searches=10)
    with pytest.raises(
        BudgetSpent, match=r"sources\.tube: the budget of 10 searches a day is spent until 08:00 UTC"
    ) as e:
        meter().reserve(units=1, searches=1)
    assert e.value.after == timedelta(hours=20)
    assert (meter().left("units"), meter().left("searches")) == (100, 0)
    meter().reserve(units=100)
    with pytest.raises(BudgetSpent):
        meter().reserve(units=1)


def test_what_was_spent_anyway_counts_even_beyond_the_limit(meter: Callable[..., StoredMeter]) -> None:
    meter().spend(units=5_000)
    assert meter().left("units") == 0


def test_the_budget_begins_anew_at_the_services_own_midnight(
    meter: Callable[..., StoredMeter], clock: ManualClock
) -> None:
    meter().reserve(units=1_000)
    clock.set(datetime(2026, 11, 21, 7, 59, 59, tzinfo=UTC))
    with pytest.raises(BudgetSpent):
        meter().reserve(units=1)
    clock.set(datetime(2026, 11, 21, 8, tzinfo=UTC))
    meter().reserve(units=1)
    assert meter().left("units") == 999


def test_a_clock_set_back_to_yesterday_counts_yesterday(meter: Callable[..., StoredMeter], clock: ManualClock) -> None:
    meter().spend(units=700)
    clock.move(timedelta(days=1))
    meter().spend(units=300)
    clock.move(-timedelta(days=1))
    assert meter().left("units") == 300
    clock.move(-timedelta(days=1))
    assert meter().left("units") == 1_000


def test_each_day_is_kept_for_a_year(any_db: Database, meter: Callable[..., StoredMeter], clock: ManualClock) -> None:
    for _ in range(3):
        meter().spend(units=1.5)
        clock.move(timedelta(days=200))
    meter().spend(units=1)
    with any_db.read() as session:
        days = session.execute(select(BudgetDayRow.day, BudgetDayRow.spent).order_by(BudgetDayRow.day)).all()
    assert [tuple(row) for row in days] == [
        (date(2027, 6, 8), 1.5),
        (date(2027, 12, 25), 1.5),
        (date(2028, 7, 12), 1.0),
    ]


def test_the_rate_goes_on_over_midnight(
    any_db: Database, meter: Callable[..., StoredMeter], clock: ManualClock
) -> None:
    clock.set(datetime(2026, 11, 21, 2, tzinfo=UTC))
    for _ in range(7 * 6):  # until 09:00, an hour into the service's new day
        meter().spend(units=10)
        clock.move(timedelta(minutes=10))
    with any_db.read() as session:
        account = accounts(session, [UNITS], clock.now())[UNITS]
    assert account.spent == 60
    assert account.rate(clock.now()) == pytest.approx(60, rel=0.1)


def test_processes_that_count_at_once_lose_nothing(
    any_db: Database, meter: Callable[..., StoredMeter], clock: ManualClock
) -> None:
    start, refused = threading.Barrier(4), []

    def work(spender: StoredMeter) -> None:
        start.wait()
        for _ in range(30):
            try:
                spender.reserve(searches=1, units=2)
            except BudgetSpent:
                refused.append(1)
            spender.spend(posts=1)

    threads = [threading.Thread(target=work, args=(meter(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with any_db.read() as session:
        held = accounts(session, [UNITS, SEARCHES, POSTS], clock.now())
    found = {budget.name: account.spent for budget, account in held.items()}
    assert found == {"units": 20, "searches": 10, "posts": 120}
    assert len(refused) == 110


def test_an_owner_tells_nothing_of_the_credential() -> None:
    assert "secret" not in ANN
    assert ANN == owner("tube", "secret") != owner("tube", "Secret")
    assert len(owner("a" * 40, "x")) <= 64


def test_a_source_without_budgets_has_none() -> None:
    assert budgets_of(object()) == ()  # type: ignore[arg-type]
