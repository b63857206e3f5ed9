from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import structlog
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from structlog.testing import capture_logs

from monitor.clock import ManualClock
from monitor.database import Database
from monitor.leases import take_slot
from monitor.models import SlotRow
from monitor.scheduler import KEEP_SLOTS, Job, Overruns, Scheduler, forget_slots, slot_of


def test_a_job_runs_once_for_a_slot_however_many_replicas_tick(any_db: Database, clock: ManualClock) -> None:
    ran: list[datetime] = []
    job = Job("digest", timedelta(hours=1), ran.append)
    replicas = [Scheduler(any_db, clock, f"replica {n}", [job]) for n in range(4)]
    ready = threading.Barrier(len(replicas))

    def tick(replica: Scheduler) -> None:
        ready.wait()
        replica.run(job)

    threads = [threading.Thread(target=tick, args=(replica,)) for replica in replicas]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ran == [clock.now()]
    clock.move(timedelta(hours=1))
    assert [replica.run(job) for replica in replicas].count(True) == 1
    assert len(ran) == 2


def test_a_job_that_fails_does_not_stop_the_ticks(db: Database, clock: ManualClock) -> None:
    def fail(now: datetime) -> None:
        raise ValueError("a bug")

    job = Job("broken", timedelta(minutes=1), fail)
    scheduler = Scheduler(db, clock, "me", [job])
    assert scheduler.run(job) is False
    clock.move(timedelta(minutes=1))
    assert scheduler.run(job) is False


def test_a_started_scheduler_ticks_by_itself_and_stops(db: Database, clock: ManualClock) -> None:
    ran = threading.Event()
    scheduler = Scheduler(db, clock, "me", [Job("tick", timedelta(seconds=1), lambda now: ran.set())], speed=2.0)
    scheduler.start()
    try:
        assert ran.wait(20)
    finally:
        scheduler.stop()
    scheduler.stop()


def test_runs_that_are_left_out_are_told_of_once(db: Database, clock: ManualClock) -> None:
    ready, go_on, again = threading.Event(), threading.Event(), threading.Event()
    said: list[dict[str, object]] = []
    told = threading.Condition()

    def run(now: datetime) -> None:
        clock.move(timedelta(seconds=1))  # so that each run has a slot of its own
        if not ready.is_set():
            ready.set()
            go_on.wait(20)
        else:
            again.set()

    def hear(_logger: object, _method: str, event: dict[str, object]) -> dict[str, object]:
        with told:
            said.append(event)
            told.notify_all()
        raise structlog.DropEvent

    structlog.configure(processors=[hear])
    scheduler = Scheduler(db, clock, "me", [Job("slow", timedelta(seconds=1), run)], speed=2.0)
    scheduler.start()
    try:
        assert ready.wait(20)
        with told:
            assert told.wait_for(lambda: said, 20)
        go_on.set()
        assert again.wait(20)
        with told:
            assert told.wait_for(lambda: len(said) > 1, 20)
    finally:
        go_on.set()
        scheduler.stop()
        structlog.reset_defaults()
    assert [each["event"] for each in said] == [
        "runs of a job are left out, the one before takes too long",
        "a job runs in time again",
    ]


def test_a_job_that_is_always_too_long_is_told_of_once_until_it_is_not() -> None:
    overruns = Overruns()
    with capture_logs() as logs:
        for _ in range(3):
            overruns.left_out("slow")
            overruns.left_out("slow")
            overruns.ran("slow")
        overruns.ran("quick")
        overruns.ran("slow")
        overruns.ran("slow")
    assert [(each["log_level"], each["job"], each.get("left_out")) for each in logs] == [
        ("warning", "slow", None),
        ("info", "slow", 6),
    ]


def test_old_slots_are_forgotten_and_fresh_ones_kept(db: Database, clock: ManualClock) -> None:
    old, fresh = clock.now() - KEEP_SLOTS - timedelta(seconds=1), clock.now()
    with db.write() as session:
        take_slot(session, "x", old, "me")
        take_slot(session, "x", fresh, "me")
    forget_slots(db).run(clock.now())
    with db.read() as session:
        assert list(session.scalars(select(SlotRow.slot))) == [fresh]
        assert session.scalar(select(func.count()).select_from(SlotRow)) == 1


@given(
    st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(min_value=1, max_value=86_400),
)
def test_every_moment_is_in_exactly_one_slot(now: datetime, seconds: int) -> None:
    every = timedelta(seconds=seconds)
    slot = slot_of(now, every)
    assert slot <= now < slot + every
    assert slot_of(slot, every) == slot
    assert slot_of(slot - timedelta(microseconds=1), every) == slot - every
