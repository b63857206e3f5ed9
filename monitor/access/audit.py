"""The audit log: who did what, from where. What happens to cases is in the history of each case, and not here again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from monitor.access.rows import AuditRow
from monitor.database import Database
from monitor.storable import storable

KINDS = {
    "signed_in": "signed in",
    "sign_in_failed": "could not sign in",
    "signed_out": "signed out",
    "session_ended": "ended sessions",
    "user_added": "added a person",
    "role_changed": "changed a role",
    "user_disabled": "disabled a person",
    "user_enabled": "enabled a person",
    "password_changed": "changed a password",
    "token_added": "made a token",
    "token_revoked": "revoked a token",
    "exported": "exported data",
    "erased": "erased what was kept about an author",
    "purged": "purged old words",
    "settings_seen": "looked at settings",
}


@dataclass(frozen=True, slots=True)
class By:
    """Who does something, and from which address: None for the command line."""

    actor: str
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    id: int
    at: datetime
    kind: str
    actor: str
    address: str | None
    detail: dict[str, Any]

    @property
    def said(self) -> str:
        return KINDS.get(self.kind, self.kind.replace("_", " "))


def record(session: Session, kind: str, by: By, now: datetime, **detail: Any) -> None:
    """Write a line, in the transaction of what it tells of. `detail` holds names and figures, never a secret."""
    if kind not in KINDS:
        raise ValueError(f"there is no kind {kind} of audit entries")
    kept = {
        name: storable(value, 300) if isinstance(value, str) else value
        for name, value in detail.items()
        if value is not None
    }
    actor = storable(by.actor, 100)
    session.add(AuditRow(at=now, kind=kind, actor=actor, address=by.address, detail=kept))


def entries(
    session: Session, limit: int, before: int | None = None, kind: str | None = None, actor: str | None = None
) -> Sequence[Entry]:
    """Newest first, from the entry before id `before` on."""
    query = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditRow.id < before)
    if kind is not None:
        query = query.where(AuditRow.kind == kind)
    if actor is not None:
        query = query.where(AuditRow.actor == actor)
    return [Entry(r.id, r.at, r.kind, r.actor, r.address, dict(r.detail)) for r in session.scalars(query)]


def forget(db: Database, kept: timedelta, now: datetime) -> int:
    """Delete entries older than `kept`; returns how many."""
    with db.write() as session:
        gone = session.execute(delete(AuditRow).where(AuditRow.at < now - kept))
    return int(gone.rowcount)  # type: ignore[attr-defined]
