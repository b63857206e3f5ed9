"""Items that could not be read: to look at, to ask for once more, to forget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from monitor.brands import Brands
from monitor.database import Database
from monitor.errors import FirsthourError
from monitor.mentions import store_page
from monitor.models import RejectRow
from monitor.settings import SourceSettings
from monitor.sources.base import LookingSource, Page, Source


@dataclass(frozen=True, slots=True)
class Rejected:
    id: int
    source: str
    external_id: str | None
    reason: str
    raw: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Retried:
    """What became of a reject that was asked for again; `read`: it is no reject any more."""

    reject: Rejected
    read: bool
    why: str


def rejects(session: Session, source: str | None = None, limit: int = 100) -> list[Rejected]:
    """The newest first."""
    return [_rejected(row) for row in session.scalars(_of(source).order_by(RejectRow.id.desc()).limit(limit))]


def reject(session: Session, id: int) -> Rejected | None:
    row = session.get(RejectRow, id)
    return None if row is None else _rejected(row)


def counts(session: Session) -> dict[str, int]:
    """How many there are of each source that has any."""
    found = session.execute(select(RejectRow.source, func.count()).group_by(RejectRow.source))
    return {source: count for source, count in found}  # noqa: C416


def forget(session: Session, id: int) -> bool:
    """Whether it was there."""
    return session.execute(delete(RejectRow).where(RejectRow.id == id)).rowcount == 1  # type: ignore[attr-defined,no-any-return]


def clear(db: Database, source: str | None = None) -> int:
    """Forget them; how many there were. One that its service still lists comes again if it still cannot be read."""
    with db.write() as session:
        ids = [row.id for row in session.scalars(_of(source))]
        session.execute(delete(RejectRow).where(RejectRow.id.in_(ids)))
    return len(ids)


def retry(
    db: Database,
    sources: Mapping[str, tuple[Source, SourceSettings]],
    brands: Brands,
    now: datetime,
    source: str | None = None,
) -> list[Retried]:
    """Ask each reject's source for it by its id, and store what can be read now."""
    with db.read() as session:
        found = rejects(session, source, limit=1000)
    return [retry_one(db, sources, brands, now, reject) for reject in found]


def retry_one(
    db: Database,
    sources: Mapping[str, tuple[Source, SourceSettings]],
    brands: Brands,
    now: datetime,
    reject: Rejected,
) -> Retried:
    """As `retry`, of one."""
    asked, settings = sources.get(reject.source, (None, None))
    if asked is None or settings is None:
        return Retried(reject, False, "there is no source of this name any more")
    if not asked.capabilities.look_up or reject.external_id is None:
        return Retried(reject, False, "its service cannot be asked for one item: it is read again while it is listed")
    try:
        items = cast("LookingSource", asked).look_up((reject.external_id,))
    except FirsthourError as error:
        return Retried(reject, False, str(error))
    found = tuple(item for item in items if item.external_id == reject.external_id)
    if not found:
        return Retried(reject, False, "its service shows no such item, or it still cannot be read")
    with db.write() as session:
        stored = store_page(session, reject.source, Page(found, {}), brands, settings.brands, now, settings.backfill)
        if stored.rejected:
            return Retried(reject, False, "it still cannot be stored")
        session.execute(delete(RejectRow).where(RejectRow.id == reject.id))
    return Retried(reject, True, "read" if stored.new or stored.changed else "read; it is about no brand, or is gone")


def _of(source: str | None) -> Select[RejectRow]:
    return select(RejectRow) if source is None else select(RejectRow).where(RejectRow.source == source)


def _rejected(row: RejectRow) -> Rejected:
    return Rejected(row.id, row.source, row.external_id, row.reason, row.raw, row.at)
