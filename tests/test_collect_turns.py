"""What one source may not do because of its budget, or because of another that shares its credential or host."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from monitor.budgets import StoredMeter
from monitor.clock import ManualClock
from monitor.collect import CollectStage
from monitor.database import Database
from monitor.errors import BudgetSpent, Refused, RetryLater
from monitor.models import SourceState
from monitor.settings import SourceSettings
from monitor.sources.base import Capabilities, Cursor, Item, Page, SeenReply
from monitor.sources.budget import Budget, owner
from monitor.sources.rate import hear
from tests.test_collect import BRANDS, Told

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
UNITS = Budget("units", owner("tap", "t"), 48)


class Tap:
    """A source that notes when it was polled; each poll costs `cost` units and brings what `gives` says."""

    capabilities = Capabilities()

    def __init__(self, name: str, *budgets: Budget, cost: float = 1) -> None:
        self.name, self.budgets, self.cost = name, budgets, cost
        self.meter: StoredMeter | None = None
        self.polls: list[datetime] = []
        self.error: Exception | None = None
        self.headers: dict[str, str] = {}
        self.gives: Callable[[datetime], int] = lambda now: 0
        self.more = 0

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        if self.meter is not None:
            self.meter.reserve(units=self.cost)
        self.polls.append(now)
        hear(self.headers)
        if self.error is not None:
            raise self.error
        number = len(self.polls)
        items = tuple(Item(f"{self.name}-{number}-{n}", "acme is late", now) for n in range(self.gives(now)))
        self.more -= 1
        return Page(items, {"at": number}, more=self.more >= 0)

    def check(self) -> str:
        return "ok"

    def replies_to(self, external_ids: tuple[str, ...], accounts: frozenset[str]) -> dict[str, SeenReply]:
        return {}

    def close(self) -> None:
        pass


def stage(
    db: Database, clock: ManualClock, *taps: Tap, told: Told | None = None, owner: str = "w", **options: Any
) -> CollectStage:
    """The taps as feeds, each on a host of its own unless `url` is given."""
    sources = {}
    for tap in taps:
        if tap.budgets:
            tap.meter = StoredMeter(db, clock, tap.name, tap.budgets)
        given = {"every": "1m", "url": f"https://{tap.name}.example/feed"} | options
        sources[tap.name] = (tap, SourceSettings(name=tap.name, type="rss", **given))
    return CollectStage(db, clock, sources, BRANDS, owner, [told] if told else [], jitter=lambda: 1.0)


def run(collect: CollectStage, clock: ManualClock, lasts: timedelta, step: timedelta = 10 * SECOND) -> None:
    until = clock.now() + lasts
    while clock.now() < until:
        collect.run_once()
        clock.move(step)


def state(db: Database, name: str) -> SourceState:
    with db.read() as session:
        return session.get_one(SourceState, name)


def test_a_budget_that_would_not_last_is_spread_over_the_day_and_told_once(
    any_db: Database, clock: ManualClock
) -> None:
    clock.set(datetime.fromisoformat("2026-11-20T00:00Z"))
    tap, told = Tap("tap", UNITS), Told()
    collect = stage(any_db, clock, tap, told=told, every="10m")  # would take 144 of 48 units
    run(collect, clock, 24 * HOUR, 10 * MINUTE)
    by_hour = [sum(poll.hour == hour for poll in tap.polls) for hour in range(24)]
    assert by_hour[:2] == [6, 6]  # the head start, a quarter
    assert all(1 <= polls <= 2 for polls in by_hour[3:])
    assert 46 <= len(tap.polls) <= 48
    assert [(report.state, report.sources) for report in told.budgets] == [("spread", ("tap",))]
    assert state(any_db, "tap").failures == 0
    run(collect, clock, 2 * HOUR, 10 * MINUTE)
    assert sum(poll.day == 21 for poll in tap.polls) == 12


def test_a_spent_budget_stops_the_polls_until_its_reset_without_counting_as_a_failure(
    any_db: Database, clock: ManualClock
) -> None:
    taps, told = [Tap("a", UNITS, cost=20), Tap("b", UNITS, cost=20), Tap("free")], Told()
    collect = stage(any_db, clock, *taps, told=told, every="10m")
    taps[0].meter.spend(units=6)  # type: ignore[union-attr]
    run(collect, clock, 11 * HOUR, 5 * MINUTE)
    assert len(taps[0].polls + taps[1].polls) == 2
    assert len(taps[2].polls) > 40
    assert [report.state for report in told.budgets] == ["spread"]
    taps[0].meter.spend(units=9)  # type: ignore[union-attr]  # as a reply does
    clock.set(datetime.fromisoformat("2026-11-20T22:00Z"))
    collect.run_once()
    clock.set(datetime.fromisoformat("2026-11-20T23:30Z"))
    run(collect, clock, HOUR, 5 * MINUTE)
    assert {poll.day for poll in taps[0].polls + taps[1].polls} == {20, 21}
    assert told.reports == []
    assert [state(any_db, name).failures for name in "ab"] == [0, 0]


def test_the_operator_hears_once_a_day_that_a_budget_is_spent(any_db: Database, clock: ManualClock) -> None:
    one, other, told = Tap("one", UNITS, cost=0), Tap("other", UNITS, cost=0), Told()
    collect = stage(any_db, clock, one, other, told=told)
    one.gives = lambda now: one.meter.spend(units=60) or 0  # type: ignore[union-attr, func-returns-value]
    collect.poll("one")
    collect.poll("other")
    run(collect, clock, HOUR, 10 * MINUTE)
    assert (len(one.polls), len(other.polls)) == (1, 1)
    assert [(report.state, report.sources) for report in told.budgets] == [("spent", ("one", "other"))]
    clock.move(timedelta(days=1))
    collect.poll("one")
    assert [report.state for report in told.budgets] == ["spent", "spent"]


def test_a_person_who_polls_gets_all_pages_also_of_a_host_that_is_shared(db: Database, clock: ManualClock) -> None:
    one, other = Tap("one"), Tap("other")
    one.more = 3
    collect = stage(db, clock, one, other, url="https://same.example/feed")
    assert collect.poll("one").pages == 4


def test_a_call_by_hand_is_refused_where_nothing_is_left(db: Database, clock: ManualClock) -> None:
    tap = Tap("tap", UNITS, cost=50)
    with pytest.raises(BudgetSpent, match="spent until 00:00 UTC"):
        stage(db, clock, tap).poll("tap")
    assert state(db, "tap").failures == 0


def test_a_backlog_is_not_read_on_where_the_budget_has_to_wait(db: Database, clock: ManualClock) -> None:
    clock.set(datetime.fromisoformat("2026-11-20T00:00Z"))
    tap = Tap("tap", UNITS, cost=6)
    tap.more = 100
    collect = stage(db, clock, tap)
    collect.run_once()
    assert len(tap.polls) == 3  # 18 of 48: what is allowed by four in the morning
    run(collect, clock, 24 * HOUR, 10 * MINUTE)
    assert len(tap.polls) == 8


@pytest.mark.parametrize("headers", [{}, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "600"}])
def test_all_who_share_a_credential_wait_as_long_as_the_service_asked_one_of_them(
    any_db: Database, clock: ManualClock, headers: dict[str, str]
) -> None:
    one, two, other = Tap("one"), Tap("two"), Tap("other")
    collect = _x_stage(any_db, clock, {"one": (one, "t"), "two": (two, "t"), "other": (other, "u")})
    one.headers = headers
    if not headers:
        one.error = RetryLater("429", after=timedelta(seconds=600))
    run(collect, clock, 10 * MINUTE)
    assert (len(one.polls), len(two.polls), len(other.polls)) == (1, 0, 10)
    one.headers, one.error = {}, None
    run(collect, clock, MINUTE)
    assert (len(one.polls), len(two.polls)) == (2, 1)


def _x_stage(db: Database, clock: ManualClock, taps: dict[str, tuple[Tap, str]]) -> CollectStage:
    sources = {
        name: (tap, SourceSettings(name=name, type="x", every="1m", bearer_token=token))
        for name, (tap, token) in taps.items()
    }
    return CollectStage(db, clock, sources, BRANDS, "w", [], jitter=lambda: 1.0)


def test_sources_on_one_host_are_polled_one_after_the_other_with_a_second_between(
    any_db: Database, clock: ManualClock
) -> None:
    taps = [Tap(f"t{n}") for n in range(5)]
    collect = stage(any_db, clock, *taps, url="https://same.example/feed")
    run(collect, clock, MINUTE, timedelta(milliseconds=250))
    moments = sorted(poll for tap in taps for poll in tap.polls)
    assert len(moments) == 5
    assert min(b - a for a, b in pairwise(moments)) >= SECOND


def test_two_workers_never_poll_one_host_at_once(any_db: Database, clock: ManualClock) -> None:
    one, two = Tap("one"), Tap("two")
    same = {"url": "https://same.example/feed"}
    mine, others = stage(any_db, clock, one, two, **same), stage(any_db, clock, one, two, owner="other", **same)

    def meanwhile(now: datetime) -> int:
        assert others.run_once() == 0
        with pytest.raises(Refused, match="another worker"):
            others.poll("two")
        return 1

    one.gives = meanwhile
    assert mine.poll("one").new == 1
    assert two.polls == []


def test_a_busy_source_is_polled_more_often_and_a_quiet_one_more_seldom(db: Database, clock: ManualClock) -> None:
    busy, quiet = Tap("busy"), Tap("quiet")
    busy.gives = lambda now: 1
    collect = stage(db, clock, busy, quiet, every="10m", every_min="5m", every_max="1h")
    run(collect, clock, 6 * HOUR, 5 * MINUTE / 2)
    assert len(busy.polls) > 50
    assert quiet.polls[-1] - quiet.polls[-2] >= HOUR
    busy.gives = lambda now: 0
    run(collect, clock, 8 * HOUR, 5 * MINUTE / 2)
    assert busy.polls[-1] - busy.polls[-2] >= HOUR


def test_a_source_is_polled_within_its_services_window_whatever_the_configuration_says(
    db: Database, clock: ManualClock
) -> None:
    tap = Tap("tap")
    tap.capabilities = Capabilities(window=timedelta(days=7))
    run(stage(db, clock, tap, every="30d"), clock, timedelta(days=14), HOUR)
    assert len(tap.polls) == 8


def test_every_source_gets_its_turn_beside_one_that_never_ends(db: Database, clock: ManualClock) -> None:
    endless, others = Tap("endless"), [Tap(f"t{n}") for n in range(4)]
    endless.more = 10**6
    run(stage(db, clock, endless, *others, every="10s"), clock, 31 * SECOND, SECOND)
    assert all(len(tap.polls) >= 2 for tap in others)
    assert len(endless.polls) > 100
