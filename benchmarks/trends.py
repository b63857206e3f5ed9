"""Trends over many mentions of 400 days: how fast they are counted, and how long each question takes.

python -m benchmarks.trends [MENTIONS [URL]]: so many (1,000,000; the goal is meant for 10,000,000), in an empty
database of that address (none: SQLite in a temporary directory).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import combinations
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, func, select, text
from sqlalchemy.orm import Session

from benchmarks.world import NOW, database
from monitor import recount, tallies
from monitor.classify.verdict import TOPICS
from monitor.database import Database, UTCDateTime
from monitor.rollup_rows import TALLIES, RollupRow
from monitor.schema import upgrade
from monitor.trend_mentions import behind
from monitor.trend_spans import Grain, Span
from monitor.trends import DIMENSIONS, Filter, changes, series, shares

MENTIONS = 1_000_000
DAYS = 400
CHUNK = 100_000
ZONE = ZoneInfo("Europe/Tallinn")
_PRIME = 2_147_483_647
_LANGUAGES = ["en", "de", "fr", "es", "et", "uk"]


def fill(db: Database, count: int, words: str = "'acme is late again, number ' || n") -> None:
    """`count` judged mentions that the database makes by itself, stored day by day: of ten brands, the first of which
    has a third of it, eight sources, six languages and all topics, by day more than by night. One in twenty is about
    two brands, one in four has stars. What a mention is of says nothing of what else it is: as many cells as can be.
    `words` is the SQL of the text of mention `n`."""
    for first in range(0, count, CHUNK):
        with db.write() as session:
            given = {"first": first, "end": min(first + CHUNK, count), "count": count}
            session.execute(text(_mentions(db.dialect, words)).bindparams(bindparam("now", NOW, UTCDateTime())), given)
            session.execute(text(_VERDICTS).bindparams(bindparam("now", NOW, UTCDateTime())), given)


def _even(factor: int) -> str:
    """From 0 to 1, the same for the same `n`, evenly spread."""
    return f"(n * {factor} % {_PRIME}) / {_PRIME}.0"


def _skewed(factor: int, values: int) -> str:
    """From 0 to `values` - 1, the first the most frequent."""
    return f"CAST(floor({_even(factor)} * {_even(factor)} * {values}) AS BIGINT)"


def _one_of(values: Sequence[str], index: str) -> str:
    cases = " ".join(f"WHEN {n} THEN '{value}'" for n, value in enumerate(values))
    return f"CASE {index} {cases} END"


def _mentions(dialect: str, words: str) -> str:
    day, hours = f"n * {DAYS} / :count", f"({_even(982_451_653)} + {_even(433_494_437)}) * 12"
    start = int((NOW - timedelta(days=DAYS)).timestamp())
    moment = f"{start} + {day} * 86400 + {hours} * 3600"
    brand = f"'\"Brand ' || {_skewed(899_809_343, 10)} || '\"'"
    second = "CASE WHEN n % 20 = 0 THEN ', \"Brand 10\"' ELSE '' END"
    posted = (
        f"strftime('%Y-%m-%d %H:%M:%f000', {moment}, 'unixepoch')" if dialect == "sqlite" else f"to_timestamp({moment})"
    )
    brands = f"'[' || {brand} || {second} || ']'"
    return f"""
    WITH RECURSIVE numbers (n) AS (SELECT CAST(:first AS BIGINT) UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :end)
    INSERT INTO mentions (id, source, external_id, text, own, backfill, brands, posted_at, seen_at, revision, judging,
        attempt, rating)
    SELECT n + 1, 'source ' || {_skewed(715_225_739, 8)}, 't' || n, {words}, false, false,
        {brands if dialect == "sqlite" else f"CAST({brands} AS JSON)"}, {posted}, :now, 0, 'judged', 0,
        CASE WHEN n % 4 = 0 THEN 1 + n % 5 END
    FROM numbers
    """


_MOOD = f"""CASE WHEN {_even(576_460_731)} < 0.45 THEN 'negative' WHEN {_even(576_460_731)} < 0.75 THEN 'neutral'
        ELSE 'positive' END"""
_SCORE = f"""CASE WHEN {_even(576_460_731)} < 0.3 THEN 1 - 0.5 * {_even(433_494_437)} * {_even(433_494_437)}
        ELSE 0.5 * {_even(433_494_437)} * {_even(433_494_437)} END"""
_VERDICTS = f"""
    INSERT INTO verdicts (mention_id, revision, language, language_score, sentiment, negative, neutral, positive,
        complaint, complaint_score, severity, severity_score, topic, topic_score, model, judged_at)
    SELECT id, 0, {_one_of(_LANGUAGES, _skewed(304_250_263, len(_LANGUAGES)))}, 0.9, {_MOOD}, 0.5, 0.3, 0.2,
        {_even(576_460_731)} < 0.3, {_SCORE}, 'low', 0.9, {_one_of(TOPICS, _skewed(613_651_369, len(TOPICS)))}, 0.9,
        'bench', :now
    FROM (SELECT id, id AS n FROM mentions WHERE id > :first AND id <= :end) AS m
"""


Question = Callable[[Session], object]


def questions() -> dict[str, list[Question]]:
    """Every combination of what it is apart by and of filters, each filter on its most frequent value; and the rest."""
    year = Span(NOW - timedelta(days=DAYS), NOW, Grain.DAY, ZONE)
    month = Span(NOW - timedelta(days=30), NOW, Grain.DAY, ZONE)
    hourly = Span(NOW - timedelta(hours=1_000), NOW, Grain.HOUR, ZONE)
    one = Filter(brand=("Brand 0",))
    spans = {f"{DAYS} days by day": year, "30 days by day": month, "1,000 hours by the hour": hourly}
    asked: dict[str, list[Question]] = {
        name: [
            partial(_asked, span=span, wanted=wanted, by=by)
            for wanted in _filters()
            if span is not hourly or not _narrow(wanted)
            for by in (None, *DIMENSIONS)
        ]
        for name, span in spans.items()
    }
    asked["672 hours by the hour, of one source, language or topic"] = [
        partial(_asked, span=replace(hourly, since=NOW - timedelta(hours=672)), wanted=wanted, by=by)
        for wanted in _filters()
        if _narrow(wanted)
        for by in (None, *DIMENSIONS)
    ]
    wider = {"30 days": month, f"{DAYS // 2} days": Span(NOW - timedelta(days=DAYS // 2), NOW, Grain.DAY, ZONE)}
    for name, span in wider.items():
        asked[f"shares in {name}, and of {name} before"] = [
            partial(_shared, span=span, wanted=wanted, by=by) for wanted in _filters() for by in DIMENSIONS
        ]
        asked[f"what changed in {name}"] = [partial(_changed, span=span, wanted=wanted) for wanted in _filters()]
    asked["mentions behind a day"] = [
        partial(_behind, since=NOW - timedelta(days=day + 1), until=NOW - timedelta(days=day), wanted=wanted)
        for day in (0, 40)
        for wanted in _filters()
    ]
    rare = Filter(("Brand 9",), language=("uk",), complaint=True)
    asked[f"mentions behind {DAYS} days"] = [
        partial(_behind, since=year.since, until=year.until, wanted=wanted) for wanted in (*_filters(), one, rare)
    ]
    return asked


def _filters() -> list[Filter]:
    frequent = {"brand": "Brand 0", "source": "source 0", "language": _LANGUAGES[0], "topic": TOPICS[0]}
    chosen = [names for n in range(len(frequent) + 1) for names in combinations(frequent, n)]
    moods: list[dict[str, Any]] = [{}, {"sentiment": ("negative",)}, {"complaint": True}]
    places: list[dict[str, Any]] = [{name: (frequent[name],) for name in names} for names in chosen]
    return [Filter(**(place | mood)) for place in places for mood in moods]


def _narrow(wanted: Filter) -> bool:
    """Then pages draw fewer hours."""
    return bool(wanted.source or wanted.language or wanted.topic)


def _asked(session: Session, span: Span, wanted: Filter, by: str | None) -> object:
    return series(session, span, wanted, by)


def _shared(session: Session, span: Span, wanted: Filter, by: str) -> object:
    return shares(session, span, wanted, by), shares(session, span.previous, wanted, by)


def _changed(session: Session, span: Span, wanted: Filter) -> object:
    return changes(session, span, wanted, DIMENSIONS)


def _behind(session: Session, since: datetime, until: datetime, wanted: Filter) -> Sequence[object]:
    return behind(session, since, until, wanted)


def measure(count: int = MENTIONS, url: str | None = None) -> list[tuple[str, str, str]]:
    with database() if url is None else opened(url) as db:
        began = time.perf_counter()
        fill(db, count)
        made = time.perf_counter() - began
        began = time.perf_counter()
        recount.rebuild(db, NOW, ZONE)
        tallies.settle(db, ZONE, NOW)
        built = time.perf_counter() - began
        began = time.perf_counter()
        assert recount.check(db) == tallies.check(db, ZONE) == 0
        checked = time.perf_counter() - began
        with db.read() as session:
            kept = session.scalar(select(func.count()).select_from(RollupRow))
            sums = session.scalar(select(func.count()).select_from(TALLIES))
        rows = [
            (f"trends: {count:,} mentions made ({db.dialect})", f"{count / made:,.0f}/s", ""),
            (f"trends rebuild, {kept:,} rollups, {sums:,} tallies", f"{count / built:,.0f} mentions/s", "100,000/s"),
            ("trends rebuild --check", f"{count / checked:,.0f} mentions/s", ""),
        ]
        return rows + answers(db)


def answers(db: Database) -> list[tuple[str, str, str]]:
    """How long each kind of question takes: nineteen of twenty, and the slowest."""
    rows = []
    for name, asked in questions().items():
        _seconds(db, asked[0])  # so that no question pays for what only the first one needs
        times, cpu = (sorted(each) for each in zip(*(_seconds(db, ask) for ask in asked), strict=True))
        last = -(-95 * len(asked) // 100) - 1
        bar = "300 ms" if "behind" in name else "200 ms"
        figure = (
            f"{times[last] * 1000:,.0f} ms, {cpu[last] * 1000:,.0f} of CPU here; at most {times[-1] * 1000:,.0f} ms"
        )
        rows.append((f"trends: {name}, {len(asked)} questions (p95)", figure, bar))
    return rows


def _seconds(db: Database, ask: Question) -> tuple[float, float]:
    """By the clock on the wall, and of this process's CPU: with SQLite that is all there is, on a busy machine too."""
    began, cpu = time.perf_counter(), time.process_time()
    with db.read() as session:
        ask(session)
    return time.perf_counter() - began, time.process_time() - cpu


def opened(url: str) -> AbstractContextManager[Database]:
    db = Database(url)
    upgrade(db)
    return nullcontext(db)


if __name__ == "__main__":
    for row in measure(int(sys.argv[1]) if len(sys.argv) > 1 else MENTIONS, *sys.argv[2:3]):
        print(*row, sep="  |  ", flush=True)
