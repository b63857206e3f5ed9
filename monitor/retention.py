"""How long words are kept, and how to copy the database while it is in use.

Purging takes away what a person wrote and what tells who it was: text, names, links, notes, replies. The rows stay, so
that last year's counts do not change, and so that a feed which still shows an old review does not bring it in as new.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, text, update
from sqlalchemy.orm import Session

from monitor import faults
from monitor.database import Database
from monitor.errors import ConfigurationError, Refused
from monitor.mentions import FORGOTTEN
from monitor.models import (
    CaseEventRow,
    CaseRow,
    DeliveryRow,
    FeaturesRow,
    IncidentRow,
    MentionRow,
    RejectRow,
    ReplyRow,
    RevisionRow,
    SilenceRow,
    SlotRow,
)
from monitor.transitions import CLOSED_STATES
from monitor.word_index import drop, forget_leavings

SHORTEST = timedelta(days=1)  # younger words may still be needed by a clock
PAGES = 1000  # of the database file, copied between two reports of progress
BATCH = 500  # rows in one commit: whoever else writes waits for no more
PURGED = "purged"  # in MentionRow.judging
_BY_CUSTOMERS = ("rated", "joined", "customer_again")
_DONE = ("sent", "failed", "dropped")
_NOBODY = {"author": None, "author_name": None, "author_url": None, "author_followers": None}
_LINKS = dict.fromkeys(("url", "conversation", "parent", "repost_of", "judge_error"))
_BLANK: dict[str, Any] = {"text": ""} | _LINKS | FORGOTTEN | _NOBODY


@dataclass(frozen=True, slots=True)
class Purged:
    """How many rows lost their words, or (deliveries, rejects, slots, silences) were deleted."""

    mentions: int
    removed: int  # mentions that their source had removed: their authors
    deliveries: int
    rejects: int
    slots: int
    incidents: int = 0
    silences: int = 0


def backup(db: Database, target: Path, progress: Callable[[int, int], None] | None = None) -> int:
    """Copy a SQLite database that is in use to `target`, one consistent file; returns its bytes.

    The copy is what was committed when it began; nobody waits for it. `progress` is called with pages done and pages in
    all. `target` appears only when it is whole. Raises ConfigurationError for other databases, Refused if `target`
    exists or the copy does not pass SQLite's own check.
    """
    if db.dialect != "sqlite":
        raise ConfigurationError("database.url", "only SQLite is backed up here", "use pg_dump for PostgreSQL")
    if target.exists():
        raise Refused(f"{target} exists already; nothing was written")
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # customers' words: for its owner alone
    try:
        _copy(db, part, progress)
        faults.step("backup.copied")
        os.replace(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return target.stat().st_size


def _copy(db: Database, part: Path, progress: Callable[[int, int], None] | None) -> None:
    def report(_status: int, remaining: int, total: int) -> None:
        if progress is not None:
            progress(total - remaining, total)

    source = db.engine.raw_connection()
    try:
        connection: Any = source.driver_connection
        # inside a read transaction the copy stays on one snapshot; without it every commit starts it anew
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        with closing(sqlite3.connect(part)) as copy:
            connection.backup(copy, pages=PAGES, progress=report)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, readable from a read-only place too
            found = copy.execute("PRAGMA quick_check").fetchone()[0]
        connection.execute("COMMIT")
    finally:
        source.close()
    if found != "ok":
        raise Refused(f"the copy is damaged, so the database may be: {found}")


def purge(db: Database, now: datetime, older_than: timedelta, dry_run: bool = False) -> Purged:
    """Take away the words of mentions first seen more than `older_than` ago, and the authors of mentions that their
    source has removed. A mention still waiting to be judged, and all of a case that is open or was closed within
    `older_than`, is left alone. Safe to stop and to repeat. Raises Refused if `older_than` is under a day."""
    if older_than < SHORTEST:
        raise Refused(f"cases may still need words younger than a day; {older_than} is too short")
    cutoff = now - older_than
    ended = _ended(CaseRow.id.is_not(None))
    over = _ended(func.coalesce(CaseRow.resolved_at, CaseRow.opened_at) < cutoff)
    free_of = or_(MentionRow.case_id.is_(None), MentionRow.case_id.in_(over))
    old = (MentionRow.seen_at < cutoff, MentionRow.judging.not_in(("waiting", PURGED)), free_of)
    removed = (
        MentionRow.removed_at.is_not(None),
        or_(MentionRow.author.is_not(None), MentionRow.author_name.is_not(None), MentionRow.author_url.is_not(None)),
        or_(MentionRow.case_id.is_(None), MentionRow.case_id.in_(ended)),
    )
    sent = (
        DeliveryRow.created_at < cutoff,
        DeliveryRow.state.in_(_DONE),
        or_(DeliveryRow.case_id.is_(None), DeliveryRow.case_id.in_(over)),
    )
    storms = (IncidentRow.ended_at < cutoff, or_(IncidentRow.answer.is_not(None), IncidentRow.features.is_not(None)))
    work = _count if dry_run else _all
    counts = Purged(
        mentions=work(db, MentionRow.id, old, blank),
        removed=work(db, MentionRow.id, removed, _forget_author),
        deliveries=work(db, DeliveryRow.id, sent, _delete_deliveries),
        rejects=work(db, RejectRow.id, (RejectRow.at < cutoff,), _delete_rejects),
        slots=_slots(db, cutoff, dry_run),
        incidents=work(db, IncidentRow.id, storms, _blank_incidents),
        silences=work(
            db, SilenceRow.id, (func.coalesce(SilenceRow.ended_at, SilenceRow.until) < cutoff,), _delete_silences
        ),
    )
    if counts.mentions and not dry_run:
        forget_leavings(db)
    if db.dialect == "sqlite" and not dry_run:
        with closing(db.engine.raw_connection()) as raw:  # until then the words are still in the write-ahead log
            raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return counts


def _ended(condition: ColumnElement[bool]) -> Any:
    return select(CaseRow.id).where(CaseRow.state.in_(CLOSED_STATES), condition)


def _count(db: Database, key: Any, conditions: Sequence[ColumnElement[bool]], _act: Any) -> int:
    with db.read() as session:
        return session.scalars(select(func.count(key)).where(*conditions)).one()


def _all(
    db: Database, key: Any, conditions: Sequence[ColumnElement[bool]], act: Callable[[Session, Sequence[int]], None]
) -> int:
    done = 0
    while True:
        with db.write() as session:
            if db.dialect == "sqlite":
                session.execute(text("PRAGMA secure_delete = ON"))  # overwrite freed bytes, else the words stay on disk
            ids = session.scalars(select(key).where(*conditions).order_by(key).limit(BATCH)).all()
            if ids:
                act(session, ids)
        faults.step("purge.committed")
        done += len(ids)
        if len(ids) < BATCH:
            return done


def blank(session: Session, ids: Sequence[int]) -> None:
    """Take away the words of mentions, and of the cases that they belong to, in the caller's transaction."""
    cases = select(MentionRow.case_id).where(MentionRow.id.in_(ids), MentionRow.case_id.is_not(None))
    forgotten = {"author": None, "conversation": None, "version": CaseRow.version + 1}
    session.execute(update(CaseRow).where(CaseRow.id.in_(cases)).values(**forgotten))
    session.execute(update(CaseEventRow).where(CaseEventRow.case_id.in_(cases)).values(detail={}))
    _forget_names(session, cases)
    session.execute(delete(FeaturesRow).where(FeaturesRow.case_id.in_(cases)))
    session.execute(update(ReplyRow).where(ReplyRow.case_id.in_(cases)).values(text="", url=None, error=None))
    session.execute(delete(RevisionRow).where(RevisionRow.mention_id.in_(ids)))
    session.execute(update(MentionRow).where(MentionRow.id.in_(ids)).values(judging=PURGED, **_BLANK))
    drop(session, ids)


def _forget_names(session: Session, cases: Any) -> None:
    """Some events of a case bear the customer's own name."""
    theirs = update(CaseEventRow).where(CaseEventRow.case_id.in_(cases), CaseEventRow.kind.in_(_BY_CUSTOMERS))
    session.execute(theirs.values(actor="the customer"))


def _forget_author(session: Session, ids: Sequence[int]) -> None:
    _forget_names(session, select(CaseRow.id).where(CaseRow.mention_id.in_(ids)))
    session.execute(update(CaseRow).where(CaseRow.mention_id.in_(ids)).values(author=None))
    session.execute(update(MentionRow).where(MentionRow.id.in_(ids)).values(**_NOBODY))


def _delete_deliveries(session: Session, ids: Sequence[int]) -> None:
    session.execute(delete(DeliveryRow).where(DeliveryRow.id.in_(ids)))


def _delete_rejects(session: Session, ids: Sequence[int]) -> None:
    session.execute(delete(RejectRow).where(RejectRow.id.in_(ids)))


def _blank_incidents(session: Session, ids: Sequence[int]) -> None:
    nothing = {"answer": None, "answer_by": None, "ended_by": None, "features": None}
    session.execute(update(IncidentRow).where(IncidentRow.id.in_(ids)).values(**nothing))


def _delete_silences(session: Session, ids: Sequence[int]) -> None:
    session.execute(delete(SilenceRow).where(SilenceRow.id.in_(ids)))


def _slots(db: Database, cutoff: datetime, dry_run: bool) -> int:
    with db.write() as session:
        count = session.scalars(select(func.count()).select_from(SlotRow).where(SlotRow.slot < cutoff)).one()
        if not dry_run:
            session.execute(delete(SlotRow).where(SlotRow.slot < cutoff))
    return count
