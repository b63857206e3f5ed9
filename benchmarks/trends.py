"""Trends over many mentions of 400 days: how fast their counts are proved, and how long each question takes.

python -m benchmarks.trends [MENTIONS [URL]]: over the past of benchmarks.past
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import combinations
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from benchmarks.past import ZONE, Row, asked
from benchmarks.past_sql import DAYS, LANGUAGES
from benchmarks.world import NOW
from monitor import recount, tallies
from monitor.classify.verdict import TOPICS
from monitor.database import Database
from monitor.models import MentionRow
from monitor.trend_mentions import behind
from monitor.trend_spans import Grain, Span
from monitor.trends import DIMENSIONS, Filter, changes, series, shares

Question = Callable[[Session], object]


def questions() -> dict[str, list[Question]]:
    """Every combination of what it is apart by and of filters, each filter on its most frequent value; and the rest."""
    year = Span(NOW - timedelta(days=DAYS), NOW, Grain.DAY, ZONE)
    month = Span(NOW - timedelta(days=30), NOW, Grain.DAY, ZONE)
    hourly = Span(NOW - timedelta(hours=1_000), NOW, Grain.HOUR, ZONE)
    one = Filter(brand=("Brand 0",))
    spans = {f"{DAYS} days by day": year, "30 days by day": month, "1,000 hours by the hour": hourly}
    found: dict[str, list[Question]] = {
        name: [
            partial(_asked, span=span, wanted=wanted, by=by)
            for wanted in _filters()
            if span is not hourly or not _narrow(wanted)
            for by in (None, *DIMENSIONS)
        ]
        for name, span in spans.items()
    }
    found["672 hours by the hour, of one source, language or topic"] = [
        partial(_asked, span=replace(hourly, since=NOW - timedelta(hours=672)), wanted=wanted, by=by)
        for wanted in _filters()
        if _narrow(wanted)
        for by in (None, *DIMENSIONS)
    ]
    wider = {"30 days": month, f"{DAYS // 2} days": Span(NOW - timedelta(days=DAYS // 2), NOW, Grain.DAY, ZONE)}
    for name, span in wider.items():
        found[f"shares in {name}, and of {name} before"] = [
            partial(_shared, span=span, wanted=wanted, by=by) for wanted in _filters() for by in DIMENSIONS
        ]
        found[f"what changed in {name}"] = [partial(_changed, span=span, wanted=wanted) for wanted in _filters()]
    found["mentions behind a day"] = [
        partial(_behind, since=NOW - timedelta(days=day + 1), until=NOW - timedelta(days=day), wanted=wanted)
        for day in (0, 40)
        for wanted in _filters()
    ]
    rare = Filter(("Brand 9",), language=("uk",), complaint=True)
    found[f"mentions behind {DAYS} days"] = [
        partial(_behind, since=year.since, until=year.until, wanted=wanted) for wanted in (*_filters(), one, rare)
    ]
    return found


def _filters() -> list[Filter]:
    frequent = {"brand": "Brand 0", "source": "source 0", "language": LANGUAGES[0], "topic": TOPICS[0]}
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


def answers(db: Database) -> Iterator[Row]:
    """How long each kind of question takes: nineteen of twenty, and the slowest."""
    began = time.perf_counter()
    assert recount.check(db) == tallies.check(db, ZONE) == 0
    with db.read() as session:
        count = session.scalar(select(func.count()).select_from(MentionRow)) or 0
    yield "trends rebuild --check", f"{count / (time.perf_counter() - began):,.0f} mentions/s", ""
    for name, each in questions().items():
        _seconds(db, each[0])  # so that no question pays for what only the first one needs
        times, cpu = (sorted(took) for took in zip(*(_seconds(db, ask) for ask in each), strict=True))
        last = -(-95 * len(each) // 100) - 1
        bar = "300 ms" if "behind" in name else "200 ms"
        figure = (
            f"{times[last] * 1000:,.0f} ms, {cpu[last] * 1000:,.0f} of CPU here; at most {times[-1] * 1000:,.0f} ms"
        )
        yield f"trends: {name}, {len(each)} questions (p95)", figure, bar


def _seconds(db: Database, ask: Question) -> tuple[float, float]:
    """By the clock on the wall, and of this process's CPU: with SQLite that is all there is, on a busy machine too."""
    began, cpu = time.perf_counter(), time.process_time()
    with db.read() as session:
        ask(session)
    return time.perf_counter() - began, time.process_time() - cpu


if __name__ == "__main__":
    asked(answers)
