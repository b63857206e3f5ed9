"""A clock tick over 1,000,000 open cases: nothing due, then 1,000 due."""

from __future__ import annotations

import statistics
import time
from datetime import timedelta

from sqlalchemy import insert

from benchmarks.world import NOW, database, settings
from monitor.app import ClockStage
from monitor.cases import Cases
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.models import CaseRow, MentionRow

OPEN = 1_000_000
DUE = 1_000


def fill(db: Database, count: int) -> None:
    """Open cases whose next step is far away; the last DUE of them are due in an hour."""
    for first in range(1, count + 1, 20_000):
        numbers = range(first, min(first + 20_000, count + 1))
        with db.write() as session:
            session.execute(
                insert(MentionRow),
                [
                    {
                        "id": n, "source": "bench", "external_id": str(n), "text": "acme is late", "own": False,
                        "backfill": False, "brands": ["Acme"], "posted_at": NOW, "seen_at": NOW, "revision": 0,
                        "judging": "judged", "attempt": 0, "author": f"a{n}",
                    }
                    for n in numbers
                ],
            )  # fmt: skip
            session.execute(
                insert(CaseRow),
                [
                    {
                        "id": n, "mention_id": n, "brand": "Acme", "source": "bench", "author": f"a{n}",
                        "state": "open", "severity": "low", "topic": "delivery", "language": "en",
                        "opened_at": NOW, "posted_at": NOW, "policy": "default", "clock": "running",
                        "clock_kind": "first", "starts_at": NOW, "due_at": NOW + timedelta(hours=1),
                        "paused_calendar": 0.0, "paused_business": 0.0, "step": 0, "version": 0,
                        "next_step_at": NOW + (timedelta(minutes=20) if n > count - DUE else timedelta(days=3)),
                    }
                    for n in numbers
                ],
            )  # fmt: skip


def measure() -> list[tuple[str, str, str]]:
    with database() as db:
        fill(db, OPEN)
        clock = ManualClock(NOW)
        stage = ClockStage(db, clock, Cases(db, settings()), "bench")
        stage.run_once()
        idle = []
        for _ in range(200):
            began = time.perf_counter()
            stage.run_once()
            idle.append(time.perf_counter() - began)
        clock.move(timedelta(minutes=21))
        began = time.perf_counter()
        done = stage.run_once()
        busy = time.perf_counter() - began
    return [
        (f"tick, {OPEN:,} open cases, none due (median)", f"{statistics.median(idle) * 1000:.2f} ms", "under 10 ms"),
        (f"tick, {done:,} of them due", f"{busy:.2f} s", "under 1 s"),
    ]
