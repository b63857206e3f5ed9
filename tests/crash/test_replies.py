"""Kill the sender of replies between any two of its steps, with a service that loses answers, and count what stands
under each complaint."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from stored import complain

from monitor import faults
from monitor.cases import Cases
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.errors import RetryLater, Uncertain
from monitor.models import CaseEventRow, CaseRow, ReplyRow
from monitor.outgoing import Replies
from monitor.reply_stage import ReplyStage
from monitor.settings import Settings
from monitor.sources.base import Capabilities, Reply, SeenReply

STEPS = ("reply.claimed", "reply.looked", "reply.sent", "reply.settled")
LOSSES = ("lost", "unheard", "limited", "down")


class Killed(BaseException):
    """The process is gone."""


class Service:
    """Takes replies and keeps them; the words are all by which it tells one from another."""

    name = "news"
    capabilities = Capabilities(reply=True)

    def __init__(self) -> None:
        self.standing: list[tuple[str, str, datetime]] = []
        self.fault: Callable[[], str | None] = lambda: None

    def reply(self, reply: Reply, now: datetime) -> SeenReply:
        fault = self.fault()
        if fault == "unheard":
            raise Uncertain("no answer")
        if fault in ("limited", "down"):
            raise RetryLater(str(fault), timedelta(seconds=20) if fault == "limited" else None)
        self.standing.append((reply.to, reply.text, now))
        if fault == "lost":
            raise Uncertain("no answer")
        return SeenReply(f"r{len(self.standing)}", now, "acmehelp")

    def find_reply(self, reply: Reply) -> SeenReply | None:
        if self.fault() == "down":
            raise RetryLater("down")
        for number, (to, text, at) in enumerate(self.standing, 1):
            if (to, text) == (reply.to, reply.text) and at >= reply.since:
                return SeenReply(f"r{number}", at, "acmehelp")
        return None

    def barrier(self, mention: str) -> str | None:
        return None


@pytest.fixture(autouse=True)
def _unhook() -> Iterator[None]:
    yield
    faults.hook = None


class World:
    def __init__(self, db: Database, clock: ManualClock, settings: Settings, count: int) -> None:
        self.db, self.clock, self.service = db, clock, Service()
        self.cases = Cases(db, settings)
        replies = Replies(db, self.cases, settings, self.source)
        self.expected = Counter[str]()
        for number in range(count):
            case_id = complain(db, settings, clock.now())
            replies.submit(case_id, f"Reply {number}", "ann", "slack", clock.now(), f"key{number}")
            self.expected[f"Reply {number}"] = 1
        self.lives = 0

    def source(self, name: str) -> Any:
        return self.service

    def run(self) -> int:
        """Until nothing is on its way; a killed sender is followed by a new one. How often one was killed."""
        stage = self.new_stage()
        while self.left():
            try:
                if not stage.run_once():
                    self.clock.move(timedelta(seconds=5))
            except Killed:
                self.clock.move(timedelta(seconds=181))  # the dead sender's lease runs out
                stage = self.new_stage()
        return self.lives - 1

    def new_stage(self) -> ReplyStage:
        self.lives += 1
        return ReplyStage(self.db, self.clock, self.cases, self.source, f"life-{self.lives}")

    def left(self) -> int:
        with self.db.read() as session:
            return (
                session.scalar(select(func.count()).where(ReplyRow.state.in_(["pending", "sending", "unknown"]))) or 0
            )

    def assert_each_stands_once(self) -> None:
        standing = Counter(text for _, text, _ in self.service.standing)
        lost, doubled = self.expected - standing, standing - self.expected
        assert (lost.total(), doubled.total()) == (0, 0)
        with self.db.read() as session:
            assert set(session.scalars(select(ReplyRow.state))) == {"sent"}
            assert set(session.scalars(select(CaseRow.state))) == {"replied"}
            told = session.scalar(select(func.count()).where(CaseEventRow.kind == "reply"))
            assert told == self.expected.total()
            for at, first in session.execute(
                select(ReplyRow.sent_at, CaseRow.first_response_at).join(CaseRow, CaseRow.id == ReplyRow.case_id)
            ):
                assert at == first


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("loss", [None, "lost", "unheard", "limited", "down"])
def test_killed_once_at_each_step(
    db: Database, clock: ManualClock, make_settings: Callable[..., Settings], step: str, loss: str | None
) -> None:
    world = World(db, clock, make_settings(), 2)
    left = {"fault": loss is not None, "kill": True}

    def fault() -> str | None:
        lose, left["fault"] = left["fault"], False
        return loss if lose else None

    def kill(name: str) -> None:
        if left["kill"] and (name == step or (step == "reply.looked" and name == "reply.sent")):
            left["kill"] = name != step  # nothing is looked for unless something was lost: kill twice
            raise Killed

    world.service.fault, faults.hook = fault, kill
    assert world.run() >= 1
    world.assert_each_stands_once()


def storm(db: Database, clock: ManualClock, settings: Settings, count: int, seed: int) -> Counter[str]:
    dice, killed_at = random.Random(seed), Counter[str]()
    world = World(db, clock, settings, count)

    def fault() -> str | None:
        return dice.choice(LOSSES) if dice.random() < 0.1 else None

    def kill(name: str) -> None:
        if dice.random() < (0.2 if name == "reply.looked" else 0.03):
            killed_at[name] += 1
            raise Killed

    world.service.fault, faults.hook = fault, kill
    world.run()
    world.assert_each_stands_once()
    return killed_at


def test_hundreds_of_replies_through_crashes_and_lost_answers(
    db: Database, clock: ManualClock, make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.reply_stage.PATIENCE", timedelta(days=9))
    assert set(storm(db, clock, make_settings(), 200, seed=5)) == set(STEPS)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_thousands_of_replies_through_crashes_and_lost_answers(
    db: Database, clock: ManualClock, make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr("monitor.reply_stage.PATIENCE", timedelta(days=99))
    storm(db, clock, make_settings(), 3000, seed)
