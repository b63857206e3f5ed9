"""What replies answer, read for the sake of replies that say little by themselves (monitor/agreement.py).

Where "same here!!" answers a post that is no mention, its source is asked for that post, once. The post is kept for
some hours to judge the reply by, and is never a mention: it opens no case and is neither counted nor exported.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, func, select
from sqlalchemy.orm import Session, aliased

from monitor.agreement import READ, agrees
from monitor.brands import Brands
from monitor.database import Database, insert_missing
from monitor.models import MentionRow, ParentRow
from monitor.scheduler import Job
from monitor.sources.base import Item
from monitor.storable import storable, storable_key

MOST = 20  # that are asked for in one poll
KEPT = timedelta(hours=20)  # less than the day within which what its source deletes has to be gone here
_HANDLE = 300
_OTHER = aliased(MentionRow)  # once: making one takes longer than the query


def unknown(session: Session, source: str, items: Iterable[Item]) -> list[str]:
    """What those of `items` answer that only agree and are new: the ids of which nothing is known here."""
    agreeing = {storable_key(each.external_id): each for each in items if _agrees(each)}
    rows = _of(session, MentionRow, source, agreeing, MentionRow.text)
    new = (each for id, each in agreeing.items() if rows.get(id) != (each.text,))
    wanted = {storable_key(each.parent): each.parent for each in new if each.parent}
    known = _of(session, MentionRow, source, wanted) | _of(session, ParentRow, source, wanted)
    given = {storable_key(each.external_id) for each in items if each.external_id}
    return [parent for id, parent in wanted.items() if id not in known and id not in given]


def _agrees(item: Item) -> bool:
    readable = all(isinstance(each, str) for each in (item.external_id, item.parent, item.text))
    return readable and not item.removed and agrees(item.text)


def keep(
    session: Session, source: str, parents: Sequence[Item], brands: Brands, only: Collection[str], now: datetime
) -> None:
    """Store `parents`; those of which nothing came too, so that they are not asked for again."""
    rows: list[dict[str, Any]] = []
    for each in parents:
        handle = storable(each.author.handle, _HANDLE) if each.author.handle else None
        about = [] if each.removed else brands.names(each, source, only)
        row = {"source": source, "external_id": storable_key(each.external_id), "text": storable(each.text, READ)}
        rows.append(row | {"author": handle, "brands": about, "read_at": now})
    insert_missing(session, ParentRow, rows, "source", "external_id")


def brands_answered(session: Session, source: str, items: Mapping[str, Item]) -> dict[str, list[str]]:
    """Of the items that only agree with a mention or a parent: its brands. They need not name one themselves."""
    parents = {id: item.parent for id, item in items.items() if item.parent is not None and agrees(item.text)}
    wanted = set(parents.values())
    about = _of(session, ParentRow, source, wanted, ParentRow.brands)
    about |= _of(session, MentionRow, source, wanted, MentionRow.brands)
    return {id: about[parent][0] for id, parent in parents.items() if parent in about}


def answered(session: Session, mentions: Collection[int]) -> dict[int, str]:
    """What those of the mentions answer that only agree, as far as it is known now."""
    m, other, parent = MentionRow, _OTHER, ParentRow
    wanted = (
        select(m.id, m.text, func.coalesce(other.text, parent.text))
        .outerjoin(other, and_(other.source == m.source, other.external_id == m.parent))
        .outerjoin(parent, and_(parent.source == m.source, parent.external_id == m.parent))
        .where(m.id.in_(mentions), m.parent.is_not(None))
    )
    return {id: words for id, text, words in session.execute(wanted) if words and agrees(text)}


def _of(
    session: Session, table: type[MentionRow | ParentRow], source: str, ids: Collection[str], *columns: Any
) -> dict[str, tuple[Any, ...]]:
    """Those of the ids that the table has, each with its `columns`."""
    if not ids:
        return {}
    wanted = select(table.external_id, *columns).where(table.source == source, table.external_id.in_(ids))
    return {id: tuple(more) for id, *more in session.execute(wanted)}


def forget_parents(db: Database) -> Job:
    """The job that keeps nothing for longer than it is needed."""

    def run(now: datetime) -> None:
        with db.write() as session:
            session.execute(delete(ParentRow).where(ParentRow.read_at < now - KEPT))

    return Job("forget_parents", timedelta(hours=1), run)
