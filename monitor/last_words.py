"""The last words that people said on mentions, each beside what it counts as, so that they are counted in one place.

A word is here for each brand of a mention that counts (monitor/rollups.py), kept right in the transactions that change
what is counted. Which words there are, `corrections` says; so one query says what has to be here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import bindparam, delete, exists, select, text
from sqlalchemy.orm import Session

from monitor.counted_sql import LAST_WORD, last_words_sql
from monitor.database import Database
from monitor.models import CorrectionRow, LastWordRow

CHUNK = 2_000  # mentions looked at in one transaction
_COLUMNS = ", ".join(LAST_WORD)


def keep(session: Session, mentions: Sequence[int]) -> None:
    """Add those on mentions that have none here."""
    found = f"INSERT INTO last_words ({_COLUMNS}) {last_words_sql(session, 'k.mention_id IN :ids')}"
    session.execute(text(found).bindparams(bindparam("ids", mentions, expanding=True)))


def drop(session: Session, mentions: Sequence[int]) -> None:
    """Take away those on these mentions, before they are changed."""
    session.execute(delete(LastWordRow).where(LastWordRow.mention_id.in_(mentions)))


def rebuild(db: Database, lock: Callable[[Session, Sequence[int]], None]) -> None:
    """All anew, while the service runs. `lock` is called with the mentions that are about to be read."""
    k, last = CorrectionRow, 0
    with db.write() as session:
        session.execute(delete(LastWordRow).where(~exists().where(k.mention_id == LastWordRow.mention_id)))
    while True:
        with db.write() as session:
            few = select(k.mention_id).where(k.mention_id > last).distinct().order_by(k.mention_id).limit(CHUNK)
            mentions = session.scalars(few).all()
            if not mentions:
                return
            lock(session, mentions)
            drop(session, mentions)
            keep(session, mentions)
        last = mentions[-1]


def check(db: Database) -> int:
    """How many are otherwise than they have to be, too many, or missing: 0 is right."""
    with db.read() as session:
        kept, right = f"SELECT {_COLUMNS} FROM last_words", last_words_sql(session, "1 = 1")  # noqa: S608
        differ = f"SELECT * FROM ({kept} EXCEPT {right}) AS a UNION ALL SELECT * FROM ({right} EXCEPT {kept}) AS b"  # noqa: S608
        keys = f"SELECT DISTINCT mention_id, brand FROM ({differ}) AS d"  # noqa: S608
        return session.scalar(text(f"SELECT count(*) FROM ({keys}) AS e")) or 0  # noqa: S608
