"""The pages of figures over many mentions of 400 days: how long each takes at the server, with all that it draws, and
each of its charts as a program asks for it. Asked one after the other, of the whole application but its socket.

python -m benchmarks.pages [MENTIONS [URL]]: over the past of benchmarks.past
"""

from __future__ import annotations

import asyncio
import gc
import os
import re
import time
from statistics import median
from typing import NamedTuple

import httpx2
from fastapi import FastAPI

from benchmarks.past import ZONE, Row, asked
from benchmarks.world import NOW
from monitor.cases import Cases
from monitor.classify.verdict import TOPICS
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.health import Health
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


def desk(db: Database) -> FastAPI:
    """All pages over that past, at its end."""
    clock = ManualClock(NOW)
    named = [{"name": f"Brand {n}", "match": f"brand{n}x", "competitor": n >= OURS} for n in range(11)]
    sections = {"brands": named, "clock": {"timezone": ZONE.key}}
    settings = parse(sections | {"database": {"url": db.url.render_as_string(hide_password=False)}}, {})
    return build_web(db, clock, Cases(db, settings), settings, Health(db, clock, settings))


async def _all(db: Database) -> dict[str, list[Took]]:
    """What each page took, and its charts."""
    found: dict[str, list[Took]] = {}
    app = desk(db)
    gc.freeze()  # as the service does
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


def answers(db: Database) -> list[Row]:
    rows = [(f"{page}, {len(times)} answers", _told(times), BAR) for page, times in asyncio.run(_all(db)).items()]
    return [*rows, ("load of the machine, 1 and 15 minutes", "{:.1f}, {:.1f}".format(*os.getloadavg()[::2]), "")]


def _told(times: list[Took]) -> str:
    last = -(-95 * len(times) // 100) - 1
    wall, cpu = (sorted(each) for each in zip(*times, strict=True))
    half = f"half in {median(wall):,.0f} ms ({median(cpu):,.0f} of CPU here)"
    return f"{half}, p95 {wall[last]:,.0f} ms ({cpu[last]:,.0f})"


if __name__ == "__main__":
    asked(answers)
