"""Claims never overlap, and a worker that overslept cannot write. Checked against a model, and with real races."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import delete, func, select

from monitor import leases
from monitor.database import Database
from monitor.leases import Lease
from monitor.models import SlotRow, SourceState

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NAMES = ["a", "b", "c", "d"]


def add(db: Database, *names: str) -> None:
    with db.write() as session:
        session.add_all(SourceState(name=name) for name in names)


def claim(db: Database, owner: str, now: datetime = NOON, count: int = 100, lasts: timedelta = MINUTE) -> list[Lease]:
    wanted = select(SourceState.name).order_by(SourceState.name).limit(count)
    with db.write() as session:
        return leases.claim(session, SourceState, wanted, owner, now, lasts)


def finish(db: Database, lease: Lease, **values: Any) -> bool:
    with db.write() as session:
        return leases.finish(session, SourceState, lease, **values)


def row(db: Database, name: str) -> SourceState:
    with db.read() as session:
        return session.scalars(select(SourceState).where(SourceState.name == name)).one()


def test_rows_are_claimed_in_the_order_asked_for_and_no_more_than_asked_for(any_db: Database) -> None:
    add(any_db, *NAMES)
    assert claim(any_db, "ann", count=3) == [Lease("a", 1, "ann"), Lease("b", 1, "ann"), Lease("c", 1, "ann")]
    assert claim(any_db, "bob", count=3) == [Lease("d", 1, "bob")]


def test_a_lease_ends_at_its_very_last_moment_and_not_before(any_db: Database) -> None:
    add(any_db, "a")
    assert claim(any_db, "ann")
    assert claim(any_db, "bob", NOON + MINUTE - timedelta(microseconds=1)) == []
    assert claim(any_db, "bob", NOON + MINUTE) == [Lease("a", 2, "bob")]


def test_a_worker_that_overslept_cannot_overwrite_its_successor(any_db: Database) -> None:
    add(any_db, "a")
    [overslept] = claim(any_db, "ann")
    [successor] = claim(any_db, "bob", NOON + MINUTE)
    assert not finish(any_db, overslept, error="from ann")
    with any_db.write() as session:
        assert not leases.renew(session, SourceState, overslept, NOON + 9 * MINUTE)
        leases.release(session, SourceState, [overslept])
    assert (row(any_db, "a").lease_owner, row(any_db, "a").attempt) == ("bob", 2)
    assert finish(any_db, successor, error="from bob")
    assert row(any_db, "a").error == "from bob"


def test_a_worker_that_overslept_may_finish_while_nobody_else_has_begun(any_db: Database) -> None:
    add(any_db, "a")
    [lease] = claim(any_db, "ann")
    assert finish(any_db, lease, error="late, yet first")
    assert row(any_db, "a").lease_owner is None


def test_finishing_twice_writes_once(any_db: Database) -> None:
    add(any_db, "a")
    [lease] = claim(any_db, "ann")
    assert finish(any_db, lease, failures=1)
    assert not finish(any_db, lease, failures=2)
    assert row(any_db, "a").failures == 1


def test_a_renewed_lease_holds_for_longer(any_db: Database) -> None:
    add(any_db, "a")
    [lease] = claim(any_db, "ann")
    with any_db.write() as session:
        assert leases.renew(session, SourceState, lease, NOON + 3 * MINUTE)
    assert claim(any_db, "bob", NOON + 2 * MINUTE) == []
    assert claim(any_db, "bob", NOON + 3 * MINUTE)


def test_a_row_given_back_does_not_count_the_attempt(any_db: Database) -> None:
    add(any_db, "a", "b")
    held = claim(any_db, "ann")
    with any_db.write() as session:
        leases.release(session, SourceState, held)
    assert claim(any_db, "bob") == [Lease("a", 1, "bob"), Lease("b", 1, "bob")]


def test_each_claim_counts_until_the_row_is_given_up(any_db: Database) -> None:
    add(any_db, "poison")
    attempts = [claim(any_db, "ann", NOON + n * MINUTE)[0].attempt for n in range(leases.MAX_ATTEMPTS)]
    assert attempts == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("batch", [1, 7])
def test_workers_that_race_get_each_row_once(any_db: Database, batch: int) -> None:
    names = [f"{n:03}" for n in range(60)]
    add(any_db, *names)
    start, got, errors = threading.Barrier(4), [], []

    def worker(owner: str) -> None:
        start.wait()
        try:
            while True:
                with any_db.write() as session:
                    todo = select(SourceState.name).where(SourceState.error.is_(None)).order_by(SourceState.name)
                    held = leases.claim(session, SourceState, todo.limit(batch), owner, NOON, MINUTE)
                    left = session.scalars(select(func.count()).where(SourceState.error.is_(None))).one()
                if not left:
                    return
                for lease in held:
                    assert finish(any_db, lease, error=owner)
                got.extend(held)
        except Exception as error:
            errors.append(error)

    wait_for([threading.Thread(target=worker, args=(f"w{n}",)) for n in range(4)])
    assert errors == []
    assert sorted(lease.id for lease in got) == names
    assert {lease.attempt for lease in got} == {1}


def test_replicas_that_race_for_a_slot_leave_one_winner(any_db: Database) -> None:
    start, winners = threading.Barrier(4), []

    def replica(owner: str) -> None:
        start.wait()
        for minute in range(20):
            with any_db.write() as session:
                if leases.take_slot(session, "digest", NOON + minute * MINUTE, owner):
                    winners.append(minute)

    wait_for([threading.Thread(target=replica, args=(f"r{n}",)) for n in range(4)])
    assert sorted(winners) == list(range(20))
    with any_db.read() as session:
        assert session.scalar(select(func.count()).select_from(SlotRow)) == 20


def test_jobs_do_not_take_each_others_slots(any_db: Database) -> None:
    with any_db.write() as session:
        assert leases.take_slot(session, "digest", NOON, "me")
        assert leases.take_slot(session, "rollup", NOON, "me")
        assert not leases.take_slot(session, "rollup", NOON, "me")


def test_no_two_workers_have_the_same_name() -> None:
    names = {leases.worker_name() for _ in range(100)}
    assert len(names) == 100
    assert all(len(name) <= 100 for name in names)


class Leasing(RuleBasedStateMachine):
    """The table against a dictionary: name -> (owner, until, attempt, what was written)."""

    def __init__(self, db: Database) -> None:
        super().__init__()
        self.db, self.now = db, NOON
        self.given: list[Lease] = []
        self.model: dict[str, tuple[str | None, datetime | None, int, str | None]] = dict.fromkeys(
            NAMES, (None, None, 0, None)
        )
        with db.write() as session:
            session.execute(delete(SourceState))
        add(db, *NAMES)

    def holds(self, lease: Lease) -> bool:
        owner, _until, attempt, _text = self.model[lease.id]
        return (owner, attempt) == (lease.owner, lease.attempt)

    @rule(seconds=st.integers(1, 90))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(owner=st.sampled_from(["ann", "bob", "eve"]), count=st.integers(1, 3), lasts=st.integers(1, 60))
    def claims(self, owner: str, count: int, lasts: int) -> None:
        free = [n for n in NAMES if (until := self.model[n][1]) is None or until <= self.now][:count]
        got = claim(self.db, owner, self.now, count, timedelta(seconds=lasts))
        assert [lease.id for lease in got] == free
        for lease in got:
            attempt, text = self.model[lease.id][2:]
            assert lease.attempt == attempt + 1
            self.model[lease.id] = (owner, self.now + timedelta(seconds=lasts), attempt + 1, text)
        self.given += got

    @rule(data=st.data(), text=st.sampled_from(["one", "two", "three"]))
    def finishes(self, data: st.DataObject, text: str) -> None:
        if not self.given:
            return
        lease = data.draw(st.sampled_from(self.given))
        ours = self.holds(lease)
        assert finish(self.db, lease, error=text) is ours
        if ours:
            self.model[lease.id] = (None, None, lease.attempt, text)

    @rule(data=st.data(), seconds=st.integers(1, 60))
    def renews(self, data: st.DataObject, seconds: int) -> None:
        if not self.given:
            return
        lease = data.draw(st.sampled_from(self.given))
        ours, until = self.holds(lease), self.now + timedelta(seconds=seconds)
        with self.db.write() as session:
            assert leases.renew(session, SourceState, lease, until) is ours
        if ours:
            self.model[lease.id] = (lease.owner, until, *self.model[lease.id][2:])

    @rule(data=st.data())
    def releases(self, data: st.DataObject) -> None:
        if not self.given:
            return
        lease = data.draw(st.sampled_from(self.given))
        ours = self.holds(lease)
        with self.db.write() as session:
            leases.release(session, SourceState, [lease])
        if ours:
            self.model[lease.id] = (None, None, lease.attempt - 1, self.model[lease.id][3])

    @invariant()
    def the_table_says_what_the_model_says(self) -> None:
        with self.db.read() as session:
            rows = session.scalars(select(SourceState)).all()
        assert {r.name: (r.lease_owner, r.lease_until, r.attempt, r.error) for r in rows} == self.model


def test_whatever_workers_do_the_table_agrees_with_the_model(any_db: Database) -> None:
    run_state_machine_as_test(
        lambda: Leasing(any_db),
        settings=settings(
            max_examples=25,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )


def wait_for(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
