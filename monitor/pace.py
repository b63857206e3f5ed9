"""How much went through of late, for the figures that operators' tools draw. Costs the same however much is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from monitor.models import CaseRow, CorrectionRow, DeliveryRow, VerdictRow

DAY = timedelta(days=1)
NEWEST = 10_000  # rows that are looked at for what a day brought


@dataclass(frozen=True, slots=True)
class Pace:
    """`verdicts`, `cases` and `deliveries` are the numbers of the newest: they grow by one with each. `breached`,
    `failed` (messages that could not be delivered) and `corrected` happened within a day, among the NEWEST rows."""

    verdicts: int
    cases: int
    deliveries: int
    model: str | None  # that gave the newest verdict
    breached: int
    failed: int
    corrected: int


def pace(session: Session, now: datetime) -> Pace:
    d = DeliveryRow
    against = select(VerdictRow.id).where(
        VerdictRow.mention_id == CorrectionRow.mention_id, VerdictRow.complaint != CorrectionRow.complaint
    )
    return Pace(
        verdicts=_newest(session, VerdictRow.id),
        cases=_newest(session, CaseRow.id),
        deliveries=_newest(session, d.id),
        model=session.scalar(select(VerdictRow.model).order_by(VerdictRow.id.desc()).limit(1)),
        breached=_since(session, CaseRow.id, CaseRow.breached_at, now),
        failed=_since(session, d.id, d.created_at, now, d.state == "failed"),
        corrected=_since(session, CorrectionRow.id, CorrectionRow.at, now, against.exists()),
    )


def _newest(session: Session, id: InstrumentedAttribute[int]) -> int:
    return session.scalar(select(func.max(id))) or 0


def _since(session: Session, id: InstrumentedAttribute[int], at: Any, now: datetime, *conditions: Any) -> int:
    recent = select(func.count()).where(id > _newest(session, id) - NEWEST, at > now - DAY, at <= now, *conditions)
    return session.scalar(recent) or 0
