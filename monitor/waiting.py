"""Open cases by the time that they have left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from monitor.models import CaseRow

UNDER_WAY = ("open", "taken", "reopened", "replied")
SOON = timedelta(minutes=20)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many open cases have how much time left; in the very second of `due_at` nothing is late yet. `unclocked` are
    those whose clock does not run: answered and not closed, snoozed, or never promised an answer."""

    late: int
    within_20: int
    within_60: int
    longer: int
    unclocked: int

    @property
    def all(self) -> int:
        return self.late + self.within_20 + self.within_60 + self.longer + self.unclocked


def waiting(session: Session, now: datetime, only: Mapping[str, str]) -> Waiting:
    """Those of the brand, source, language or topic in `only`."""
    c, count = CaseRow, func.count
    running = and_(c.clock == "running", c.due_at.is_not(None))
    edges = (now, now + SOON, now + HOUR)
    left = [c.due_at < edges[0], and_(c.due_at >= edges[0], c.due_at <= edges[1])]
    left += [and_(c.due_at > edges[1], c.due_at <= edges[2]), c.due_at > edges[2]]
    tallies = select(*(count().filter(running, each) for each in left), count().filter(~running))
    # few are open: an index that begins with the brand or the source must not tempt SQLite away from that of the states
    conditions = [getattr(c, name).concat("") == value for name, value in only.items()]
    row = session.execute(tallies.where(c.state.in_((*UNDER_WAY, "snoozed")), *conditions)).one()
    late, within_20, within_60, longer, unclocked = map(int, row)
    return Waiting(late, within_20, within_60, longer, unclocked)
