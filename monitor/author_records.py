"""Everything that is kept about one author on one source: to hand it out, or to take it away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, text, update
from sqlalchemy.orm import Session

from monitor.database import Database
from monitor.models import (
    CaseEventRow,
    CaseRow,
    CorrectionRow,
    DeliveryRow,
    MentionRow,
    ParentRow,
    RejectRow,
    ReplyRow,
    RevisionRow,
    VerdictRow,
)
from monitor.retention import blank
from monitor.word_index import forget_leavings

Redact = Callable[[Session, int, datetime], int]
_KEPT = {
    "mentions": (MentionRow, MentionRow.id),
    "revisions": (RevisionRow, RevisionRow.mention_id),
    "verdicts": (VerdictRow, VerdictRow.mention_id),
    "corrections": (CorrectionRow, CorrectionRow.mention_id),
}
_OF_CASES = {
    "cases": (CaseRow, CaseRow.id),
    "events": (CaseEventRow, CaseEventRow.case_id),
    "replies": (ReplyRow, ReplyRow.case_id),
}
_INTERNAL = ("lease_owner", "lease_until", "attempt", "words")


@dataclass(frozen=True, slots=True)
class Erased:
    """How many rows lost their words; `messages` of Slack are drawn anew without them."""

    mentions: int
    cases: int
    messages: int
    rejects: int


def export(session: Session, source: str, handle: str) -> dict[str, list[dict[str, Any]]]:
    """Every row about the author, by kind, as plain values."""
    mentions, cases = _theirs(session, source, handle)
    found: dict[str, list[dict[str, Any]]] = {}
    for kinds, ids in ((_KEPT, mentions), (_OF_CASES, cases)):
        for name, (table, key) in kinds.items():
            columns = [column for column in table.__mapper__.columns if column.key not in _INTERNAL]
            rows = session.execute(select(*columns).where(key.in_(ids)).order_by(table.id))  # type: ignore[attr-defined]
            found[name] = [dict(row) for row in rows.mappings()]
    parents = select(ParentRow.__table__).where(*_wrote(ParentRow, source, handle))
    found["parents"] = [dict(row) for row in session.execute(parents).mappings()]
    return found


def erase(db: Database, source: str, handle: str, now: datetime, redact: Redact) -> Erased:
    """Take away what the author wrote and who they are, in one transaction: words, names, links, earlier versions, what
    was said about and answered to them. `redact` draws a case's messages in Slack anew. The rows stay, without words,
    so that counts do not change and a source that still shows the post does not bring it back."""
    with db.write() as session:
        if db.dialect == "sqlite":
            session.execute(text("PRAGMA secure_delete = ON"))  # overwrite freed bytes, else the words stay on disk
        mentions, cases = _theirs(session, source, handle)
        names = session.execute(select(MentionRow.author, MentionRow.author_name).where(MentionRow.id.in_(mentions)))
        called = {name for row in names for name in row if name} | {handle}
        messages = sum(redact(session, case_id, now) for case_id in cases)
        blank(session, mentions)
        about = (DeliveryRow.case_id.in_(cases), DeliveryRow.kind.not_in(("alert", "update", "redact")))
        session.execute(update(DeliveryRow).where(*about).values(payload={}))
        session.execute(update(DeliveryRow).where(*about, DeliveryRow.state == "pending").values(state="dropped"))
        bearing = (CaseEventRow.case_id.in_(cases), CaseEventRow.actor.in_(called))
        session.execute(update(CaseEventRow).where(*bearing).values(actor="the customer"))
        session.execute(delete(ParentRow).where(*_wrote(ParentRow, source, handle)))
        holding = [RejectRow.raw.contains(name, autoescape=True) for name in called]
        rejects = session.execute(delete(RejectRow).where(RejectRow.source == source, or_(*holding)))
    forget_leavings(db)
    if db.dialect == "sqlite":
        with db.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return Erased(len(mentions), len(cases), messages, rejects.rowcount)  # type: ignore[attr-defined]


def _theirs(session: Session, source: str, handle: str) -> tuple[Sequence[int], Sequence[int]]:
    """The author's mentions, and the cases that they opened."""
    wrote = (*_wrote(MentionRow, source, handle), ~MentionRow.own)
    mentions = session.scalars(select(MentionRow.id).where(*wrote).order_by(MentionRow.id)).all()
    cases = select(CaseRow.id).where(CaseRow.mention_id.in_(mentions)).order_by(CaseRow.id)
    return mentions, session.scalars(cases).all()


def _wrote(table: type[MentionRow | ParentRow], source: str, handle: str) -> tuple[ColumnElement[bool], ...]:
    plain = handle.strip().removeprefix("/").removeprefix("u/").removeprefix("@").lower()
    return table.source == source, func.lower(table.author).in_((plain, f"@{plain}", f"u/{plain}"))
