"""From a fetched page to the outbox on SQLite: mentions a second, with a stub classifier and with the embedded one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from benchmarks.world import NOW, database, items, settings
from monitor.alerts.announce import Announcer
from monitor.brands import Brands
from monitor.cases import Cases
from monitor.classify.batch import ClassifyStage
from monitor.classify.model import Classifier, load_classifier
from monitor.classify.verdict import Subject, Verdict
from monitor.clock import ManualClock
from monitor.collect import CollectStage
from monitor.engine.embedded import Embedded
from monitor.models import DeliveryRow, MentionRow
from monitor.settings import SourceSettings
from monitor.sources.base import Capabilities, Cursor, Item, Page

PER_PAGE = 100


class Full:
    """A source that has everything ready at once."""

    name, capabilities = "full", Capabilities()

    def __init__(self, stock: list[Item]) -> None:
        self.stock = stock

    def fetch(self, cursor: Cursor | None, now: Any) -> Page:
        start = int((cursor or {}).get("next", 0))
        end = min(len(self.stock), start + PER_PAGE)
        return Page(tuple(self.stock[start:end]), {"next": end}, more=end < len(self.stock))

    def check(self) -> str:
        return "ok"

    def replies_to(self, external_ids: tuple[str, ...], accounts: frozenset[str]) -> dict[str, Any]:
        return {}

    def close(self) -> None: ...


class Stub:
    """Takes no time: every third mention is a complaint."""

    version, threshold = "stub", 0.5

    def __init__(self) -> None:
        self.count = 0

    def judge(self, subjects: Sequence[Subject]) -> list[Verdict]:
        verdicts = []
        for _ in subjects:
            self.count += 1
            complaint = self.count % 3 == 0
            verdicts.append(
                Verdict(
                    "en",
                    1.0,
                    "negative",
                    (0.8, 0.1, 0.1),
                    complaint,
                    0.9 if complaint else 0.1,
                    "low",
                    0.9,
                    "delivery",
                    0.9,
                    "stub",
                )
            )
        return verdicts


def throughput(classifier: Classifier, count: int) -> tuple[float, float, int]:
    """Mentions a second until all are judged, the same a second of CPU, and how many alerts the outbox then held."""
    with database() as db:
        wanted, clock = settings(slack={"channel": "C1", "bot_token": "xoxb-1"}), ManualClock(NOW)
        cases = Cases(db, wanted, [Announcer(wanted)])
        source = SourceSettings(name="full", type="replay", every=timedelta(days=1))
        stages = [
            CollectStage(db, clock, {"full": (Full(items(count)), source)}, Brands(wanted.brands), "bench"),
            ClassifyStage(db, clock, classifier, cases, "bench", wanted.classifier.batch),
        ]
        engine = Embedded(stages)
        began, cpu = time.perf_counter(), time.process_time()
        engine.start()
        while True:
            with db.read() as session:
                if session.scalar(select(func.count()).where(MentionRow.judging == "judged")) == count:
                    break
            time.sleep(0.02)
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        engine.stop()
        with db.read() as session:
            alerts = session.scalar(select(func.count()).where(DeliveryRow.kind == "alert")) or 0
        return count / seconds, count / cpu, alerts


def measure() -> list[tuple[str, str, str]]:
    rows = []
    for name, classifier, count, bar in (
        ("stub classifier", Stub(), 12_000, "3,000/s"),
        ("embedded classifier", load_classifier(settings().classifier), 4_000, "300/s"),
    ):
        rate, per_cpu, alerts = throughput(classifier, count)  # type: ignore[arg-type]
        rows.append(
            (
                f"page to outbox, {name} ({count:,} mentions, {alerts:,} alerts)",
                f"{rate:,.0f}/s ({per_cpu:,.0f} per CPU second)",
                bar,
            )
        )
    return rows
