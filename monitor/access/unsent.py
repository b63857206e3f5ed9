"""What somebody sent when their session had grown old. It is kept with that session, and goes with it: until then its
form has the words again, for this person and for nobody else. Replies have drafts of their own."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.access.rows import SessionRow
from monitor.access.sessions import WebSession


def keep(session: Session, found: WebSession, form: str, fields: Mapping[str, str]) -> None:
    """`form` is its name, such as "note 12"."""
    row = session.get_one(SessionRow, found.id)
    row.unsent = {**(row.unsent or {}), form: dict(fields)}


def unsent(session: Session, found: WebSession | None, form: str) -> dict[str, str]:
    """The fields that the person of this session sent last; empty where there are none."""
    if found is None:
        return {}
    theirs = select(SessionRow.unsent).where(SessionRow.user_id == found.user.id, SessionRow.unsent.is_not(None))
    kept: dict[str, str] = {}
    for forms in session.scalars(theirs.order_by(SessionRow.seen_at, SessionRow.id)):
        kept = (forms or {}).get(form, kept)
    return kept


def sent(session: Session, found: WebSession | None, form: str) -> None:
    """It came through: nothing of it is kept."""
    if found is None or not unsent(session, found, form):
        return
    theirs = select(SessionRow).where(SessionRow.user_id == found.user.id, SessionRow.unsent.is_not(None))
    for row in session.scalars(theirs):
        row.unsent = {name: fields for name, fields in (row.unsent or {}).items() if name != form} or None
