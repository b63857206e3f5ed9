"""Search over many mentions: what the index costs to write, its size, and how long each kind of question takes.

python -m benchmarks.search [MENTIONS [URL]]: so many (100,000; the goal is meant for 10,000,000), in an empty database
of that address (none: SQLite in a temporary directory).
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

from sqlalchemy import Column, MetaData, Table, text

from benchmarks.world import database, texts
from monitor import word_index
from monitor.database import Database, insert_many
from monitor.schema import upgrade
from monitor.search_words import question, words

MENTIONS = 100_000
TIMED = 100_000  # of these, written as the service does
CHUNK = 10_000
PAGE = 51
ASKED = 20  # questions of each kind
_TABLE = Table("mention_words", MetaData(), Column("id"), Column("words"))
_SIZE = {
    "sqlite": "SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'mention_words%'",
    "postgresql": "SELECT pg_total_relation_size('mention_words')",
}


def said(count: int) -> Iterator[tuple[int, str]]:
    """Our own training texts in all languages, each time with another number and the beginning of another text."""
    stock, chance = texts(), random.Random(1)
    for n in range(count):
        yield n + 1, f"{stock[n % len(stock)]} {stock[chance.randrange(len(stock))][:30]} acme {n}"


def fill(db: Database, count: int) -> None:
    """As the service does."""
    rows = said(count)
    for first in range(0, count, CHUNK):
        with db.write() as session:
            word_index.put(session, [next(rows) for _ in range(min(CHUNK, count - first))])


def fill_up(db: Database, first: int, count: int) -> None:
    """The like of it from mention `first` to `count`, with words made beforehand: to look for, not to be timed."""
    stock, chance = texts(), random.Random(1)
    starts, ends = [words(line) for line in stock], [words(line[:30]) for line in stock]
    postgresql = db.dialect == "postgresql"
    before = [_placed(line, 1) if postgresql else " ".join(line) for line in starts]
    after = [_placed(line, 1000) if postgresql else " ".join(line) for line in ends]
    with db.write() as session:
        if postgresql:
            session.execute(text("DROP INDEX ix_mention_words"))
    for low in range(first, count, 10 * CHUNK):
        with db.write() as session:
            made = (
                (n + 1, f"{before[n % len(stock)]} {after[chance.randrange(len(stock))]}", n)
                for n in range(low, min(low + 10 * CHUNK, count))
            )
            if postgresql:
                rows = ((id, f"'#{id >> word_index.BUCKET}' {line} 'acme':2000 '{n}':2001") for id, line, n in made)
                insert_many(session, _TABLE, rows)
            else:
                each = [(id, f"{line} acme {n}") for id, line, n in made]
                insert = "INSERT INTO mention_words (rowid, words) VALUES (?, ?)"
                session.connection().exec_driver_sql(insert, each)
    with db.write() as session:
        if postgresql:
            session.execute(text("SET LOCAL maintenance_work_mem = '512MB'"))
            session.execute(text("CREATE INDEX ix_mention_words ON mention_words USING gin (words)"))
            session.execute(text("ANALYZE mention_words"))


def _placed(line: list[str], start: int) -> str:
    return " ".join(f"'{word}':{place}" for place, word in enumerate(line, start))


def questions() -> dict[str, list[str]]:
    """Of every kind some, from words of all frequencies. Some will find nothing, after having looked everywhere."""
    chance = random.Random(2)
    stock = [words(line) for line in texts()]
    often = [word for word, _ in Counter(word for line in stock for word in line).most_common(4000)]
    common, usual = often[:ASKED], often[200:4000]
    lines = [line for line in stock if len(line) > 6]
    neighbours = [(line[at], line[at + 1]) for line in chance.sample(lines, ASKED) for at in (2,)]
    return {
        "a word, the most frequent ones": common,
        "a word": chance.sample(usual, ASKED),
        "two words": [" ".join(chance.sample(usual, 2)) for _ in range(ASKED)],
        "two of the most frequent words": [" ".join(chance.sample(common, 2)) for _ in range(ASKED)],
        "a frequent word without another": [f"{a} -{b}" for a, b in (chance.sample(common, 2) for _ in range(ASKED))],
        "a phrase of two words": [f'"{a} {b}"' for a, b in neighbours],
        "a phrase that is nowhere, of frequent words": [
            f'"{a} {b} {a}"' for a, b in (chance.sample(common, 2) for _ in range(ASKED))
        ],
        "the beginning of a word": [f"{word[:4]}*" for word in chance.sample([w for w in usual if len(w) > 5], ASKED)],
        "a number that one has": [str(chance.randrange(1000)) for _ in range(ASKED)],
    }


def measure(count: int = MENTIONS, url: str | None = None) -> list[tuple[str, str, str]]:
    with database() if url is None else _at(url) as db:
        timed = min(count, TIMED)
        began = time.perf_counter()
        fill(db, timed)
        took = time.perf_counter() - began
        if count > timed:
            fill_up(db, timed, count)
        with db.read() as session:
            size = session.scalar(text(_SIZE[db.dialect])) or 0
        letters = sum(len(one.encode()) for _, one in said(min(count, CHUNK))) / min(count, CHUNK)
        rows = [
            (f"search: mentions indexed, of {count:,} ({db.dialect})", f"{timed / took:,.0f}/s", ""),
            (f"search: index, for a text of {letters:,.0f} bytes", f"{size / count:,.0f} bytes a mention", ""),
        ]
        return rows + answers(db)


def answers(db: Database) -> list[tuple[str, str, str]]:
    """How long each kind of question takes: nineteen of twenty, and the slowest."""
    rows, every = [], []
    for name, asked in questions().items():
        times = sorted(_seconds(db, typed) for typed in asked)
        every += times
        figure = f"{times[-(-95 * len(times) // 100) - 1] * 1000:,.0f} ms; at most {times[-1] * 1000:,.0f} ms"
        rows.append((f"search: {name} (p95)", figure, "500 ms"))
    every.sort()
    last = every[-(-95 * len(every) // 100) - 1]
    return [*rows, (f"search: all {len(every)} questions (p95)", f"{last * 1000:,.0f} ms", "500 ms")]


def _seconds(db: Database, typed: str) -> float:
    began = time.perf_counter()
    with db.read() as session:
        word_index.find(session, question(typed), PAGE)
    return time.perf_counter() - began


def _at(url: str) -> AbstractContextManager[Database]:
    db = Database(url)
    upgrade(db)
    return nullcontext(db)


if __name__ == "__main__":
    for row in measure(int(sys.argv[1]) if len(sys.argv) > 1 else MENTIONS, *sys.argv[2:3]):
        print(*row, sep="  |  ", flush=True)
