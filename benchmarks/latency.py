"""From a mention being stored to its alert standing in a (fake) Slack on loopback, at five alerts a second."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from benchmarks.pipeline import Full, Stub
from benchmarks.world import database, items, settings
from monitor.alerts.announce import Announcer
from monitor.alerts.deliver import DeliverStage
from monitor.alerts.render import Renderer
from monitor.alerts.slack import SlackTransport, web_client
from monitor.brands import Brands
from monitor.cases import Cases
from monitor.classify.batch import ClassifyStage
from monitor.clock import SystemClock
from monitor.collect import CollectStage
from monitor.engine.embedded import Embedded
from monitor.models import DeliveryRow, MentionRow
from monitor.settings import SourceSettings
from monitor.sources.base import Cursor, Page
from tests.fake_slack import CHANNEL, TOKEN, FakeSlack

SECONDS = 40
PER_SECOND = 5


class Steady(Full):
    """Fifteen mentions a second, of which the stub makes five complaints."""

    def __init__(self, count: int) -> None:
        now = SystemClock().now()
        super().__init__([_at(item, now) for item in items(count)])
        self.began = time.monotonic()

    def fetch(self, cursor: Cursor | None, now: Any) -> Page:
        start = int((cursor or {}).get("next", 0))
        end = min(len(self.stock), int((time.monotonic() - self.began) * PER_SECOND * 3))
        return Page(tuple(self.stock[start:end]), {"next": max(start, end)})


def _at(item: Any, now: Any) -> Any:
    from dataclasses import replace

    return replace(item, posted_at=now)


def measure() -> list[tuple[str, str, str]]:
    count = SECONDS * PER_SECOND * 3
    with database() as db, FakeSlack(now=time.time).running() as slack:
        wanted = settings(slack={"channel": CHANNEL, "bot_token": TOKEN, "base_url": slack.base_url})
        clock = SystemClock()
        cases = Cases(db, wanted, [Announcer(wanted)])
        source = SourceSettings(name="full", type="replay", every=timedelta(seconds=1))
        transport = SlackTransport(web_client(TOKEN, slack.base_url), [CHANNEL])
        engine = Embedded(
            [
                CollectStage(db, clock, {"full": (Steady(count), source)}, Brands(wanted.brands), "bench"),
                ClassifyStage(db, clock, Stub(), cases, "bench", 64),
                DeliverStage(db, clock, {"slack": transport}, Renderer(wanted, cases, clock), "bench"),
            ]
        )
        engine.start()
        deadline = time.monotonic() + SECONDS * 3
        while len(slack.posted("alert")) < count // 3 and time.monotonic() < deadline:
            time.sleep(0.2)
        engine.stop()
        with db.read() as session:
            waits = sorted(
                (sent - seen).total_seconds()
                for sent, seen in session.execute(
                    select(DeliveryRow.sent_at, MentionRow.seen_at)
                    .join(MentionRow, MentionRow.case_id == DeliveryRow.case_id)
                    .where(DeliveryRow.kind == "alert", DeliveryRow.sent_at.is_not(None))
                )
            )
    at = waits[min(len(waits) - 1, int(len(waits) * 0.99))]
    return [
        (f"stored to posted, {len(waits)} alerts, median", f"{waits[len(waits) // 2] * 1000:.0f} ms", ""),
        (f"stored to posted, {PER_SECOND} alerts/s, p99", f"{at * 1000:.0f} ms", "under 1 s"),
    ]
