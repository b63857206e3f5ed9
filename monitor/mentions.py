"""Storage of mentions: what a page brings is new, edited, removed, or already known."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import DataError, IntegrityError, StatementError
from sqlalchemy.orm import Session

from monitor import faults
from monitor.brands import Brands
from monitor.copies import fold_copies, words_hash
from monitor.database import insert_missing
from monitor.errors import GiveUp
from monitor.models import MentionRow, RejectRow, RevisionRow
from monitor.parents import brands_answered, keep
from monitor.rollups import discount, lock, undone_with
from monitor.sources.base import Author, Engagement, Item, Page, Reject
from monitor.spread import Spread
from monitor.storable import readable, storable, storable_key
from monitor.word_index import change, drop, put_stored

MAX_RAW = 10_000
FORGOTTEN = dict.fromkeys(("media", "words", "looked_at"))  # of a mention that is gone, besides its words
_CHUNK = 500  # ids in one statement

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a page's items; `unmatched` ones are about no brand and were not kept. `own` holds the ids of new
    mentions by the brands' own accounts, `spread` those known ones of a case whose engagement is another now, `gone`
    the removed ones of a case, each with its case's id."""

    new: int = 0
    changed: int = 0
    removed: int = 0
    unmatched: int = 0
    rejected: int = 0
    own: tuple[int, ...] = ()
    spread: tuple[Spread, ...] = ()
    gone: tuple[tuple[int, int], ...] = ()
    newest: datetime | None = None  # when the newest item was posted, kept or not

    def __add__(self, other: Stored) -> Stored:
        return Stored(
            self.new + other.new,
            self.changed + other.changed,
            self.removed + other.removed,
            self.unmatched + other.unmatched,
            self.rejected + other.rejected,
            self.own + other.own,
            self.spread + other.spread,
            self.gone + other.gone,
            max((n for n in (self.newest, other.newest) if n is not None), default=None),
        )


@dataclass(frozen=True, slots=True)
class Mention:
    """One stored mention, as the later stages see it."""

    id: int
    source: str
    external_id: str
    url: str | None
    text: str
    rating: float | None
    author: Author
    conversation: str | None
    parent: str | None
    own: bool
    backfill: bool
    brands: tuple[str, ...]
    posted_at: datetime
    seen_at: datetime
    revision: int
    case_id: int | None
    media: tuple[str, ...] = ()
    engagement: Engagement | None = None


def store_page(
    session: Session,
    source: str,
    page: Page,
    brands: Brands,
    only: Collection[str],
    now: datetime,
    backfill: bool = False,
) -> Stored:
    """Store what is new in `page`, in the caller's transaction (the cursor is stored there too).

    An edited text or rating keeps the old one as a revision and is judged again. A removed item loses its text, here
    and in its revisions. Items that cannot be stored become rejects; none stops the page.
    """
    items, rejects = readable(page)
    stored = Stored(rejected=len(rejects), newest=max((min(item.posted_at, now) for item in items), default=None))
    keep(session, source, page.parents, brands, only, now)
    for part in _rounds(items):
        stored += _store(session, source, part, brands, only, now, backfill)
    _store_rejects(session, source, rejects, now)
    return stored


def store_one_by_one(
    session: Session,
    source: str,
    page: Page,
    brands: Brands,
    only: Collection[str],
    now: datetime,
    backfill: bool = False,
) -> Stored:
    """As store_page, but an item at which the database takes offence becomes a reject."""
    stored = store_page(session, source, replace(page, items=()), brands, only, now, backfill)
    for item in page.items:
        part = replace(page, items=(item,), rejects=(), parents=())
        try:
            with undone_with(session), session.begin_nested():
                stored += store_page(session, source, part, brands, only, now, backfill)
        except Exception as error:
            if not items_fault(error):
                raise
            reject = Reject(f"{type(error).__name__}: {error}", repr(item), str(item.external_id))
            rest = replace(page, items=(), rejects=(reject,), parents=())
            stored += store_page(session, source, rest, brands, only, now, backfill)
    return stored


def items_fault(error: Exception) -> bool:
    """Whether something in an item is to blame, and not a database that is locked, full or out of reach."""
    return isinstance(error, (ValueError, TypeError)) or type(error) in (StatementError, DataError, IntegrityError)


def mention(session: Session, id: int) -> Mention:
    """Raises GiveUp if there is no such mention."""
    found = mentions(session, [id])
    if not found:
        raise GiveUp(f"there is no mention {id}")
    return found[0]


def mentions(session: Session, ids: Sequence[int]) -> list[Mention]:
    """Those that exist, in the order of `ids`."""
    found: dict[int, Mention] = {}
    for part in _chunks(ids):
        for row in session.scalars(select(MentionRow).where(MentionRow.id.in_(part))):
            found[row.id] = _mention(row)
    return [found[id] for id in ids if id in found]


def _mention(row: MentionRow) -> Mention:
    return Mention(
        id=row.id,
        source=row.source,
        external_id=row.external_id,
        url=row.url,
        text=row.text,
        rating=row.rating,
        author=Author(row.author, row.author_name, row.author_url, row.author_followers),
        conversation=row.conversation,
        parent=row.parent,
        own=row.own,
        backfill=row.backfill,
        brands=tuple(row.brands),
        posted_at=row.posted_at,
        seen_at=row.seen_at,
        revision=row.revision,
        case_id=row.case_id,
        media=tuple(row.media or ()),
        engagement=_engagement(row),
    )


def _engagement(row: Any) -> Engagement | None:
    known = Engagement(row.likes, row.shares, row.answers, row.views)
    return None if known == Engagement() else known


def _rounds(items: Iterable[Item]) -> list[dict[str, Item]]:
    """The items in groups within which every id is unique: one group, unless the page repeats itself."""
    rounds: list[dict[str, Item]] = [{}]
    for item in items:
        last = next((r for r in reversed(rounds) if item.external_id in r), None)
        if last is None:
            rounds[0][item.external_id] = item
            continue
        if last[item.external_id] == item:
            continue
        if last is rounds[-1]:
            rounds.append({})
        rounds[rounds.index(last) + 1][item.external_id] = item
    return rounds


def _store(
    session: Session,
    source: str,
    items: dict[str, Item],
    brands: Brands,
    only: Collection[str],
    now: datetime,
    backfill: bool,
) -> Stored:
    known = _known(session, source, list(items))
    answered = brands_answered(session, source, items)
    lock(session, _touched(known, items))
    changed = unmatched = 0
    rows, seen_again, removed = [], [], []
    for item in items.values():
        row = known.get(item.external_id)
        if row is not None:
            if row.judging == "purged":
                continue  # its words were taken away for their age: monitor/retention.py
            if item.removed:
                removed += [row] if _remove(session, row, now) else []
                continue
            seen_again.append((row, item))
            if _differs(row, item):
                _change(session, row, item, brands.names(item, source, only), now)
                changed += 1
            continue
        names = [] if item.removed else brands.names(item, source, only)
        if not names and item.external_id in answered:
            names = brands.inherited(answered[item.external_id], item, source, only)
        if names:
            rows.append(_row(item, source, names, brands.is_own(item.author.handle), now, backfill))
        elif not item.removed:
            unmatched += 1
    gone = tuple((row.id, row.case_id) for row in removed if row.case_id is not None)
    stored = Stored(len(rows), changed, len(removed), unmatched, spread=_stands(session, seen_again), gone=gone)
    if not rows:
        return stored
    late = [row["external_id"] for row in rows if row["posted_at"] > now]
    if late:
        log.warning("items dated in the future count as posted now", source=source, items=len(late), first=late[0])
        for row in rows:
            row["posted_at"] = min(row["posted_at"], now)
    return replace(stored, own=_insert(session, rows))


def _touched(known: Mapping[str, Any], items: Mapping[str, Item]) -> list[int]:
    """Those of the known mentions that may have to be changed."""
    given = [(row, items[id]) for id, row in known.items()]
    return [row.id for row, item in given if item.removed or _differs(row, item) or _moved(row, item)]


def _differs(row: Any, item: Item) -> bool:
    return bool(row.text != item.text or row.rating != item.rating or row.removed_at is not None)


def _moved(row: Any, item: Item) -> bool:
    """Whether it has spread, or its pictures are others."""
    known = _engagement(row) or Engagement()
    return row.media != (list(item.media) or None) or (item.engagement or known) != known


def _known(session: Session, source: str, ids: Sequence[str]) -> dict[str, Any]:
    m = MentionRow
    columns = (
        *(m.id, m.external_id, m.text, m.rating, m.own, m.judging, m.revision, m.removed_at, m.case_id, m.media),
        *(m.likes, m.shares, m.answers, m.views, m.repost_of, m.copy_of),
    )
    known: dict[str, Any] = {}
    for part in _chunks(ids):
        rows = session.execute(select(*columns).where(m.source == source, m.external_id.in_(part)))
        known.update((row.external_id, row) for row in rows)
    return known


def _row(item: Item, source: str, names: list[str], own: bool, now: datetime, backfill: bool) -> dict[str, Any]:
    return {
        "source": source,
        "external_id": item.external_id,
        "url": item.url,
        "text": item.text,
        "rating": item.rating,
        "author": item.author.handle,
        "author_name": item.author.name,
        "author_url": item.author.url,
        "author_followers": item.author.followers,
        "conversation": item.conversation,
        "parent": item.parent,
        "own": own,
        "backfill": backfill,
        "brands": names,
        "posted_at": item.posted_at,
        "seen_at": now,
        "revision": 0,
        "judging": "skipped" if own else "waiting",
        "attempt": 0,
        "media": list(item.media) or None,
        "looked_at": now,
        "repost_of": item.repost_of,
        "words": words_hash(item.text),
    } | asdict(item.engagement or Engagement())


def _insert(session: Session, rows: list[dict[str, Any]]) -> tuple[int, ...]:
    """The ids of the brands' own mentions among the new ones. A row that another process stored meanwhile stays."""
    insert_missing(session, MentionRow, rows, "source", "external_id")
    source, new = rows[0]["source"], [row["external_id"] for row in rows]
    fold_copies(session, source, new)
    put_stored(session, source, new)
    faults.step("mentions.inserted")
    if not (own := [row["external_id"] for row in rows if row["own"]]):
        return ()
    wanted = select(MentionRow.id).where(MentionRow.source == source, MentionRow.external_id.in_(own))
    return tuple(session.scalars(wanted.order_by(MentionRow.id)))


def _change(session: Session, row: Any, item: Item, names: list[str], now: datetime) -> None:
    """The mention's new words take the place of the old ones. A worker that judges the old ones loses its lease."""
    discount(session, [row.id])
    if row.removed_at is None:
        revision = {"mention_id": row.id, "revision": row.revision, "text": row.text, "rating": row.rating}
        session.execute(insert(RevisionRow), [revision | {"replaced_at": now}])
    values: dict[str, Any] = {
        "text": item.text,
        "rating": item.rating,
        "revision": row.revision + 1,
        "removed_at": None,
        "looked_at": now,
        "words": words_hash(item.text),
        "copy_of": row.copy_of if row.repost_of is not None else None,  # other words are no cross-post any more
        "judging": "skipped" if row.own or (row.copy_of is not None and row.repost_of is not None) else "waiting",
        "judge_error": None,
        "lease_owner": None,
        "lease_until": None,
    }
    values |= {"brands": names} if names else {}
    if row.judging != "waiting":
        values["attempt"] = 0  # while it waits, a worker may hold it by this very number
    session.execute(_only(row.id).values(**values))
    change(session, row.id, item.text)


def _stands(session: Session, seen: Sequence[tuple[Any, Item]]) -> tuple[Spread, ...]:
    """Keep how far known mentions have spread by now; those of a case whose counts are others than before."""
    rows, spread = [], []
    for row, item in seen:
        if not _moved(row, item):
            continue
        before = _engagement(row) or Engagement()
        now = item.engagement or before
        rows.append({"mention": row.id, "media": list(item.media) or None} | asdict(now))
        if row.case_id is not None and before != now:
            spread.append(Spread(row.id, row.case_id, before, now))
    if rows:
        table: Any = MentionRow.__table__
        session.connection().execute(update(table).where(table.c.id == bindparam("mention")), rows)
    return tuple(spread)


def _remove(session: Session, row: Any, now: datetime) -> bool:
    """False if that was known."""
    if row.removed_at is not None:
        return False
    discount(session, [row.id])
    values: dict[str, Any] = {"text": "", "removed_at": now, "lease_owner": None, "lease_until": None} | FORGOTTEN
    if row.judging in ("waiting", "parked"):
        values["judging"] = "skipped"
    session.execute(_only(row.id).values(**values))
    drop(session, [row.id])
    session.execute(update(RevisionRow).where(RevisionRow.mention_id == row.id).values(text=""))
    return True


def _only(id: int) -> Any:
    return update(MentionRow).where(MentionRow.id == id).execution_options(synchronize_session=False)


def _store_rejects(session: Session, source: str, rejects: Sequence[Reject], now: datetime) -> None:
    """Each once: a reject without an id is known by what it held."""
    rows: dict[str, dict[str, Any]] = {}
    for reject in rejects:
        raw = storable(reject.raw, MAX_RAW)
        key = storable_key(reject.external_id) if reject.external_id else hashlib.sha256(raw.encode()).hexdigest()
        reason = storable(reject.reason, 1000)
        rows[key] = {"source": source, "external_id": key, "reason": reason, "raw": raw, "at": now}
    for part in _chunks(list(rows)):
        known = select(RejectRow.external_id).where(RejectRow.source == source, RejectRow.external_id.in_(part))
        for found in session.scalars(known):
            rows.pop(found or "", None)
    if rows:
        new = list(rows.values())
        log.warning("items could not be read", source=source, items=len(new), first=new[0]["reason"])
        insert_missing(session, RejectRow, new, "source", "external_id")


def _chunks(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (values[at : at + _CHUNK] for at in range(0, len(values), _CHUNK))
