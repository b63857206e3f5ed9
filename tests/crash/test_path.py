"""The whole path, killed between every two steps: nothing is lost, nothing is judged or alerted twice.

The process dies as a BaseException at the places that `faults.step` names; then everything is built anew on the same
database, as after a restart, and goes on. Slack answers with 429, 500 and lost answers in between.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from fake_slack import CHANNEL, OPS, TOKEN, FakeSlack, Fault
from pydantic import BaseModel
from sqlalchemy import func, select

from monitor import faults
from monitor.alerts.announce import Announcer
from monitor.alerts.deliver import DeliverStage
from monitor.alerts.render import Renderer
from monitor.alerts.slack import SlackTransport, web_client
from monitor.brands import Brands
from monitor.cases import Cases
from monitor.classify.batch import ClassifyStage
from monitor.classify.verdict import Subject, Verdict
from monitor.clock import ManualClock
from monitor.clock_stage import ClockStage
from monitor.collect import CollectStage
from monitor.database import Database
from monitor.models import CaseEventRow, CaseRow, DeliveryRow, MentionRow, VerdictRow
from monitor.settings import Settings, SourceSettings
from monitor.sources.base import Author, Capabilities, Cursor, Item, Page

PER_PAGE = 20
DEATH = 0.03  # the chance to die at any one step; each step kills once at least
STEPS = {
    "collect.claimed", "collect.fetched", "collect.stored", "collect.stored_cursor", "collect.committed",
    "classify.claimed", "classify.judged", "classify.stored", "classify.committed", "clock.slot_taken",
    "deliver.claimed", "deliver.rendered", "deliver.looked", "deliver.sent", "deliver.settled",
}  # fmt: skip


class Killed(BaseException):
    """kill -9, as near as one process can come to it."""


class Feed:
    """A source that publishes `count` posts, every second one a complaint, and repeats the last ones of each page."""

    class Options(BaseModel):
        pass

    capabilities = Capabilities()

    def __init__(self, count: int, clock: ManualClock) -> None:
        self.name, self.count, self.began = "feed", count, clock.now()

    def fetch(self, cursor: Cursor | None, now: Any) -> Page:
        start = max(0, int((cursor or {}).get("next", 0)) - 3)
        end = min(self.count, start + PER_PAGE)
        items = tuple(
            Item(f"p{n}", f"acme {'broke' if n % 2 else 'rocks'} {n}", self.began, author=Author(f"a{n}"))
            for n in range(start, end)
        )
        return Page(items, {"next": end}, more=end < self.count)

    def check(self) -> str:
        return "ok"

    def replies_to(self, external_ids: tuple[str, ...], accounts: frozenset[str]) -> dict[str, Any]:
        return {}

    def close(self) -> None:
        pass


class Plain:
    """Judges by one word, so that the test knows every verdict beforehand."""

    version, threshold = "plain", 0.5

    def judge(self, subjects: Sequence[Subject]) -> list[Verdict]:
        return [_verdict("broke" in s.text) for s in subjects]


def _verdict(complaint: bool) -> Verdict:
    scores = (0.9, 0.05, 0.05) if complaint else (0.05, 0.05, 0.9)
    return Verdict(
        language="en",
        language_score=1.0,
        sentiment="negative" if complaint else "positive",
        sentiment_scores=scores,
        complaint=complaint,
        complaint_score=scores[0],
        severity="medium",
        severity_score=0.9,
        topic="delivery",
        topic_score=0.9,
        model="plain",
    )


def faulty(rng: random.Random) -> Any:
    kinds = ["limited", "lost", "unheard", "broken", "broken_after", "garbled"]

    def fault(method: str, args: dict[str, Any]) -> Fault | None:
        return Fault(rng.choice(kinds), retry_after=2) if rng.random() < 0.05 else None

    return fault


def stages(db: Database, settings: Settings, clock: ManualClock, feed: Feed, slack: FakeSlack, owner: str) -> list[Any]:
    cases = Cases(db, settings, [Announcer(settings)])
    source = SourceSettings(name="feed", type="replay", every=timedelta(seconds=1))
    transport = SlackTransport(web_client(TOKEN, slack.base_url), [CHANNEL])
    return [
        CollectStage(db, clock, {"feed": (feed, source)}, Brands(settings.brands), owner),
        ClassifyStage(db, clock, Plain(), cases, owner, 16),
        ClockStage(db, clock, cases, owner),
        DeliverStage(db, clock, {"slack": transport}, Renderer(settings, cases, clock), owner),
    ]


def run_killed(
    db: Database, settings: Settings, clock: ManualClock, count: int, seed: int
) -> tuple[FakeSlack, Counter[str]]:
    """Run until nothing is left to do; how often the process died at each step."""
    rng, died = random.Random(seed), Counter[str]()

    def maybe_die(step: str) -> None:
        if rng.random() < DEATH or (died[step] == 0 and step in STEPS):
            died[step] += 1
            raise Killed(step)

    slack = FakeSlack(now=lambda: clock.now().timestamp())
    slack.fault = faulty(rng)
    feed, life = Feed(count, clock), 0
    with slack.running():
        line = stages(db, settings, clock, feed, slack, f"life-{life}")
        faults.hook = maybe_die
        try:
            for _ in range(count * 60):
                try:
                    busy = sum(stage.run_once() for stage in line)
                except Killed:
                    life += 1
                    clock.move(timedelta(seconds=rng.choice([0, 1, 200])))
                    line = stages(db, settings, clock, feed, slack, f"life-{life}")
                    continue
                clock.move(timedelta(seconds=1))
                if not busy and finished(db, count):
                    return slack, died
        finally:
            faults.hook = None
    raise AssertionError("it never came to an end")


def finished(db: Database, count: int) -> bool:
    with db.read() as session:
        judged = session.scalar(select(func.count()).where(MentionRow.judging == "judged"))
        left = session.scalar(select(func.count()).where(DeliveryRow.state.in_(["pending", "sending", "unknown"])))
    return judged == count and not left


def prove(db: Database, settings: Settings, clock: ManualClock, alerts: int, seed: int) -> None:
    count = 2 * alerts
    slack, died = run_killed(db, settings, clock, count, seed)
    with db.read() as session:
        assert session.scalar(select(func.count()).select_from(MentionRow)) == count, "mentions lost or doubled"
        verdicts = session.execute(select(VerdictRow.mention_id, func.count()).group_by(VerdictRow.mention_id)).all()
        assert len(verdicts) == count, "mentions never judged"
        assert {n for _, n in verdicts} == {1}, "mentions judged twice"
        cases = session.scalars(select(CaseRow)).all()
        assert len(cases) == alerts
        opened = session.scalar(select(func.count()).where(CaseEventRow.kind == "opened"))
        assert opened == alerts
        keys = set(session.scalars(select(DeliveryRow.key).where(DeliveryRow.kind == "alert")))
        failed = session.scalar(select(func.count()).where(DeliveryRow.state == "failed"))
    assert failed == 0
    posted = Counter(m["delivery_id"] for m in slack.posted("alert"))
    assert set(posted) == keys, "alerts lost"
    assert set(posted.values()) == {1}, "alerts doubled"
    assert {case.slack_ts for case in cases} == {m["ts"] for m in slack.posted("alert")}
    assert max(Counter(slack.deliveries()).values()) == 1, "a message of any kind doubled"
    assert set(died) >= STEPS, f"never killed at {sorted(STEPS - set(died))}"


@pytest.fixture
def settings(make_settings: Any) -> Settings:
    slow_clock = {"steps": [{"at": "20m", "notify": "thread"}, {"at": "60m", "notify": "lead"}], "target": "60m"}
    made: Settings = make_settings(slack={"channel": CHANNEL, "ops_channel": OPS, "bot_token": TOKEN}, clock=slow_clock)
    return made


@pytest.mark.parametrize("seed", [1, 2])
def test_no_mention_and_no_alert_is_lost_or_doubled(
    db: Database, settings: Settings, clock: ManualClock, seed: int
) -> None:
    prove(db, settings, clock, alerts=30, seed=seed)


@pytest.mark.slow
def test_ten_thousand_alerts_are_neither_lost_nor_doubled(db: Database, settings: Settings, clock: ManualClock) -> None:
    prove(db, settings, clock, alerts=10_000, seed=3)
