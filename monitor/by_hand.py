"""Cases that a person opens from words that no source brought: an e-mail that was forwarded, a chat, a call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from monitor.cases import Cases
from monitor.classify.verdict import Verdict
from monitor.database import Database
from monitor.models import MentionRow
from monitor.storable import storable
from monitor.word_index import put

MODEL = "by hand"


@dataclass(frozen=True, slots=True)
class Told:
    """A complaint as a person passes it on. `external_id` is the same for the same words; `customer` is a name."""

    source: str
    external_id: str
    url: str | None
    text: str
    customer: str | None
    brand: str
    severity: str
    topic: str
    language: str


def open_by_hand(db: Database, cases: Cases, told: Told, now: datetime) -> tuple[int, bool]:
    """Open a case whose clock starts `now`: its id, and whether it is new. The same words a second time are the same
    case. There is no verdict: a person said that it is a complaint."""
    try:
        with db.write() as session:
            known = _case_of(session, told)
            if known is not None:
                return known, False
            row = MentionRow(
                source=told.source,
                external_id=told.external_id,
                url=told.url,
                text=storable(told.text),
                author_name=storable(told.customer) if told.customer else None,
                brands=[told.brand],
                posted_at=now,
                seen_at=now,
                judging="skipped",
            )
            session.add(row)
            session.flush()
            put(session, [(row.id, row.text)])
            return cases.consider(session, {row.id: _said(told)}, now)[row.id], True
    except IntegrityError:  # somebody else was as fast
        with db.read() as session:
            known = _case_of(session, told)
        if known is None:
            raise
        return known, False


def _case_of(session: Session, told: Told) -> int | None:
    return session.scalar(
        select(MentionRow.case_id).where(MentionRow.source == told.source, MentionRow.external_id == told.external_id)
    )


def _said(told: Told) -> Verdict:
    return Verdict(
        told.language, 1.0, "negative", (1.0, 0.0, 0.0), True, 1.0, told.severity, 1.0, told.topic, 1.0, MODEL
    )
