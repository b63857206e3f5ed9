"""One past of 400 days for all benchmarks that ask about it: mentions with their verdicts and words, cases and what
happened to them, corrections, and the counts of all that.

python -m benchmarks.past [MENTIONS [URL]]: make so many (1,000,000; the goals are meant for 10,000,000) in an empty
database of that address, and leave them there for `python -m benchmarks.trends` and its like.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import chain
from zoneinfo import ZoneInfo

from sqlalchemy import func, inspect, select, text

from benchmarks import past_sql
from benchmarks.world import NOW, database, texts
from monitor import recount, tallies, word_index
from monitor.database import Database
from monitor.models import MentionRow, RollupRow
from monitor.rollup_rows import TALLIES
from monitor.schema import upgrade
from monitor.search_words import words

MENTIONS = 1_000_000
ZONE = ZoneInfo("Europe/Tallinn")
CHUNK = 20_000
TIMED = 100_000  # of the mentions, the newest: their words are indexed as the service does it
AT_ONCE = 10_000
HEAD = 30  # letters of a beginning
Row = tuple[str, str, str]  # name, figure, what is asked for
_SIZE = {
    "sqlite": "SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'mention_words%'",
    "postgresql": "SELECT pg_total_relation_size('mention_words')",
}


@contextmanager
def past(count: int = MENTIONS, url: str | None = None) -> Iterator[tuple[Database, Iterable[Row]]]:
    """As it is in the database of that address, whatever its size. Where that is empty (no address: SQLite in a
    temporary directory) it is made while the rows, what that takes, are read: before anything is asked."""
    with database() if url is None else closing(Database(url)) as db:
        upgrade(db)
        with db.read() as session:
            empty = session.scalar(select(MentionRow.id).limit(1)) is None
        if inspect(db.engine).has_table("stock"):
            sys.exit(f"The past in {db.url} was left half made: give an empty database.")
        yield db, make(db, count) if empty else []


def asked(answers: Callable[[Database], Iterable[Row]]) -> None:
    """What `python -m` does with a benchmark of the past: [MENTIONS [URL]]."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else MENTIONS
    with past(count, *sys.argv[2:3]) as (db, rows):
        for row in chain(rows, answers(db)):
            print(*row, sep="  |  ", flush=True)


def make(db: Database, count: int) -> Iterator[Row]:
    """What each step took."""
    name, timed = f"past of {count:,} mentions, {db.dialect}", min(count, TIMED)
    put_in_stock(db)
    rows = [*past_sql.heard(db.dialect), *past_sql.answered(db.dialect)]
    took = _seconds(lambda: fill(db, rows, count))
    yield f"{name}: made by the database itself", f"{count / took:,.0f}/s", ""
    if count > timed:
        took = _seconds(lambda: _index(db, count, count - timed))
        yield f"{name}: their words, by the database itself", f"{(count - timed) / took:,.0f}/s", ""
    took = _seconds(lambda: _put(db, count - timed, count))
    with db.read() as session:
        size = session.scalar(text(_SIZE[db.dialect])) or 0
    figure = f"{timed / took:,.0f}/s, {size / count:,.0f} bytes a mention"
    yield f"{name}: words of {timed:,}, as the service indexes them", figure, ""
    _tidy(db, "ANALYZE")
    took = _seconds(lambda: recount.rebuild(db, NOW, ZONE))
    tallies.settle(db, ZONE, NOW)
    with db.read() as session:
        rollups, sums = (session.scalar(select(func.count()).select_from(each)) for each in (RollupRow, TALLIES))
    yield f"{name}: trends rebuild, {rollups:,} rollups, {sums:,} tallies", f"{count / took:,.0f}/s", "100,000/s"
    _tidy(db, "VACUUM ANALYZE")
    with db.write() as session:
        session.execute(text("DROP TABLE stock"))


def _index(db: Database, count: int, end: int) -> None:
    """The words of the first mentions, made beforehand: to look for, not to be timed."""
    postgresql = db.dialect == "postgresql"
    if postgresql:  # which makes this index many times as fast from a whole table
        with db.write() as session:
            session.execute(text("DROP INDEX ix_mention_words"))
    fill(db, [past_sql.indexed(db.dialect)], count, end)
    if postgresql:
        with db.write() as session:
            session.execute(text("SET LOCAL maintenance_work_mem = '512MB'"))
            session.execute(text("CREATE INDEX ix_mention_words ON mention_words USING gin (words)"))


def _put(db: Database, first: int, count: int) -> None:
    """The words of the others, as the service does it."""
    m = MentionRow
    for low in range(first, count, AT_ONCE):
        with db.write() as session:
            part = select(m.id, m.text).where(m.id > low, m.id <= min(low + AT_ONCE, count))
            word_index.put(session, [(id, said) for id, said in session.execute(part)])


def put_in_stock(db: Database) -> None:
    """The texts that mentions are made of, in a table that is there until all is made."""
    rows = []
    for number, line in enumerate(texts()):
        row: dict[str, object] = {"number": number, "said": line, "head": line[:HEAD]}
        rows.append(row | {"words": _indexed(db, line), "head_words": _indexed(db, line[:HEAD])})
    kind = "text" if db.dialect == "sqlite" else "tsvector"
    with db.write() as session:
        session.execute(text(past_sql.stock(db.dialect)))
        into = "INSERT INTO stock (number, said, words, head, head_words)"
        values = f"VALUES (:number, :said, CAST(:words AS {kind}), :head, CAST(:head_words AS {kind}))"
        session.execute(text(f"{into} {values}"), rows)


def fill(db: Database, statements: Sequence[str], count: int, end: int | None = None) -> None:
    """Let the database work with statements of past_sql through `count` mentions, or those before `end`."""
    stop = count if end is None else end
    with db.read() as session:
        stock = session.scalar(text("SELECT count(*) FROM stock"))

    def part(first: int) -> None:
        given = {"first": first, "end": min(first + CHUNK, stop), "count": count, "stock": stock}
        with db.write() as session:
            for statement in statements:
                session.execute(text(statement), given)

    with ThreadPoolExecutor(2 if db.dialect == "postgresql" else 1) as pool:
        list(pool.map(part, range(0, stop, CHUNK)))


def _indexed(db: Database, said: str) -> str:
    found = words(said)
    if db.dialect == "sqlite":
        return " ".join(found)
    return " ".join(f"'{word}':{place}" for place, word in enumerate(found, 1))


def _tidy(db: Database, command: str) -> None:
    """As PostgreSQL does by itself before long."""
    if db.dialect == "postgresql":
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(command))


def _seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


if __name__ == "__main__":
    asked(lambda _: [])
