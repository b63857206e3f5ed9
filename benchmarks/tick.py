"""A clock tick over 1,000,000 open cases: nothing due, then 1,000 due."""

from __future__ import annotations

import statistics
import time
from datetime import timedelta

from sqlalchemy import String, cast, insert, literal, select, update
from sqlalchemy.orm import Session

from benchmarks.world import NOW, database, settings
from monitor.alerts.announce import Announcer
from monitor.cases import Cases
from monitor.clock import ManualClock
from monitor.clock_stage import ClockStage
from monitor.database import Database
from monitor.models import CaseRow, MentionRow

OPEN = 1_000_000
DUE = 1_000


def fill(db: Database, count: int) -> None:
    """Open cases whose next step is far away; the last DUE of them are due in twenty minutes. The database makes them
    by itself, out of the first one, in seconds."""
    mention = MentionRow(
        id=1, source="bench", external_id="1", text="acme is late", brands=["Acme"], posted_at=NOW, seen_at=NOW,
        judging="judged", author="a1",
    )  # fmt: skip
    case = CaseRow(
        id=1, mention_id=1, brand="Acme", source="bench", author="a1", state="open", severity="low", topic="delivery",
        language="en", opened_at=NOW, posted_at=NOW, policy="default", clock="running", starts_at=NOW,
        due_at=NOW + timedelta(hours=1), next_step_at=NOW + timedelta(days=3),
    )  # fmt: skip
    with db.write() as session:
        session.add(mention)
        session.flush()
        session.add(case)
        session.flush()
        for first, own in ((MentionRow, "external_id"), (CaseRow, "mention_id")):
            made = 1
            while made < count:
                _double(session, first, own, made, min(made, count - made))
                made = min(2 * made, count)
        session.execute(
            update(CaseRow).where(CaseRow.id > count - DUE).values(next_step_at=NOW + timedelta(minutes=20))
        )


def _double(session: Session, table: type[MentionRow | CaseRow], own: str, made: int, more: int) -> None:
    """Copy the first `more` of the `made` rows, each with an id, an author and a value of `own` that none has yet."""
    number = table.id + made
    fresh = {"id": number, own: number, "author": literal("a").concat(cast(number, String))}
    names = [column.name for column in table.__table__.columns]
    rows = select(*(fresh.get(name, getattr(table, name)) for name in names)).where(table.id <= more)
    session.execute(insert(table).from_select(names, rows))


def measure() -> list[tuple[str, str, str]]:
    with database() as db:
        fill(db, OPEN)
        wanted, clock = settings(slack={"channel": "C1", "bot_token": "xoxb-1"}), ManualClock(NOW)
        stage = ClockStage(db, clock, Cases(db, wanted, [Announcer(wanted)]), "bench")
        stage.run_once()
        idle = []
        for _ in range(200):
            began = time.perf_counter()
            stage.run_once()
            idle.append(time.perf_counter() - began)
        clock.move(timedelta(minutes=21))
        began, cpu = time.perf_counter(), time.process_time()
        done = stage.run_once()
        busy, cpu = time.perf_counter() - began, time.process_time() - cpu
    return [
        (f"tick, {OPEN:,} open cases, none due (median)", f"{statistics.median(idle) * 1000:.2f} ms", "under 10 ms"),
        (f"tick, {done:,} of them due", f"{busy:.2f} s ({cpu:.2f} s of CPU)", "under 1 s"),
    ]
