"""A case's message that somebody deleted in Slack is posted once more, and its thread goes on there."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from monitor import leases
from monitor.alerts.outbox import Delivery
from monitor.case_events import SYSTEM
from monitor.cases import Cases
from monitor.models import CaseEventRow, CaseRow, DeliveryRow

EVENT = "posted_anew"


class Anew:
    def __init__(self, cases: Cases) -> None:
        self._cases = cases

    def __call__(self, session: Session, delivery: Delivery, now: datetime) -> bool:
        """Turn the edit that found no message into the message itself, so that it comes before all that waits behind
        it. False where that is not to be: it was done once already, or the case stands among others in an incident."""
        row = session.get(CaseRow, delivery.case_id) if delivery.case_id is not None else None
        if row is None or row.page is not None or _was(session, row.id):
            return False
        payload = delivery.payload | {"anew": True}
        mine = leases.finish(
            session, DeliveryRow, delivery.lease, kind="alert", state="pending", payload=payload, intent_at=None
        )
        if mine:
            self._cases.act_in(session, row.id, EVENT, SYSTEM, "slack", now)
            session.execute(update(CaseRow).where(CaseRow.id == row.id).values(slack_ts=None, slack_thread=None))
        return True


def _was(session: Session, case_id: int) -> bool:
    past = select(CaseEventRow.id).where(CaseEventRow.case_id == case_id, CaseEventRow.kind == EVENT)
    return session.scalar(past.limit(1)) is not None
