"""Answered cases like another: whether the right ones are found, how long that takes among many, and what it weighs.

python -m benchmarks.similar [CASES]: among so many answered cases (200,000) the time is taken. What is right is told by
benchmarks/similar.txt, texts of our own: 46 matters in nine languages, each as five customers put it, two of them in
one language. Matters of one trade lie close to each other, and a trade is a brand here.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from benchmarks.world import NOW, database, texts
from monitor import word_index
from monitor.classify.likeness import pack
from monitor.classify.model import load_classifier
from monitor.classify.verdict import Subject, Verdict
from monitor.database import Database
from monitor.models import CaseEventRow, CaseRow, FeaturesRow, MentionRow, VerdictRow
from monitor.settings import ClassifierSettings
from monitor.similar import SolvedCases

CASES = 200_000
FIRST = 5  # cases that the desk shows
ASKED = 100
EMBEDDED = ClassifierSettings()
AS_THEY_ARE = ClassifierSettings(model="no fixed sample")
_MANY = 10_000


class Told(NamedTuple):
    matter: str
    language: str
    text: str


def told() -> list[Told]:
    found, matter = [], ""
    for line in Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").splitlines():
        before, _, rest = line.partition(" ")
        if before == "#":
            matter = rest
        else:
            found.append(Told(matter, before, rest))
    return found


def answered(session: Session, first: int, cases: Sequence[tuple[Told, bytes]]) -> None:
    """Resolved cases, each with a mention and an answer of its own, numbered from `first`."""
    tables: dict[Any, list[dict[str, Any]]] = {t: [] for t in (MentionRow, CaseRow, VerdictRow, CaseEventRow)}
    tables[FeaturesRow] = []
    for id, ((matter, language, text), features) in enumerate(cases, first):
        brand, at = matter.partition(":")[0], NOW - timedelta(seconds=id)
        common = {"id": id, "source": "benchmark"}
        tables[MentionRow].append(
            common | {"external_id": f"m{id}", "text": text, "brands": [brand], "posted_at": at, "seen_at": at}
        )
        given = {"mention_id": id, "brand": brand, "state": "resolved", "severity": "medium", "topic": "other"}
        given |= {"language": language, "opened_at": at, "posted_at": at, "policy": "all", "clock": "stopped"}
        tables[CaseRow].append(common | given | {"first_response_at": NOW})
        scores = dict.fromkeys(("language_score", "negative", "neutral", "positive", "complaint_score"), 0.5)
        judged = {"sentiment": "negative", "complaint": True, "severity": "medium", "topic": "other", "judged_at": at}
        judged |= {"severity_score": 0.5, "topic_score": 0.5, "model": "shipped", "language": language}
        tables[VerdictRow].append({"id": id, "mention_id": id, "revision": 0} | scores | judged)
        said = {"kind": "reply", "actor": "Mari", "origin": "web", "detail": {"text": f"Answer {id}."}}
        tables[CaseEventRow].append({"id": id, "case_id": id, "at": NOW} | said)
        tables[FeaturesRow].append({"case_id": id, "features": features, "at": at})
    for table, rows in tables.items():
        session.execute(insert(table), rows)
    session.execute(update(MentionRow).where(MentionRow.id >= first).values(case_id=MentionRow.id))


def quality() -> list[tuple[str, str, str]]:
    stock = told()
    judged = load_classifier(EMBEDDED).judge([Subject(each.text) for each in stock])
    features = [verdict.features for verdict in judged if isinstance(verdict, Verdict)]
    with database() as db:
        with db.write() as session:
            answered(session, 1, [(each, seen or b"") for each, seen in zip(stock, features, strict=True)])
            word_index.put(session, [(n, each.text) for n, each in enumerate(stock, 1)])
        rows = [
            *_figures(db, stock, EMBEDDED, "like cases"),
            _figure(db, stock, AS_THEY_ARE, "by plain features"),
        ]
        with db.write() as session:
            session.execute(delete(FeaturesRow))
        return [*rows, _figure(db, stock, EMBEDDED, "by words")]


def _figures(
    db: Database, stock: Sequence[Told], model: ClassifierSettings, name: str
) -> Iterator[tuple[str, str, str]]:
    yield _figure(db, stock, model, name)
    yield _figure(db, stock, model, f"{name}, same language", lambda one, other: one.language == other.language)
    yield _figure(db, stock, model, f"{name}, other languages", lambda one, other: one.language != other.language)


def _figure(
    db: Database,
    stock: Sequence[Told],
    model: ClassifierSettings,
    name: str,
    counts: Callable[[Told, Told], bool] = lambda one, other: True,
) -> tuple[str, str, str]:
    """Of what is shown, how much is the same matter; how much of what there is of it is shown; how early the first
    comes (mean of 1/place); and for how many cases any comes."""
    solved, shown, right, there, early, found = SolvedCases(model), 0, 0, 0, [], 0
    for n, one in enumerate(stock):
        others = [m for m, other in enumerate(stock) if m != n and other.matter == one.matter and counts(one, other)]
        if not others:
            continue
        with db.read() as session:
            like = [each.id - 1 for each in solved.like(session, n + 1, NOW, limit=len(stock))]
        first = [m for m in like if counts(one, stock[m])][:FIRST]
        hits = [place for place, m in enumerate(first, 1) if m in others]
        shown, right, there = shown + len(first), right + len(hits), there + min(len(others), FIRST)
        early.append(1 / hits[0] if hits else 0.0)
        found += bool(hits)
    figure = f"{right / max(shown, 1):.0%} of what is shown, {right / there:.0%} of what there is, "
    return f"similar: {name}", f"{figure}MRR {mean(early):.2f}, any for {found / len(early):.0%}", ""


def speed(count: int) -> list[tuple[str, str, str]]:
    chance = np.random.default_rng(1)
    stock = texts()
    with database() as db:
        for at in range(0, count + 1, _MANY):
            part = range(at, min(at + _MANY, count + 1))
            seen = [pack(row) for row in chance.normal(size=(len(part), 384)).astype(np.float32)]
            with db.write() as session:
                said = [Told(f"{n % 200}:", "en", stock[n % len(stock)]) for n in part]
                answered(session, part[0] + 1, list(zip(said, seen, strict=True)))
        solved = SolvedCases(EMBEDDED)
        before = _memory()
        first = _took(db, solved, 1)
        weighs = _memory() - before
        usual = sorted(_took(db, solved, int(n)) for n in chance.integers(1, count, ASKED))
        anew = _took(db, solved, 1, later=timedelta(hours=2))
    of = f"of {count:,} answered cases"
    return [
        (f"similar: {of}, asked the first time", f"{first:.1f} s of CPU", ""),
        (f"similar: {of} (p95)", f"{usual[-(-95 * ASKED // 100) - 1] * 1000:,.0f} ms of CPU", "100 ms"),
        (f"similar: {of}, once in an hour", f"{anew:.1f} s of CPU", ""),
        (f"similar: {of}, kept in memory", f"{weighs / 1e6:,.0f} MB", ""),
    ]


def _took(db: Database, solved: SolvedCases, case_id: int, later: timedelta = timedelta(0)) -> float:
    began = time.process_time()
    with db.read() as session:
        solved.like(session, case_id, NOW + later)
    return time.process_time() - began


def _memory() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def measure(count: int = CASES) -> list[tuple[str, str, str]]:
    return quality() + speed(count)


if __name__ == "__main__":
    for row in measure(*map(int, sys.argv[1:2])):
        print(*row, sep="  |  ", flush=True)
