"""A person's word against a verdict.

The verdict stays as the classifier gave it; whether it is a complaint, the last person says (monitor/rollups.py).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from monitor import rollups
from monitor.models import CorrectionRow


def correct(session: Session, mention_id: int, complaint: bool, actor: str, at: datetime) -> None:
    """Store what `actor` says of a mention, in a write transaction, and count it so."""
    rollups.discount(session, [mention_id])
    session.add(CorrectionRow(mention_id=mention_id, complaint=complaint, actor=actor[:100], at=at))
    rollups.count(session, [mention_id])
