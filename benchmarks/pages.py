"""The pages of figures over many mentions of 400 days: how long each takes at the server, with all that it draws, and
each of its charts as a program asks for it. Asked one after the other, of the whole application but its socket.

python -m benchmarks.pages [MENTIONS [URL]]: so many (1,000,000), in an empty database of that address (none: SQLite in
a temporary directory); a database that has mentions already is asked as it is.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from collections.abc import Iterator
from statistics import median
from typing import NamedTuple

import httpx2
from sqlalchemy import select, text

from benchmarks.trends import MENTIONS, ZONE, fill, opened
from benchmarks.world import NOW, database, texts
from monitor import recount, tallies
from monitor.cases import Cases
from monitor.classify.verdict import TOPICS
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.health import Health
from monitor.models import MentionRow
from monitor.settings import parse
from monitor.web import build_web

OURS = 3  # brands; the others are competitors
RUNS = 5
BAR = "200 ms"
_CHART = re.compile(r"/api/v1/charts/([\w-]+)/([\w-]+)\.csv")
_ADDRESS = "http://127.0.0.1:8080"
_YEAR = "from=2025-10-20"
_NARROW = f"brand=Brand+0&source=source+0&language=en&topic={TOPICS[0]}"
_SCOPES = ("", "brand=Brand+0", "source=source+0&language=en", _NARROW, _YEAR, f"{_YEAR}&brand=Brand+0")
_BY = ("none", "sentiment", "brand", "source", "language", "topic")
PAGES = {
    "overview": _SCOPES,
    "trends": (*_SCOPES, *(f"by={by}" for by in _BY), *(f"by={by}&{_YEAR}" for by in _BY)),
    "trends by the hour": tuple(f"from=2026-10-12&grain=hour&by={by}" for by in _BY),
    "topics": _SCOPES,
    "competitors": _SCOPES,
    "response": ("", "brand=Brand+0", "source=source+0"),
    "staffing": ("", "brand=Brand+0", "source=source+0", "weeks=52", "weeks=2"),
    "corrections": (*_SCOPES, "by=language", f"by=source&{_YEAR}"),
    "sources": ("",),
}


class Took(NamedTuple):
    """Milliseconds by the clock on the wall, and of this process's CPU."""

    wall: float
    cpu: float


def filled(db: Database, count: int) -> None:
    """Mentions with texts in all our languages; every third complaint is a case, nine of ten of which were taken and
    answered, in 1 to 120 minutes; people said a word on one mention in 200, every second time that the verdict is
    wrong."""
    stock = [{"n": n, "words": words} for n, words in enumerate(texts())]
    with db.write() as session:
        session.execute(text("CREATE TABLE stock (n INTEGER PRIMARY KEY, words TEXT)"))
        session.execute(text("INSERT INTO stock VALUES (:n, :words)"), stock)
    fill(db, count, f"(SELECT words FROM stock WHERE stock.n = numbers.n % {len(stock)})")
    with db.write() as session:
        session.execute(text("DROP TABLE stock"))
        for statement in _people(db.dialect):
            session.execute(text(statement))
    recount.rebuild(db, NOW, ZONE)
    tallies.settle(db, ZONE, NOW)
    if db.dialect == "postgresql":  # as its autovacuum does before long
        with db.write() as session:
            session.execute(text("ANALYZE"))


def _people(dialect: str) -> Iterator[str]:
    """What puts cases, what happened to them, and corrections into the database."""
    if dialect == "sqlite":
        brand, after = (
            "json_extract(brands, '$[0]')",
            "strftime('%Y-%m-%d %H:%M:%f000', {at}, ({minutes}) || ' minutes')",
        )
    else:
        brand, after = "brands ->> 0", "{at} + ({minutes}) * interval '1 minute'"
    minutes, answered = "1 + m.id * 7 % 120", "m.id % 10 > 0"
    reply = after.format(at="m.posted_at", minutes=minutes)
    breach = after.format(at="m.posted_at", minutes="60")
    yield f"""
    INSERT INTO cases (id, mention_id, brand, source, topic, severity, language, policy, clock, clock_kind, opened_at,
        posted_at, starts_at, state, owner, first_response_at, taken_at, resolved_at, met, calendar_seconds,
        business_seconds, breached_at, satisfaction, paused_calendar, paused_business, head_start, step, version)
    SELECT m.id, m.id, {brand}, source, topic, 'low', language, 'default', 'stopped', 'first', m.posted_at,
        m.posted_at, m.posted_at, CASE WHEN {answered} THEN 'resolved' ELSE 'open' END, 'person ' || m.id % 12,
        CASE WHEN {answered} THEN {reply} END, CASE WHEN {answered} THEN {reply} END,
        CASE WHEN {answered} THEN {reply} END, CASE WHEN {answered} THEN {minutes} <= 60 END,
        CASE WHEN {answered} THEN 60 * ({minutes}) END, CASE WHEN {answered} THEN 60 * ({minutes}) END,
        CASE WHEN NOT ({answered}) OR {minutes} > 60 THEN {breach} END, CASE WHEN m.id % 8 = 0 THEN 1 + m.id % 5 END,
        0, 0, 0, 0, 0
    FROM mentions AS m JOIN verdicts AS v ON v.mention_id = m.id WHERE complaint AND m.id % 3 = 0
    """
    happened = {"open": "m.posted_at", "take": reply, "reply": reply, "resolve": reply}
    for kind, at in happened.items():
        yield f"""
        INSERT INTO case_events (case_id, kind, actor, origin, at, detail)
        SELECT m.id, '{kind}', {"'firsthour'" if kind == "open" else "owner"}, 'web', {at}, '{{}}'
        FROM cases AS m WHERE '{kind}' = 'open' OR {answered}
        """
    yield f"""
    INSERT INTO corrections (mention_id, complaint, actor, at)
    SELECT m.id, CASE WHEN m.id % 400 = 0 THEN complaint ELSE NOT complaint END, 'person', {reply}
    FROM mentions AS m JOIN verdicts AS v ON v.mention_id = m.id WHERE m.id % 200 = 0
    """


async def asked(db: Database) -> dict[str, list[Took]]:
    """What each page took, and its charts."""
    clock = ManualClock(NOW)
    named = [{"name": f"Brand {n}", "match": f"brand{n}x", "competitor": n >= OURS} for n in range(11)]
    sections = {"brands": named, "clock": {"timezone": ZONE.key}}
    settings = parse(sections | {"database": {"url": db.url.render_as_string(hide_password=False)}}, {})
    app = build_web(db, clock, Cases(db, settings), settings, Health(db, clock, settings))
    found: dict[str, list[Took]] = {}
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=_ADDRESS, timeout=None) as http:
        for page, scopes in PAGES.items():
            path = page.split()[0]
            for scope in scopes:
                charts: set[tuple[str, str]] = set()
                for run in range(RUNS + 1):
                    took, answer = await _asked(http, f"/{path}?{scope}")
                    charts = set(_CHART.findall(answer.text))
                    if run:  # the first pays for what only the first one needs
                        found.setdefault(page, []).append(took)
                for of, chart in sorted(charts):
                    took, _ = await _asked(http, f"/api/v1/charts/{of}/{chart}?{scope}")
                    found.setdefault(f"{page}, its charts", []).append(took)
    return found


async def _asked(http: httpx2.AsyncClient, address: str) -> tuple[Took, httpx2.Response]:
    began, cpu = time.perf_counter(), time.process_time()
    answer = await http.get(address)
    took = Took(1000 * (time.perf_counter() - began), 1000 * (time.process_time() - cpu))
    assert answer.status_code == 200, f"{address}: {answer.status_code} {answer.text[:2000]}"
    return took, answer


def measure(count: int = MENTIONS, url: str | None = None) -> list[tuple[str, str, str]]:
    with database() if url is None else opened(url) as db:
        with db.read() as session:
            empty = session.scalar(select(MentionRow.id).limit(1)) is None
        if empty:
            filled(db, count)
        rows = [(f"{page}, {len(times)} answers", _told(times), BAR) for page, times in asyncio.run(asked(db)).items()]
        return [*rows, ("load of the machine, 1 and 15 minutes", "{:.1f}, {:.1f}".format(*os.getloadavg()[::2]), "")]


def _told(times: list[Took]) -> str:
    last = -(-95 * len(times) // 100) - 1
    wall, cpu = (sorted(each) for each in zip(*times, strict=True))
    half = f"half in {median(wall):,.0f} ms ({median(cpu):,.0f} of CPU here)"
    return f"{half}, p95 {wall[last]:,.0f} ms ({cpu[last]:,.0f})"


if __name__ == "__main__":
    for row in measure(int(sys.argv[1]) if len(sys.argv) > 1 else MENTIONS, *sys.argv[2:3]):
        print(*row, sep="  |  ", flush=True)
