"""Which mentions have which words: SQLite's FTS5, or a tsvector with a GIN index that needs no extension.

Whoever writes or takes away the text of a mention says so here, in the same transaction. Mentions that were stored
before there was an index, `below` in the table `unindexed`, are read in by a job, from the newest back.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from monitor.database import Database
from monitor.models import CaseRow, FeaturesRow, MentionRow, UnindexedRow
from monitor.search_words import Question, Term, words

AT_ONCE = 1000  # mentions in one commit: whoever else writes waits for no more
BUCKET = 16  # bits of an id: mentions whose other bits are alike are in one bucket
NEWEST = (1, 4)  # buckets that are asked first
BUCKETS = 8  # asked in one go: each of them is weighed for every mention that has the words
FEW = 5_000  # mentions that are fetched and put in order
PAGES = 500  # of SQLite's index, merged in one commit
_MAX_ID = 2**63 - 1


def put(session: Session, texts: Iterable[tuple[int, str]]) -> None:
    """Let mentions be found by these texts, and no others."""
    found = [(id, words(said)) for id, said in texts]
    _take_out(session, [id for id, said in found if not said])
    found = [(id, said) for id, said in found if said]
    if not found:
        return
    session.flush()
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(
            text(
                "INSERT INTO mention_words (id, words) VALUES (:id, CAST(:words AS tsvector))"
                " ON CONFLICT (id) DO UPDATE SET words = excluded.words"
            ),
            [{"id": id, "words": _vector(id, said)} for id, said in found],
        )
        return
    rows = [{"id": id, "words": " ".join(said)} for id, said in found]
    connection.execute(text("DELETE FROM mention_words WHERE rowid = :id"), [{"id": id} for id, _ in found])
    connection.execute(text("INSERT INTO mention_words (rowid, words) VALUES (:id, :words)"), rows)


def put_stored(session: Session, source: str, external_ids: Sequence[str]) -> None:
    """Let mentions be found that were just stored."""
    m = MentionRow
    for at in range(0, len(external_ids), AT_ONCE):
        part = m.external_id.in_(external_ids[at : at + AT_ONCE])
        put(
            session,
            [(row.id, row.text) for row in session.execute(select(m.id, m.text).where(m.source == source, part))],
        )


def change(session: Session, id: int, said: str) -> None:
    """Let a mention that was edited be found by its new words."""
    drop(session, [id])
    put(session, [(id, said)])


def drop(session: Session, ids: Sequence[int]) -> None:
    """Let mentions be found no more, neither by words nor, where a case began with them, by what the model saw."""
    if ids:
        session.flush()
        began = select(CaseRow.id).where(CaseRow.mention_id.in_(ids))
        session.execute(delete(FeaturesRow).where(FeaturesRow.case_id.in_(began)))
        _take_out(session, ids)


def _take_out(session: Session, ids: Sequence[int]) -> None:
    if ids:
        session.flush()
        key = "id" if session.get_bind().dialect.name == "postgresql" else "rowid"
        statement = text(f"DELETE FROM mention_words WHERE {key} = :id")  # noqa: S608
        session.connection().execute(statement, [{"id": id} for id in ids])


def fill(db: Database, progress: Callable[[int, int], None] | None = None, most: int | None = None) -> int:
    """Read in what was stored before there was an index, up to `most` mentions; how many were. Safe to stop, to repeat,
    and to run twice at once."""
    with db.read() as session:
        total = unindexed(session)
    done = 0
    while most is None or done < most:
        with db.write() as session:
            count = _next(session)
        if not count:
            break
        done += count
        if progress is not None:
            progress(min(done, total), total)
    return done


def anew(db: Database) -> None:
    """Let `fill` read all mentions again. Those that are found now stay so meanwhile."""
    with db.write() as session:
        session.execute(delete(UnindexedRow))
        newest = session.scalar(select(func.max(MentionRow.id)))
        if newest is not None:
            session.add(UnindexedRow(id=1, below=newest))


def unindexed(session: Session) -> int:
    """About how many mentions cannot be found yet."""
    return session.scalar(select(UnindexedRow.below)) or 0


def _next(session: Session) -> int:
    left = session.scalars(select(UnindexedRow).with_for_update()).first()
    if left is None:
        return 0
    m = MentionRow
    newest = select(m.id, m.text).where(m.id <= left.below).order_by(m.id.desc()).limit(AT_ONCE)
    # locked, so that a text which is taken away meanwhile is taken out of the index after it was put there
    rows = session.execute(newest.with_for_update()).all()
    put(session, [(row.id, row.text) for row in rows])
    if len(rows) < AT_ONCE:
        session.delete(left)
    else:
        left.below = rows[-1].id - 1
    return len(rows)


def find(session: Session, asked: Question, limit: int, before: int | None = None) -> list[int]:
    """Ids of mentions that have what is asked for, the last stored first, below `before`. None where nothing is
    wanted."""
    if not asked.wanted or limit <= 0:
        return []
    before = _MAX_ID if before is None else before
    if session.get_bind().dialect.name == "postgresql":
        return _find_in_buckets(session, asked, limit, before)
    statement = text(
        "SELECT rowid FROM mention_words WHERE mention_words MATCH :asked AND rowid < :before"
        " ORDER BY rowid DESC LIMIT :limit"
    )
    given = {"asked": _match(asked), "before": before, "limit": limit}
    return list(session.execute(statement, given).scalars())


def forget_leavings(db: Database) -> None:
    """Overwrite what SQLite's index still holds of words that were taken out of it, a part at a time."""
    if db.dialect != "sqlite":
        return
    pages = -PAGES  # negative: take up all there is, also where no merge is due
    while True:
        with db.write() as session:
            session.execute(text("PRAGMA secure_delete = ON"))
            before = session.scalar(text("SELECT total_changes()"))
            session.execute(
                text("INSERT INTO mention_words (mention_words, rank) VALUES ('merge', :pages)"), {"pages": pages}
            )
            worked = (session.scalar(text("SELECT total_changes()")) or 0) - (before or 0)
        if worked < 2:  # as FTS5's own page has it
            return
        pages = PAGES


def _find_in_buckets(session: Session, asked: Question, limit: int, before: int) -> list[int]:
    """In the newest buckets; then, where there are few in all, everywhere at once; else from bucket to bucket back. The
    index knows no order: asked for a frequent word everywhere, PostgreSQL would fetch and sort all that have it."""
    last = min(before - 1, session.scalar(text("SELECT max(id) FROM mention_words")) or 0) >> BUCKET
    session.execute(text("SELECT set_config('enable_seqscan', 'off', true), set_config('work_mem', '64MB', true)"))
    found: list[int] = []
    for step in itertools.count():
        if last < 0 or len(found) >= limit:
            break
        if step == len(NEWEST) and len(few := _everywhere(session, asked, FEW)) < FEW:
            found = sorted((id for id in few if id < before), reverse=True)[:limit]
            break
        many = NEWEST[step] if step < len(NEWEST) else BUCKETS
        buckets = range(max(0, last - many + 1), last + 1)
        found += _in_buckets(session, asked, buckets, limit - len(found), before)
        last -= many
    session.execute(text("SET LOCAL enable_seqscan = on"))
    return found


def _in_buckets(session: Session, asked: Question, buckets: range, limit: int, before: int) -> list[int]:
    within = " | ".join(f"'#{bucket}'" for bucket in buckets)
    statement = text(f"{_having(asked)} AND id < :before ORDER BY id DESC LIMIT :limit")
    given = {"likely": f"({within}) & {_loosely(asked)}", "asked": _query(asked), "before": before, "limit": limit}
    return list(session.execute(statement, given).scalars())


def _everywhere(session: Session, asked: Question, most: int) -> list[int]:
    """In no order, and no more than `most`."""
    given = {"likely": _loosely(asked), "asked": _query(asked), "most": most}
    return list(session.execute(text(f"{_having(asked)} LIMIT :most"), given).scalars())


def _having(asked: Question) -> str:
    """The inner question ends before anything else: else the planner may walk the ids and read every row. The index
    knows no places, so that a phrase costs it more than its words do: those that have the words are looked at one by
    one."""
    inner = "SELECT id, words FROM mention_words WHERE words @@ CAST(:likely AS tsquery) OFFSET 0"
    phrases = any(len(term.words) > 1 for term in (*asked.wanted, *asked.unwanted))
    exactly = "words @@ CAST(:asked AS tsquery)" if phrases else "CAST(:asked AS text) IS NOT NULL"
    return f"SELECT id FROM ({inner}) AS found WHERE {exactly}"  # noqa: S608


def _vector(id: int, said: Sequence[str]) -> str:
    """The words with their places, as PostgreSQL writes them, and the bucket that the mention is in."""
    places: dict[str, list[str]] = {}
    for place, word in enumerate(said, 1):
        places.setdefault(word, []).append(str(place))
    return f"'#{id >> BUCKET}' " + " ".join(f"'{word}':{','.join(at)}" for word, at in places.items())


def _query(asked: Question) -> str:
    return " & ".join([*map(_term, asked.wanted), *(f"!{_term(term)}" for term in asked.unwanted)])


def _loosely(asked: Question) -> str:
    """The words of all phrases, wherever they are, and without the single words that are unwanted."""
    wanted = {word: _term(Term((word,))) for term in asked.wanted for word in term.words[:-1]}
    wanted |= {term.words[-1] + "*" * term.starts: _term(Term(term.words[-1:], term.starts)) for term in asked.wanted}
    unwanted = [f"!{_term(term)}" for term in asked.unwanted if len(term.words) == 1]
    return " & ".join([*wanted.values(), *unwanted])


def _term(term: Term) -> str:
    last = f"'{term.words[-1]}'" + (":*" if term.starts else "")
    return "(" + " <-> ".join([*(f"'{word}'" for word in term.words[:-1]), last]) + ")"


def _match(asked: Question) -> str:
    def each(term: Term) -> str:
        return f'"{" ".join(term.words)}"' + (" *" if term.starts else "")

    wanted = " AND ".join(map(each, asked.wanted))
    unwanted = " OR ".join(map(each, asked.unwanted))
    return f"({wanted}) NOT ({unwanted})" if unwanted else wanted
