"""A day of a team: 400 mentions, 60 complaints, five people with habits, Slack away for two hours, a storm, a source
that fails, a change of shifts. The page docs/a-day.md is what happened."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from day.team import Team
from day.telling import Told, page
from day.town import COMPLAINTS, EVENING, MENTIONS, MORNING, SOURCE_AWAY, STORM, ByTheWord, Place, at, posts
from fake_slack import CHANNEL, OPS, TOKEN, FakeSlack, Fault
from sqlalchemy import func, select

from monitor.alerts.slack_app import build_app
from monitor.app import App
from monitor.clock import ManualClock
from monitor.collect import CollectStage
from monitor.database import Database
from monitor.jobs import jobs
from monitor.models import CaseEventRow, CaseRow, DeliveryRow, IncidentRow, MentionRow, ReplyRow, SourceState
from monitor.scheduler import Scheduler, slot_of
from monitor.settings import Settings
from monitor.sources.base import Item

PAGE = Path(__file__).parents[2] / "docs" / "a-day.md"
SLACK_AWAY = (at(12.5), at(14.5))
HOUR, SECOND = 3600, timedelta(seconds=1)
EVERY = timedelta(minutes=5)  # between two polls of a source, and two runs of the periodic work
ROLES = ("collect", "classify", "deliver", "clock")
ASKING = ("reminder", "escalation", "breach")


@dataclass
class Day:
    app: App
    slack: FakeSlack
    places: dict[str, Place]
    team: Team
    cases: list[CaseRow]
    events: list[CaseEventRow]
    incidents: list[IncidentRow]

    def of(self, case: CaseRow) -> list[CaseEventRow]:
        return [each for each in self.events if each.case_id == case.id]


@pytest.fixture
def day(db: Database, make_settings: Callable[..., Settings]) -> Iterator[Day]:
    clock = ManualClock(MORNING)
    slack = FakeSlack(now=lambda: clock.now().timestamp())
    slack.fault = lambda method, args: Fault("unheard") if SLACK_AWAY[0] <= clock.now() < SLACK_AWAY[1] else None
    said = posts()
    places = {"reddit": Place("reddit", said["reddit"], SOURCE_AWAY), "reviews": Place("reviews", said["reviews"])}
    with slack.running():
        section = {"channel": CHANNEL, "ops_channel": OPS, "bot_token": TOKEN, "base_url": slack.base_url}
        settings = make_settings(
            slack=section | {"oncall": "S0ONCALL", "lead": "U0LEAD"},
            sources=[{"name": name, "type": "replay", "every": EVERY} for name in places],
            after={"ask_solved": None},
        )
        app = App(settings, clock)
        app.db = db
        app.sources = {each.name: (places[each.name], each) for each in settings.sources}  # type: ignore[assignment]
        app.classifier = ByTheWord()
        listeners = [app.from_sources]
        app.collect = CollectStage(db, clock, app.sources, app.brands, app.owner, listeners, jitter=lambda: 0.5)
        bolt = build_app(
            settings, app.cases, db, clock, whispers=app.whispers, replies=app.replies, incidents=app.incidents
        )
        team = Team(bolt, slack, places)
        _live(app, clock, team)
        with db.read() as session:
            cases = list(session.scalars(select(CaseRow).order_by(CaseRow.id)))
            events = list(session.scalars(select(CaseEventRow).order_by(CaseEventRow.id)))
            incidents = list(session.scalars(select(IncidentRow)))
        yield Day(app, slack, places, team, cases, events, incidents)


def _live(app: App, clock: ManualClock, team: Team) -> None:
    """Everything that is due, second after second; seconds in which nothing is due are left out."""
    collect, *others = app.stages(ROLES)
    periodic = jobs(app, ROLES)
    scheduler = Scheduler(app.db, clock, app.owner, periodic)
    while clock.now() < EVENING:
        now = clock.now()
        if SLACK_AWAY[0] <= now < SLACK_AWAY[1]:
            team.put_off(SLACK_AWAY[1] + EVERY)
        team.act(now)
        for job in periodic if slot_of(now, EVERY) == now else ():
            scheduler.run(job)
        for _ in app.settings.sources:
            collect.run_once()
        for stage in others:
            while stage.run_once():
                pass
        team.read(now)
        clock.set(min(_next_due(app, now), team.next_at or EVENING))


def _next_due(app: App, now: datetime) -> datetime:
    """The next full second in which a poll, a case's clock, a message or the periodic work is due."""
    moments = (
        select(func.min(column)).where(column > now, *where).scalar_subquery()
        for column, *where in (
            (SourceState.next_poll_at,),
            (CaseRow.next_step_at,),
            (DeliveryRow.not_before, DeliveryRow.state == "pending"),
            (ReplyRow.not_before, ReplyRow.state == "pending"),
        )
    )
    with app.db.read() as session:
        found = session.execute(select(*moments)).one()
    due = min(moment for moment in (*found, slot_of(now, EVERY) + EVERY) if moment is not None)
    return due + (SECOND - timedelta(microseconds=due.microsecond)) % SECOND


def counted(posted: datetime, events: Sequence[CaseEventRow], limit: int) -> tuple[datetime | None, datetime | None]:
    """The obvious clock, second by second: when `limit` seconds had run without a reply, and when the first one came.
    A reply in that very second is in time."""
    marks: dict[int, list[str]] = {}
    for each in events:
        marks.setdefault(int(each.at.timestamp()), []).append(each.kind)
    used, resting, broken = 0, False, None
    for second in range(int(posted.timestamp()), int(EVENING.timestamp())):
        for kind in marks.get(second, ()):
            resting = {"snooze": True, "unsnooze": False, "take": False}.get(kind, resting)
            if kind in ("reply", "reply_seen"):
                now = datetime.fromtimestamp(second, UTC)
                return broken if broken != now else None, now
        if used == limit and not resting and broken is None:
            broken = datetime.fromtimestamp(second, UTC)
        used += not resting
    return broken, None


def test_a_day_in_the_life(day: Day) -> None:
    with day.app.db.read() as session:
        judged = session.scalar(select(func.count()).where(MentionRow.judging == "judged"))
        rows = list(session.scalars(select(DeliveryRow)))
    assert judged == MENTIONS + STORM
    assert len(day.cases) == COMPLAINTS + STORM
    _nothing_lost_or_doubled(day, rows)
    _the_storm_is_one_incident(day)
    for case in day.cases:
        _its_clock_is_right(day, case)
        (answer,) = [reply for place in day.places.values() for reply in place.answers(_post(day, case))]
        assert answer.posted_at == case.first_response_at
        by_itself = any(each.kind == "reply_seen" for each in day.of(case))  # known once the source is read
        known = _read_at(day, answer) if by_itself else answer.posted_at
        asked = _asked(day, lambda about, case=case: about.get("case_id") == case.id)
        assert all(when <= known for when in asked), "asked for what was answered"
    assert day.slack.refused == []
    assert set(day.team.refusals) == {"Every case of this incident has been taken or answered."}
    told = page(Told(day.slack, SLACK_AWAY, day.cases, day.events))
    if "WRITE_THE_DAY" in os.environ:
        PAGE.write_text(told, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == told, "run it with WRITE_THE_DAY=1, and read what has changed"


def _nothing_lost_or_doubled(day: Day, rows: Sequence[DeliveryRow]) -> None:
    assert {row.state for row in rows} <= {"sent", "dropped"}
    posted = Counter(day.slack.deliveries())
    assert set(posted) == {row.key for row in rows if row.state == "sent" and row.kind != "update"}, "lost"
    assert set(posted.values()) == {1}, "doubled"
    shown = Counter(
        int(block["block_id"].removeprefix("case:"))
        for message in day.slack.posted()
        for block in message["blocks"]
        if block["type"] == "actions" and block["block_id"].startswith("case:")
    )
    assert shown == Counter(case.id for case in day.cases)


def _the_storm_is_one_incident(day: Day) -> None:
    (incident,) = day.incidents
    mine = [case for case in day.cases if case.incident_id == incident.id]
    assert sorted(case.id for case in mine) == [case.id for case in day.cases if case.topic == "account_access"]
    assert (incident.topics, incident.state, incident.ended_by) == (["account_access"], "ended", "firsthour")
    alone = [case for case in mine if case.page is None]
    assert len(alone) < STORM / 2
    assert all(case.opened_at <= incident.opened_at for case in alone)
    last = max(case.first_response_at for case in mine if case.first_response_at)
    asked = _asked(day, lambda about: about.get("case_id") is None)
    assert all(when <= last for when in asked), "asked for what was answered"


def _its_clock_is_right(day: Day, case: CaseRow) -> None:
    broken, answered = counted(case.posted_at, day.of(case), HOUR)
    assert answered == case.first_response_at
    assert (case.breached_at, case.met) == (max(broken, case.opened_at) if broken else None, broken is None)


def _asked(day: Day, about: Callable[[Any], bool]) -> list[datetime]:
    return [
        datetime.fromtimestamp(int(float(message["ts"])), UTC)
        for message in day.slack.posted()
        if message["posted_as"] in ASKING and about(message["metadata"]["event_payload"])
    ]


def _read_at(day: Day, answer: Item) -> datetime:
    with day.app.db.read() as session:
        return session.scalars(select(MentionRow.seen_at).where(MentionRow.external_id == answer.external_id)).one()


def _post(day: Day, case: CaseRow) -> str:
    with day.app.db.read() as session:
        return session.get_one(MentionRow, case.mention_id).external_id
