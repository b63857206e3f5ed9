"""Cases, announcer, outbox and a fake Slack wired as the service wires them, for tests of what the team sees."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from fake_slack import CHANNEL, TOKEN, FakeSlack
from slack_bolt import App
from sqlalchemy import select

from monitor.alerts.anew import Anew
from monitor.alerts.announce import Announcer
from monitor.alerts.deliver import DeliverStage
from monitor.alerts.render import Renderer
from monitor.alerts.slack import SlackTransport, web_client
from monitor.alerts.whispers import Whispers
from monitor.cases import Case, Cases
from monitor.classify.verdict import Verdict
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.incidents import Incidents
from monitor.models import DeliveryRow, MentionRow
from monitor.settings import Settings
from monitor.solved import SolvedQuestions
from monitor.storms import Storms


def verdict(complaint: bool = True, severity: str = "high", topic: str = "delivery", language: str = "en") -> Verdict:
    return Verdict(
        language, 0.98, "negative", (0.9, 0.08, 0.02), complaint, 0.974, severity, 0.8, topic, 0.7, "test-model"
    )


class Office:
    def __init__(
        self,
        db: Database,
        clock: ManualClock,
        slack: FakeSlack,
        make_settings: Callable[..., Settings],
        sections: dict[str, Any] | None = None,
    ) -> None:
        self.db, self.clock, self.slack = db, clock, slack
        given = dict(sections or {})
        section = {"channel": CHANNEL, "bot_token": TOKEN, "base_url": slack.base_url} | given.pop("slack", {})
        self.settings = make_settings(slack=section, **given)
        self.announcer = Announcer(self.settings)
        incidents = self.announcer.incidents
        self.storms = Storms(self.settings.storms, [incidents.gathered])
        self.incidents = Incidents(db, self.settings.storms, [incidents.turned])
        self.cases = Cases(db, self.settings, [self.announcer, SolvedQuestions(self.settings)], self.storms.gather)
        self.render = Renderer(self.settings, self.cases, clock)
        self.transports: dict[str, Any] = {"slack": SlackTransport(web_client(TOKEN, slack.base_url), [CHANNEL])}
        client = web_client(TOKEN, slack.base_url)
        self.whispers = Whispers(client, clock)
        self._workers = itertools.count(1)
        self._mentions = itertools.count(1)
        self.stage = self.new_stage()

    def new_stage(self, **more: Any) -> DeliverStage:
        """A deliverer of a process that has just started."""
        hears = {"refused": self.whispers.refused, "anew": Anew(self.cases)} | more
        worker = f"worker-{next(self._workers)}"
        return DeliverStage(self.db, self.clock, self.transports, self.render, worker, **hears)

    def complain(self, text: str = "My parcel never came.", judged: Verdict | None = None, **more: Any) -> Case:
        """A mention is stored and judged a complaint; the case that it opens."""
        with self.db.write() as session:
            row = MentionRow(**self.mention(text, **more))
            session.add(row)
            session.flush()
            case_id = self.cases.consider(session, {row.id: judged or verdict()}, self.clock.now()).get(row.id)
        assert case_id is not None
        return self.case(case_id)

    def mention(self, text: str, **more: Any) -> dict[str, Any]:
        number = next(self._mentions)
        return {
            "source": "reddit",
            "external_id": f"m{number}",
            "url": f"https://example.com/m{number}",
            "text": text,
            "author": f"customer{number}",
            "author_url": f"https://example.com/u/customer{number}",
            "brands": ["Acme"],
            "posted_at": self.clock.now(),
            "seen_at": self.clock.now(),
            "judging": "judged",
        } | more

    def case(self, case_id: int) -> Case:
        with self.db.read() as session:
            return self.cases.get(session, case_id)

    def act(self, case: Case, event: str, actor: str = "ann", **detail: Any) -> Case:
        return self.cases.act(case.id, event, actor, "test", self.clock.now(), **detail).case

    def deliver(self) -> None:
        """Until nothing is left that can be sent just now."""
        while self.stage.run_once():
            pass

    def later(self, **by: float) -> None:
        self.clock.move(timedelta(**by))

    def tick(self) -> None:
        self.cases.tick(self.clock.now())

    def rows(self, **where: Any) -> list[DeliveryRow]:
        with self.db.read() as session:
            return list(session.scalars(select(DeliveryRow).filter_by(**where).order_by(DeliveryRow.id)))

    def states(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for row in self.rows():
            found[row.state] = found.get(row.state, 0) + 1
        return found


def idle(app: App) -> None:
    """Until Bolt's pool has worked off what was pressed: as many of its threads as it has meet at one point."""
    pool: Any = app.listener_runner.listener_executor
    here = threading.Barrier(pool._max_workers + 1)
    for _ in range(pool._max_workers):
        pool.submit(here.wait)
    here.wait(timeout=30)
