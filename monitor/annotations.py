"""What people noted beside the trends: "campaign started"."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from monitor.charts.time_axis import Mark
from monitor.clock import aware
from monitor.errors import Refused
from monitor.models import AnnotationRow
from monitor.storable import storable

LONGEST = 200  # characters
SHOWN = 200  # in one span


@dataclass(frozen=True, slots=True)
class Annotation:
    """`until` is None for a moment, `brand` for all brands; `who` noted it."""

    id: int
    at: datetime
    until: datetime | None
    text: str
    brand: str | None
    who: str

    @property
    def mark(self) -> Mark:
        return Mark(self.at, self.until, self.text)


def noted(session: Session, since: datetime, until: datetime, brands: Collection[str] = ()) -> tuple[Annotation, ...]:
    """Those that touch the span, the earliest first, and that are about one of `brands` (none: any) or about all. Of
    very many the latest."""
    a = AnnotationRow
    found = select(a).where(a.at < until, func.coalesce(a.until, a.at) >= since)
    if brands:
        found = found.where(or_(a.brand.is_(None), a.brand.in_(brands)))
    rows = session.scalars(found.order_by(a.at.desc(), a.id.desc()).limit(SHOWN))
    return tuple(Annotation(row.id, row.at, row.until, row.text, row.brand, row.who) for row in rows)[::-1]


def annotate(
    session: Session,
    at: datetime,
    until: datetime | None,
    text: str,
    brand: str | None,
    who: str,
    now: datetime,
) -> int:
    """Note something; its number. Raises Refused."""
    said = " ".join(storable(text).split())
    if not said:
        raise Refused("say what happened: the text is empty")
    if len(said) > LONGEST:
        raise Refused(f"the text has {len(said)} characters, and {LONGEST} fit")
    if until is not None and aware(until) < aware(at):
        raise Refused("it ends before it begins: exchange the two times")
    row = AnnotationRow(at=aware(at), until=until, text=said, brand=brand, who=who[:100], noted_at=now)
    session.add(row)
    session.flush()
    return row.id


def take_away(session: Session, annotation: int) -> bool:
    """Whether there was such a one."""
    gone = session.execute(delete(AnnotationRow).where(AnnotationRow.id == annotation).returning(AnnotationRow.id))
    return gone.first() is not None
