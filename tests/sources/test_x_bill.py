from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_httpserver import HTTPServer

from monitor.budgets import StoredMeter, accounts
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.errors import BudgetSpent
from monitor.sources.contract import NOW, ago, poll
from monitor.sources.x import X
from tests.sources.test_x import XApi


@pytest.fixture
def service(httpserver: HTTPServer) -> XApi:
    return XApi(httpserver)


def metered(db: Database, service: XApi, **options: object) -> X:
    source = service.source(**options)
    source.meter = StoredMeter(db, ManualClock(NOW), source.name, source.budgets)
    return source


def spent(db: Database, source: X) -> list[float]:
    with db.read() as session:
        held = accounts(session, source.budgets, NOW)
    return [round(held[budget].spent, 6) for budget in source.budgets]


def test_each_post_and_each_author_is_charged_once_a_day(db: Database, service: XApi) -> None:
    source = metered(db, service)
    for minute in range(1, 5):
        service.post(f"acme {minute}", ago(minute), author="ann")
    _, cursor = poll(source)
    assert spent(db, source) == [4 * 0.005 + 0.010, 4]
    poll(source, cursor)  # reads the last minutes again
    assert spent(db, source) == [4 * 0.005 + 0.010, 4]
    service.post("acme 5", NOW, author="bob")
    poll(source, cursor, NOW + timedelta(seconds=30))
    assert spent(db, source) == [5 * 0.005 + 2 * 0.010, 5]


def test_no_more_posts_are_asked_for_than_can_be_paid(db: Database, service: XApi) -> None:
    for number in range(60):
        service.post(f"acme {number}", ago(number / 10), author="ann")
    source = metered(db, service, daily_spend=0.3)
    page = source.fetch(None, NOW)
    assert spent(db, source)[1] == len(page.items) == 20
    page = source.fetch(page.cursor, NOW)
    while page.more:
        try:
            page = source.fetch(page.cursor, NOW)
        except BudgetSpent:
            break
    assert page.more
    assert 0.15 < spent(db, source)[0] <= 0.3


def test_what_a_reply_answers_costs_a_post_and_no_author(db: Database, service: XApi) -> None:
    first = service.post("acme is slow", ago(9))
    source = metered(db, service, daily_spend=0.2)
    for _ in range(2):
        assert [item.text for item in source.parents((first,))] == ["acme is slow"]
    assert spent(db, source) == [0.005, 1]
    source.meter.spend(USD=0.1)
    with pytest.raises(BudgetSpent):
        source.parents((first,))


def test_a_check_and_a_look_at_the_own_account_cost_too(db: Database, service: XApi) -> None:
    source = metered(db, service, account="acmehelp")
    source.check()
    assert spent(db, source) == [0.005 + 0.010, 0]
