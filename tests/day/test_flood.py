"""500 complaints within five minutes, from the source to Slack: not 500 messages in the channel, and no case lost."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fake_slack import CHANNEL, OPS, TOKEN, FakeSlack
from sqlalchemy import func, select

from monitor.app import App
from monitor.classify.verdict import Subject, Verdict
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.models import CaseRow, DeliveryRow, IncidentRow, MentionRow, VerdictRow
from monitor.settings import Settings

POSTS, LASTS = 500, timedelta(minutes=5)
POLL = timedelta(seconds=5)
ROLES = ("collect", "classify", "deliver", "clock")
WHAT = [
    "The {} app is down", "{} does not load at all", "I cannot log in to {}", "{} keeps showing error 503",
    "Nothing works at {} today", "My payment at {} hangs, the page is dead", "{} is broken again",
    "Been staring at a blank {} screen for half an hour", "{} logged me out and does not let me back in",
    "The {} website times out every single time",
]  # fmt: skip
MORE = [
    "", " and nobody says a word about it.", ". What is going on?", ". I need this for work!", ", third time now.",
    ". Fix it, please.", " since ten minutes.", ". Is it only me?", ". I am losing money here.", " 😡",
]  # fmt: skip
WHEN = ["", "Again: ", "Seriously, ", "Hey, ", "Update: "]


class Topical:
    """Every text is a complaint about the same outage."""

    version, threshold = "plain", 0.5

    def judge(self, subjects: Sequence[Subject]) -> list[Verdict]:
        scores = (0.9, 0.05, 0.05)
        given = ("en", 1.0, "negative", scores, True, 0.9, "high", 0.9, "outage", 0.9, "plain")
        return [Verdict(*given) for _ in subjects]


def posts(start: datetime) -> list[dict[str, Any]]:
    """Five hundred people, each in words of their own, the earliest first."""
    dice = random.Random(5)
    texts = [f"{when}{what.format('acme')}{more}" for when, what, more in itertools.product(WHEN, WHAT, MORE)]
    dice.shuffle(texts)
    times = sorted(start + LASTS * dice.random() for _ in range(POSTS))
    return [
        {
            "id": f"p{n}",
            "text": text,
            "author": f"customer{n}",
            "posted_at": at.isoformat(),
            "url": f"https://x.com/p{n}",
        }
        for n, (text, at) in enumerate(zip(texts, times, strict=True))
    ]


@pytest.fixture
def slack(clock: ManualClock) -> Iterator[FakeSlack]:
    with FakeSlack(now=lambda: clock.now().timestamp()).running() as server:
        yield server


@pytest.fixture
def app(
    db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings], tmp_path: Path
) -> App:
    section = {"channel": CHANNEL, "ops_channel": OPS, "bot_token": TOKEN, "base_url": slack.base_url}
    source = {"name": "x", "type": "replay", "path": str(tmp_path / "x.jsonl"), "every": POLL}
    made = App(make_settings(slack=section, sources=[source]), clock)
    made.db = db
    return made


def flood(app: App, clock: ManualClock, path: Path) -> None:
    """What is posted stands in the file when its time has come, and everything runs until there is nothing left."""
    stages, waiting = app.stages(ROLES), posts(clock.now())
    end = clock.now() + LASTS + timedelta(minutes=2)
    with path.open("a", encoding="utf-8") as file:
        while clock.now() < end:
            while waiting and datetime.fromisoformat(waiting[0]["posted_at"]) <= clock.now():
                file.write(json.dumps(waiting.pop(0)) + "\n")
            file.flush()
            for stage in stages:
                while stage.run_once():
                    pass
            clock.move(POLL)


@pytest.mark.parametrize("model", ["topic", pytest.param("embedded", marks=pytest.mark.slow)])
def test_five_hundred_complaints_in_five_minutes(
    app: App, clock: ManualClock, slack: FakeSlack, tmp_path: Path, model: str
) -> None:
    if model == "topic":
        app.classifier = Topical()
    flood(app, clock, tmp_path / "x.jsonl")
    with app.db.read() as session:
        assert session.scalar(select(func.count()).where(MentionRow.judging == "judged")) == POSTS
        complaints = session.scalar(select(func.count()).where(VerdictRow.complaint))
        cases = session.scalars(select(CaseRow)).all()
        incidents = session.scalars(select(IncidentRow)).all()
        sent = session.scalars(select(DeliveryRow.key).where(DeliveryRow.state == "sent", DeliveryRow.kind != "update"))
        posted = set(sent)
        assert session.scalar(select(func.count()).where(DeliveryRow.state.not_in(("sent", "dropped")))) == 0
    assert len(cases) == complaints
    assert complaints > POSTS * 0.8
    shown = Counter(
        int(block["block_id"].removeprefix("case:"))
        for message in slack.posted()
        for block in message["blocks"]
        if block["type"] == "actions" and block["block_id"].startswith("case:")
    )
    assert shown == Counter(case.id for case in cases), "each case has its buttons once"
    assert Counter(slack.deliveries()) == Counter(posted), "lost or doubled"
    channel = [m for m in slack.posted() if "thread_ts" not in m or m["broadcast"]]
    assert len(channel) < {"topic": 30, "embedded": 80}[model]
    # the model names more than one topic for one trouble, and not the same on every kind of processor
    assert len([i for i in incidents if i.topics]) <= {"topic": 1, "embedded": 5}[model]
    assert slack.refused == []
