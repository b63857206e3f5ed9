"""Periodic work. APScheduler only ticks; a row in `slots` decides which replica runs the job for that slot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from monitor import faults
from monitor.clock import Clock
from monitor.database import Database
from monitor.errors import FirsthourError
from monitor.leases import take_slot

KEEP_SLOTS = timedelta(days=2)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """`run` is called with the present moment, once for each slot of length `every` across all replicas. A run that
    fails is logged and left to the next slot, so what a job does must not depend on every slot being run."""

    name: str
    every: timedelta
    run: Callable[[datetime], object]


def slot_of(now: datetime, every: timedelta) -> datetime:
    """The beginning of the slot that `now` is in; slots are counted from 1970 in UTC."""
    return now - (now - _EPOCH) % every


class Overruns:
    """Runs that were left out because the one before was not over: what was due is done by the next. Said once when it
    begins, and once when a run was over in time again."""

    def __init__(self) -> None:
        self._left_out: dict[str, int] = {}  # since it began
        self._during: set[str] = set()  # the run that is under way

    def left_out(self, job: str) -> None:
        if job not in self._left_out:
            log.warning("runs of a job are left out, the one before takes too long", job=job)
        self._left_out[job] = self._left_out.get(job, 0) + 1
        self._during.add(job)

    def ran(self, job: str) -> None:
        if job in self._during:
            self._during.discard(job)
        elif (count := self._left_out.pop(job, None)) is not None:
            log.info("a job runs in time again", job=job, left_out=count)


class Scheduler:
    def __init__(self, db: Database, clock: Clock, owner: str, jobs: Sequence[Job], speed: float = 1.0) -> None:
        """`speed` is the clock's (see SystemClock): a job of every hour ticks that much more often."""
        from apscheduler import events
        from apscheduler.schedulers.background import BackgroundScheduler

        self._db, self._clock, self._owner = db, clock, owner
        self._overruns = Overruns()
        self._ticks = BackgroundScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 60}
        )
        for job in jobs:
            seconds = max(0.5, job.every.total_seconds() / speed)
            self._ticks.add_job(
                self.run,
                "interval",
                args=[job],
                id=job.name,
                seconds=seconds,
                jitter=min(5.0, seconds / 10),
            )
        left_out = events.EVENT_JOB_MAX_INSTANCES | events.EVENT_JOB_MISSED
        self._ticks.add_listener(lambda event: self._overruns.left_out(event.job_id), left_out)
        self._ticks.add_listener(lambda event: self._overruns.ran(event.job_id), events.EVENT_JOB_EXECUTED)

    def start(self) -> None:
        self._ticks.start()

    def stop(self) -> None:
        """No new run begins; one that is under way is not waited for."""
        if self._ticks.running:
            self._ticks.shutdown(wait=False)

    def run(self, job: Job) -> bool:
        """One tick of `job`. False if another replica has the slot."""
        now = self._clock.now()
        try:
            with self._db.write() as session:
                mine = take_slot(session, job.name, slot_of(now, job.every), self._owner)
            faults.step(f"{job.name}.slot_taken")
            if mine:
                job.run(now)
            return mine
        except Exception as error:
            expected = isinstance(error, FirsthourError)
            log.error("job failed", job=job.name, error=str(error), exc_info=None if expected else error)
            return False


def forget_slots(db: Database) -> Job:
    """The job that keeps the table of slots short."""
    from sqlalchemy import delete

    from monitor.models import SlotRow

    def run(now: datetime) -> None:
        with db.write() as session:
            session.execute(delete(SlotRow).where(SlotRow.slot < now - KEEP_SLOTS))

    return Job("forget_slots", timedelta(hours=1), run)
