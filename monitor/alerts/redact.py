"""Taking words back out of Slack: messages that quoted what is kept no longer."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.alerts.outbox import enqueue
from monitor.models import CaseRow, DeliveryRow

REMOVED = ":wastebasket: _What stood here was removed._"
_SHOWN_ANEW = ("update", "redact")  # an edit of another message is no message of its own


def redact(session: Session, case_id: int, now: datetime, mentions: Collection[int] | None = None) -> int:
    """Draw the case's message anew, and blank those in its thread that quote any of `mentions` (None: all of them,
    whatever they say), in the caller's transaction. How many messages that are."""
    case = session.get_one(CaseRow, case_id)
    sent = select(DeliveryRow).where(
        DeliveryRow.case_id == case_id,
        DeliveryRow.transport == "slack",
        DeliveryRow.receipt.is_not(None),
        DeliveryRow.kind.not_in((*_SHOWN_ANEW, "alert")),
    )
    found = 0
    for row in session.scalars(sent.order_by(DeliveryRow.id)).all():
        detail = row.payload.get("detail") or {}
        if mentions is None or detail.get("mention_id") in mentions:
            elsewhere = row.payload.get("notify") == "elsewhere" or case.slack_channel is None
            place = row.target if elsewhere else case.slack_channel
            payload = {"ts": row.receipt, "place": place}
            enqueue(session, "redact", "slack", row.target, now, case_id, payload)
            found += 1
    if case.slack_ts is not None and case.page is None:
        enqueue(session, "update", "slack", case.slack_channel or "", now, case_id)
        found += 1
    return found
