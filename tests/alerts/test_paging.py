"""Who is called, when, over any course of events: minute by minute against rules that anybody can check by eye."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from fake_slack import FakeSlack
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from office import Office

from monitor.alerts.outbox import Message, Receipt
from monitor.cases import Case
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.errors import Refused
from monitor.outgoing import Replies
from monitor.settings import Settings

STEPS = [
    {"at": "20m", "notify": "thread"},
    {"at": "45m", "notify": "oncall"},
    {"at": "60m", "notify": "lead"},
]
DUE, RENAG, SILENCE, COMPOSING = 60, 15, 45, 5  # minutes, as by default
MINUTE = timedelta(minutes=1)
CALLS = ("<!subteam^S0CARE>", "<@U0LEAD>")
PEOPLE = ("ann", "bob")


@dataclass
class Heard:
    """A transport that keeps what it is given, so that a course of hours takes no time."""

    messages: list[Message] = field(default_factory=list)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def send(self, message: Message) -> Receipt:
        self.messages.append(message)
        return Receipt(f"{next(self._numbers)}.0", message.target)

    def find(self, message: Message) -> Receipt | None:
        return None

    def check(self) -> str:
        return "well"


@dataclass
class Watched:
    """What is true of the case by the simplest of accounts, kept beside it."""

    owner: str | None = None
    owned_since: int = 0
    muted_until: float = 0
    ended: bool = False  # answered or closed: nothing more is asked in these courses
    free_since: int = 0  # since when somebody could have been called
    composing_until: int = 0  # somebody has the reply's window open

    def muted(self, minute: int) -> bool:
        return minute < self.muted_until


EVENTS = st.tuples(
    st.integers(1, 70) | st.integers(1, 170),
    st.sampled_from(
        ["take", "hand_over", "release", "mute", "mute_for_good", "unmute", "compose", "reply", "resolve", "note"]
    ),
    st.sampled_from(PEOPLE),
)


@pytest.fixture
def office(db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings]) -> Office:
    told = {"oncall": "S0CARE", "lead": "U0LEAD"}
    return Office(db, clock, slack, make_settings, {"slack": told, "clock": {"steps": STEPS}})


@hypothesis_settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(EVENTS, max_size=6))
def test_each_act_silences_exactly_what_it_should(office: Office, course: list[tuple[int, str, str]]) -> None:
    heard = Heard()
    office.transports = {"slack": heard}
    office.stage = office.new_stage()
    start = office.clock.now()
    case = office.complain()
    watched, breaches, last_call = Watched(), 0, 0
    office.deliver()
    for minute in range(1, 180):
        office.clock.set(start + minute * MINUTE + timedelta(seconds=2))
        seen = len(heard.messages)
        office.tick()
        office.deliver()
        held = minute < watched.composing_until
        if watched.owner and not watched.ended and not held and minute - watched.owned_since >= SILENCE:
            watched.owner, watched.muted_until, watched.free_since = None, 0, minute
        for message in heard.messages[seen:]:
            judge(message, watched, minute)
            breaches += message.kind == "breach"
            if message.broadcast or any(call in message.text for call in CALLS):
                last_call = minute
        if not watched.ended:
            assert breaches == (minute >= DUE) or (held and breaches == 0)
            assert office.case(case.id).owner == watched.owner
        if minute > DUE and not watched.ended and not (watched.owner or watched.muted(minute) or held):
            assert minute - max(last_call, watched.free_since) <= RENAG + 1, "nobody was called for too long"
        for at, event, who in course:
            if at == minute:
                act(office, case, watched, event, who, minute)
    if not watched.ended:
        office.act(case, "resolve")
    office.deliver()


def judge(message: Message, watched: Watched, minute: int) -> None:
    """What was said at `minute` was asked of the right people, and of nobody who should have been left alone."""
    calls = message.broadcast or any(call in message.text for call in CALLS)
    if message.kind in ("alert", "update", "note"):
        assert not calls or "gave it back" in message.text
        return
    assert not watched.ended, "asked after an answer or the end"
    assert minute >= watched.composing_until, "asked while somebody writes the reply"
    assert message.kind == "breach" or not watched.muted(minute), "asked while muted"
    if watched.owner is not None:
        assert message.kind == "breach" or not calls, "others were called for a case that somebody has"
    if "<!subteam^S0CARE>" in message.text:
        assert minute >= 45


def act(office: Office, case: Case, watched: Watched, event: str, who: str, minute: int) -> None:
    if event == "compose":
        replies = Replies(office.db, office.cases, office.settings, lambda name: None)
        replies.compose(case.id, who, office.clock.now())
        watched.composing_until = watched.free_since = minute + COMPOSING
        return
    detail: dict[str, Any] = {"note": {"text": "x"}, "hand_over": {"to": "cem"}}.get(event, {})
    if event == "mute":
        detail = {"until": office.clock.now() + 30 * MINUTE}
    try:
        office.act(case, event.removesuffix("_for_good"), who, **detail)
    except Refused:
        return
    if event in ("take", "hand_over"):
        watched.owner, watched.owned_since = detail.get("to", who), minute
    elif event == "release":
        watched.owner, watched.muted_until, watched.free_since = None, 0, minute
    elif event.startswith("mute"):
        watched.muted_until = minute + 30 if event == "mute" else float("inf")
        watched.free_since = minute + 30
    elif event == "unmute":
        watched.muted_until, watched.free_since = 0, minute
    elif event in ("reply", "resolve"):
        watched.ended = True


def test_a_page_that_waits_is_not_sent_for_a_case_that_was_taken_meanwhile(office: Office, slack: FakeSlack) -> None:
    case = office.complain()
    office.deliver()
    office.later(minutes=46)
    office.tick()
    office.act(case, "take")
    office.deliver()
    assert [m["posted_as"] for m in slack.posted()] == ["alert", "note"]


def test_a_page_that_waits_is_not_sent_for_a_case_that_was_muted_meanwhile(office: Office, slack: FakeSlack) -> None:
    case = office.complain()
    office.deliver()
    office.later(minutes=46)
    office.tick()
    office.act(case, "mute")
    office.deliver()
    assert [m["posted_as"] for m in slack.posted()] == ["alert", "note"]


def test_the_owner_is_reminded_where_others_would_have_been_called(office: Office, slack: FakeSlack) -> None:
    case = office.complain()
    office.later(minutes=10)
    office.act(case, "take", slack_user="U0ANN")
    office.later(minutes=36)
    office.tick()
    office.deliver()
    reminder = slack.posted()[-1]
    assert (reminder["posted_as"], reminder["broadcast"]) == ("reminder", False)
    assert reminder["text"].startswith(":bell: <@U0ANN> This waits for an answer.")


def test_when_a_silent_owner_loses_the_case_those_on_call_are_told(office: Office, slack: FakeSlack) -> None:
    case = office.complain()
    office.later(minutes=5)
    office.act(case, "take", slack_user="U0ANN")
    office.act(case, "mute")
    office.later(minutes=45, seconds=1)
    office.tick()
    office.deliver()
    told = slack.posted()[-1]
    assert told["text"].startswith(":arrows_counterclockwise: <!subteam^S0CARE> *ann* was silent for too long.")
    assert office.case(case.id).muted_until is None


def test_a_case_that_is_muted_for_good_still_breaches_once(office: Office, slack: FakeSlack) -> None:
    case = office.complain()
    office.act(case, "mute")
    for _ in range(30):
        office.later(minutes=10)
        office.tick()
        office.deliver()
    assert [m["posted_as"] for m in slack.posted()] == ["alert", "note", "breach"]
    assert office.case(case.id).breached_at is not None
    assert office.case(case.id).next_step_at is None
