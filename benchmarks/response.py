"""The page of the response: how long its figures and charts take over 20,000 cases of 30 days."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from benchmarks.world import NOW, database, settings
from monitor.clock import ManualClock
from monitor.database import Database, insert_rows
from monitor.models import CaseEventRow, CaseRow, MentionRow
from monitor.outcome_days import OutcomeDays
from monitor.web.response import LISTED
from monitor.web.response_report import Reports

CASES = 20_000
DAYS = 30
RUNS = 20
_MINUTE = timedelta(minutes=1)


def fill(db: Database, count: int = CASES) -> None:
    """Nine of ten cases were taken and answered, in 1 to 120 minutes; each has an opening, and most a closing too."""
    cases: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    mentions: list[dict[str, Any]] = []
    for n in range(1, count + 1):
        posted = NOW - timedelta(days=DAYS) * (n / count) - _MINUTE
        minutes = 1 + n * 7 % 120
        answered = posted + minutes * _MINUTE if n % 10 else None
        source, person = f"source {n % 5}", f"person {n % 12}"
        told = {"brands": ["Acme"], "source": source, "posted_at": posted, "seen_at": posted, "judging": "judged"}
        mentions.append(told | {"id": n, "external_id": f"t{n}", "text": f"acme is late, {n}", "revision": 0})
        case = {"id": n, "mention_id": n, "brand": "Acme", "source": source, "topic": "delivery", "severity": "low"}
        case |= {"language": ("en", "de", "fr")[n % 3], "policy": "default", "clock": "stopped", "clock_kind": "first"}
        case |= {"opened_at": posted, "posted_at": posted, "starts_at": posted, "first_response_at": answered}
        case |= {"state": "resolved" if answered else "open", "resolved_at": answered, "owner": person}
        case |= {"met": minutes <= 60 if answered else None, "calendar_seconds": minutes * 60.0 if answered else None}
        case |= {"breached_at": posted + 60 * _MINUTE if minutes > 60 or not answered else None}
        case |= {"business_seconds": case["calendar_seconds"], "satisfaction": n % 5 + 1 if n % 8 == 0 else None}
        cases.append(case)
        happened: list[tuple[str, str, Any, dict[str, int]]] = [("open", "firsthour", posted, {})]
        if answered:
            happened.append(("take", person, posted + minutes * _MINUTE / 2, {}))
            happened.append(("reply", person, answered, {"reply_id": n} if n % 3 else {}))
            happened.append(("resolve", person, answered, {}))
        for kind, actor, at, detail in happened:
            events.append({"case_id": n, "kind": kind, "actor": actor, "origin": "web", "at": at, "detail": detail})
    with db.write() as session:
        insert_rows(session, MentionRow, mentions)
        insert_rows(session, CaseRow, cases)
        insert_rows(session, CaseEventRow, events)


def measure() -> list[tuple[str, str, str]]:
    with database() as db:
        fill(db)
        reports = Reports(db, ManualClock(NOW), settings(), OutcomeDays())
        times, cpu = [], time.process_time()
        for _ in range(RUNS):
            began = time.perf_counter()
            assert reports.report({}, LISTED).charts
            times.append(time.perf_counter() - began)
        cpu = (time.process_time() - cpu) / RUNS
    p95 = sorted(times)[int(RUNS * 0.95) - 1]
    name = f"response: figures and charts over {CASES:,} cases of {DAYS} days (p95)"
    return [(name, f"{p95 * 1000:,.0f} ms ({cpu * 1000:,.0f} ms of CPU)", "200 ms")]
