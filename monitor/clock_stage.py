"""The stage that takes the steps of the cases' clocks."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from monitor import faults
from monitor.cases import Cases
from monitor.clock import Clock
from monitor.database import Database
from monitor.leases import take_slot
from monitor.models import CaseRow
from monitor.scheduler import slot_of


class ClockStage:
    """Takes the steps of the cases' clocks that are due. Replicas share the seconds out by slots."""

    name = "clock"

    def __init__(self, db: Database, clock: Clock, cases: Cases, owner: str) -> None:
        self._db, self._clock, self._cases, self._owner = db, clock, cases, owner

    def run_once(self) -> int:
        now = self._clock.now()
        if not self._due(now):
            return 0
        with self._db.write() as session:
            mine = take_slot(session, self.name, slot_of(now, timedelta(seconds=1)), self._owner)
        faults.step("clock.slot_taken")
        if not mine:
            return 0
        return self._cases.tick(now)

    def _due(self, now: datetime) -> bool:
        with self._db.read() as session:
            return session.scalar(select(CaseRow.id).where(CaseRow.next_step_at <= now).limit(1)) is not None
