"""Search over many mentions: how long each kind of question takes.

python -m benchmarks.search [MENTIONS [URL]]: over the past of benchmarks.past
"""

from __future__ import annotations

import random
import time
from collections import Counter

from benchmarks.past import Row, asked
from benchmarks.world import texts
from monitor import word_index
from monitor.database import Database
from monitor.search_words import question, words

PAGE = 51
ASKED = 20  # questions of each kind


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


def answers(db: Database) -> list[Row]:
    """How long each kind of question takes: nineteen of twenty, and the slowest."""
    rows, every = [], []
    for name, typed in questions().items():
        times = sorted(_seconds(db, each) for each in typed)
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


if __name__ == "__main__":
    asked(answers)
