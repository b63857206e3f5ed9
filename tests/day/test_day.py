"""A day of a team: 400 mentions, 60 complaints, five people with habits, Slack away for two hours, a storm, a source
that fails, a change of shifts. The page docs/a-day.md is what happened."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fake_slack import CHANNEL, OPS, TOKEN, FakeSlack, Fault
from pydantic import BaseModel
from sqlalchemy import func, select

from monitor.alerts.announce import Announcer
from monitor.alerts.deliver import DeliverStage
from monitor.alerts.render import Renderer
from monitor.alerts.slack import SlackTransport, web_client
from monitor.brands import Brands
from monitor.cases import Case, Cases
from monitor.classify.batch import ClassifyStage
from monitor.classify.verdict import Subject, Verdict
from monitor.clock import ManualClock
from monitor.clock_stage import ClockStage
from monitor.collect import CollectStage
from monitor.database import Database
from monitor.errors import Refused, RetryLater
from monitor.from_sources import FromSources
from monitor.models import CaseEventRow, CaseRow, DeliveryRow, MentionRow
from monitor.settings import Settings, SourceSettings
from monitor.sources.base import Author, Capabilities, Cursor, Item, Page

PAGE = Path(__file__).parents[2] / "docs" / "a-day.md"
MENTIONS, COMPLAINTS, STORM = 400, 60, 20
MORNING = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
EVENING = MORNING + timedelta(hours=17)
STEP = timedelta(seconds=30)
HOUR = 3600


def at(hours: float) -> datetime:
    """The hour of the day, in UTC."""
    return MORNING.replace(hour=0) + timedelta(hours=hours)


SLACK_AWAY = (at(12.5), at(14.5))
SOURCE_AWAY = (at(10.0), at(10.75))
STORM_FROM = at(16.0)
SHIFT_CHANGE = at(14.0)


def posts() -> dict[str, list[Item]]:
    """What is posted on each source, the earliest first."""
    dice = random.Random(20)
    times = sorted(MORNING + timedelta(seconds=dice.randrange(14 * HOUR)) for _ in range(MENTIONS - STORM))
    bad = set(dice.sample(range(len(times)), COMPLAINTS - STORM))
    said = [(when, number in bad, "parcel") for number, when in enumerate(times)]
    said += [(STORM_FROM + timedelta(seconds=dice.randrange(600)), True, "login") for _ in range(STORM)]
    found: dict[str, list[Item]] = {"reddit": [], "reviews": []}
    for number, (when, complaint, what) in enumerate(sorted(said)):
        text = f"acme {what} {number} {'broke' if complaint else 'rocks'}"
        found["reddit" if number % 3 else "reviews"].append(
            Item(f"p{number}", text, when, f"https://example.com/p{number}", Author(f"customer{number}"))
        )
    return found


class Place:
    """A source that shows what has been posted by now, and fails for a while."""

    class Options(BaseModel):
        pass

    capabilities = Capabilities()

    def __init__(self, name: str, items: Sequence[Item]) -> None:
        self.name, self._items = name, items

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        if self.name == "reddit" and SOURCE_AWAY[0] <= now < SOURCE_AWAY[1]:
            raise RetryLater("reddit answers 503")
        start = int((cursor or {}).get("next", 0))
        fresh = tuple(item for item in self._items[start:] if item.posted_at <= now)
        return Page(fresh, {"next": start + len(fresh)})

    def check(self) -> str:
        return "ok"

    def replies_to(self, external_ids: tuple[str, ...], accounts: frozenset[str]) -> dict[str, Any]:
        return {}

    def close(self) -> None:
        pass


class ByOneWord:
    """Judges by one word, so that every verdict is known beforehand."""

    version, threshold = "plain", 0.5

    def judge(self, subjects: Sequence[Subject]) -> list[Verdict]:
        return [_verdict("broke" in s.text, "login" in s.text) for s in subjects]


def _verdict(complaint: bool, login: bool) -> Verdict:
    scores = (0.9, 0.05, 0.05) if complaint else (0.05, 0.05, 0.9)
    severity, topic = ("high", "access") if login else ("medium", "delivery")
    sentiment = "negative" if complaint else "positive"
    return Verdict("en", 1.0, sentiment, scores, complaint, scores[0], severity, 0.9, topic, 0.9, "plain")


@dataclass(frozen=True)
class Agent:
    """Somebody of the team: which minutes after they see an alert they do what."""

    name: str
    habit: str
    does: tuple[tuple[int, str], ...]


EARLY = (
    Agent("ann", "takes at once, answers in a quarter of an hour", ((2, "take"), (15, "reply"), (20, "resolve"))),
    Agent("bob", "takes at once and forgets, until it is too late", ((3, "take"), (75, "reply"), (80, "resolve"))),
    Agent("chi", "answers without taking", ((18, "reply"), (30, "resolve"))),
)
LATE = (
    Agent("dee", "snoozes, then answers", ((4, "snooze"), (25, "take"), (40, "reply"), (41, "resolve"))),
    Agent("eve", "comes when those on call are asked", ((47, "take"), (55, "reply"), (90, "resolve"))),
)


class Team:
    """Each case has one who minds it, by its number and by who is there when it shows in Slack."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases
        self._seen: dict[int, tuple[datetime, Agent]] = {}
        self._done: set[tuple[int, str]] = set()

    def act(self, shown: Sequence[Case], now: datetime) -> None:
        for case in shown:
            if case.id not in self._seen:
                there = EARLY if now < SHIFT_CHANGE else LATE
                self._seen[case.id] = (now, there[case.id % len(there)])
            seen, agent = self._seen[case.id]
            for minutes, event in agent.does:
                if (case.id, event) not in self._done and now >= seen + timedelta(minutes=minutes):
                    self._done.add((case.id, event))
                    detail = {"until": now + timedelta(minutes=15)} if event == "snooze" else {}
                    key, user = f"{event}:{case.id}", f"U0{agent.name.upper()}"
                    with suppress(Refused):  # it came too late for that
                        self._cases.act(case.id, event, agent.name, "slack", now, key, slack_user=user, **detail)


@dataclass
class Day:
    db: Database
    slack: FakeSlack
    cases: list[CaseRow]
    events: list[CaseEventRow]


@pytest.fixture
def day(db: Database, make_settings: Callable[..., Settings]) -> Iterator[Day]:
    clock = ManualClock(MORNING)
    slack = FakeSlack(now=lambda: clock.now().timestamp())
    away = SLACK_AWAY
    slack.fault = lambda method, args: Fault("unheard") if away[0] <= clock.now() < away[1] else None
    with slack.running():
        section = {"channel": CHANNEL, "ops_channel": OPS, "bot_token": TOKEN, "base_url": slack.base_url}
        settings = make_settings(slack=section | {"oncall": "S0ONCALL", "lead": "U0LEAD"})
        announcer = Announcer(settings)
        cases = Cases(db, settings, [announcer])
        every = timedelta(minutes=1)
        sources = {n: (Place(n, i), SourceSettings(name=n, type="replay", every=every)) for n, i in posts().items()}
        listeners = [FromSources(cases, announcer)]
        transport = SlackTransport(web_client(TOKEN, slack.base_url), [CHANNEL, OPS])
        brands = Brands(settings.brands)
        stages: list[Any] = [
            CollectStage(db, clock, sources, brands, "day", listeners, jitter=lambda: 0.5),
            CollectStage(db, clock, sources, brands, "day", listeners, jitter=lambda: 0.5),
            ClassifyStage(db, clock, ByOneWord(), cases, "day", 32),
            ClockStage(db, clock, cases, "day"),
            DeliverStage(db, clock, {"slack": transport}, Renderer(settings, cases, clock), "day"),
        ]
        team = Team(cases)
        while clock.now() < EVENING:
            if not away[0] <= clock.now() < away[1]:
                with db.read() as session:
                    live = select(CaseRow.id).where(CaseRow.slack_ts.is_not(None), CaseRow.state != "resolved")
                    shown = [cases.get(session, case_id) for case_id in session.scalars(live.order_by(CaseRow.id))]
                team.act(shown, clock.now())
            for stage in stages:
                while stage.run_once() and stage.name != "collect":
                    pass
            clock.move(STEP)
        with db.read() as session:
            rows = list(session.scalars(select(CaseRow).order_by(CaseRow.id)))
            events = list(session.scalars(select(CaseEventRow).order_by(CaseEventRow.id)))
        yield Day(db, slack, rows, events)


def seconds_used(
    posted: datetime, events: Sequence[CaseEventRow], limit: int
) -> tuple[datetime | None, datetime | None]:
    """The obvious clock, second by second: when more than `limit` seconds had run, and when the first reply came."""
    marks: dict[int, list[str]] = {}
    for event in events:
        marks.setdefault(int(event.at.timestamp()), []).append(event.kind)
    used, resting, second = 0, False, int(posted.timestamp())
    broken: datetime | None = None
    while second <= int(EVENING.timestamp()):
        for kind in marks.get(second, ()):
            resting = {"snooze": True, "unsnooze": False, "take": False}.get(kind, resting)
            if kind == "reply":
                return broken, datetime.fromtimestamp(second, UTC)
        used += not resting
        second += 1
        if used > limit and broken is None:
            broken = datetime.fromtimestamp(second, UTC)
    return broken, None


def of(day: Day, case: CaseRow) -> list[CaseEventRow]:
    return [event for event in day.events if event.case_id == case.id]


def told(day: Day) -> str:
    """The day as a page."""
    lines: list[tuple[datetime, int, str]] = [
        (SOURCE_AWAY[0], 0, "**reddit stops answering**"),
        (SOURCE_AWAY[1], 0, "**reddit answers again**"),
        (SLACK_AWAY[0], 0, "**Slack cannot be reached**"),
        (SLACK_AWAY[1], 0, "**Slack is back**"),
        (SHIFT_CHANGE, 0, "**ann, bob and chi go home; dee and eve begin**"),
        (STORM_FROM, 0, f"**nobody can log in: {STORM} complaints within ten minutes**"),
    ]
    words = {"opened": "opened", "take": "taken by {}", "reply": "answered by {}", "resolve": "resolved by {}",
             "snooze": "snoozed by {}", "unsnooze": "awake again", "remind": "reminder due",
             "oncall": "on-call step due", "breach": "**the hour is over**",
             "silent_owner": "back to the group, its owner was silent",
             "renag": "asked again"}  # fmt: skip
    for event in day.events:
        case = next(case for case in day.cases if case.id == event.case_id)
        about = f" ({case.source}, {case.severity}, posted {case.posted_at:%H:%M:%S})" if event.kind == "opened" else ""
        lines.append((event.at, 1, f"case {event.case_id} {words[event.kind].format(event.actor)}{about}"))
    for channel in (CHANNEL, OPS):
        for message in day.slack.posted(channel=channel):
            case_id = message["metadata"]["event_payload"].get("case_id")
            kind = "alert" if "thread_ts" not in message and case_id else message["posted_as"]
            if kind != "note":
                about = f"{kind} for case {case_id}" if case_id else message["text"]
                lines.append((datetime.fromtimestamp(int(float(message["ts"])), UTC), 2, f"→ Slack: {about}"))
    late = [case for case in day.cases if case.breached_at]
    used = sorted(case.calendar_seconds or 0 for case in day.cases)
    rows = [
        "# A day",
        "",
        "What happened on one simulated day. `tests/day/test_day.py` plays it with the real stages, a clock moved by",
        "hand and a Slack on loopback, and compares this page with what came out; a model that counts second by second",
        "checks every breach.",
        "",
        *[f"- **{agent.name}** {agent.habit}." for agent in (*EARLY, *LATE)],
        "",
        f"{MENTIONS} mentions, {len(day.cases)} complaints, {len(day.cases) - len(late)} answered within the hour, "
        f"{len(late)} late; half of",
        f"them within {int(used[len(used) // 2] // 60)} minutes. No alert was lost, none came twice, and nobody was "
        "asked for what was answered.",
        "",
        "| time (UTC) | what |",
        "|---|---|",
        *[f"| {when:%H:%M:%S} | {what} |" for when, _, what in sorted(lines, key=lambda line: line[:2])],
    ]
    return "\n".join(rows) + "\n"


def test_a_day_in_the_life(day: Day) -> None:
    with day.db.read() as session:
        assert session.scalar(select(func.count()).select_from(MentionRow)) == MENTIONS
        assert session.scalar(select(func.count()).where(MentionRow.judging == "judged")) == MENTIONS
        rows = list(session.scalars(select(DeliveryRow)))
    assert len(day.cases) == COMPLAINTS
    assert {row.state for row in rows} <= {"sent", "dropped"}
    posted = Counter(day.slack.deliveries())
    assert set(posted) == {row.key for row in rows if row.state == "sent" and row.kind != "update"}, "lost"
    assert set(posted.values()) == {1}, "doubled"
    assert {case.slack_ts for case in day.cases} == {
        message["ts"] for message in day.slack.posted() if "thread_ts" not in message
    }
    for case in day.cases:
        broken, answered = seconds_used(case.posted_at, of(day, case), HOUR)
        assert answered == case.first_response_at
        assert (case.breached_at is not None) == (broken is not None), f"case {case.id}"
        assert case.met == (broken is None)
        if case.breached_at is not None and broken is not None:
            assert abs(case.breached_at - broken) <= 2 * STEP or case.opened_at >= broken
        pages = [
            message
            for message in day.slack.posted()
            if message["posted_as"] in ("reminder", "escalation", "breach")
            and message["metadata"]["event_payload"]["case_id"] == case.id
        ]
        assert all(float(page["ts"]) <= answered.timestamp() for page in pages if answered), "paged after the answer"
    assert day.slack.refused == []
    page = told(day)
    if "WRITE_THE_DAY" in os.environ:
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page, "run it with WRITE_THE_DAY=1, and read what has changed"
