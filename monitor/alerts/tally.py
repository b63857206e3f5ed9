"""What happened to cases within a span of time, in figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitor.models import CaseRow
from monitor.transitions import OPEN_STATES

_BEFORE = timedelta(days=7)  # cases opened longer before the span are left out
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Tally:
    """`median_seconds` is of first responses, in calendar time; `waiting` and `overdue` are at the end of the span."""

    opened: int
    answered: int
    in_time: int
    breached: int
    median_seconds: float | None
    waiting: int
    overdue: int


def tally(session: Session, since: datetime, now: datetime) -> Tally:
    rows = list(_cases(session, since - _BEFORE))
    answered = [row for row in rows if row.first_response_at is not None and since <= row.first_response_at <= now]
    took = [row.calendar_seconds for row in answered if row.calendar_seconds is not None]
    running = (CaseRow.state.in_(OPEN_STATES), CaseRow.clock == "running")
    waiting = session.scalar(select(func.count()).where(*running)) or 0
    overdue = session.scalar(select(func.count()).where(*running, CaseRow.due_at < now)) or 0
    return Tally(
        opened=sum(1 for row in rows if since <= row.opened_at <= now),
        answered=len(answered),
        in_time=sum(1 for row in answered if row.met),
        breached=sum(1 for row in rows if row.breached_at is not None and since <= row.breached_at <= now),
        median_seconds=median(took) if took else None,
        waiting=waiting,
        overdue=overdue,
    )


def _cases(session: Session, since: datetime) -> Iterator[CaseRow]:
    """Cases opened since then, the newest first: ids grow with time, and there is no index on `opened_at` alone."""
    before: int | None = None
    while True:
        page = select(CaseRow).order_by(CaseRow.id.desc()).limit(_PAGE)
        if before is not None:
            page = page.where(CaseRow.id < before)
        rows = session.scalars(page).all()
        for row in rows:
            if row.opened_at < since:
                return
            yield row
        if len(rows) < _PAGE:
            return
        before = rows[-1].id
