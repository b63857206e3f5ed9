"""Our answer stands and the customer is silent: the owner is asked whether it is solved."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fake_slack import FakeSlack
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from office import Office, verdict
from slack_bolt import App, BoltRequest

from monitor.alerts.slack_app import build_app
from monitor.cases import Case
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.errors import Refused
from monitor.settings import Settings
from monitor.solved import ask_due
from tests.alerts.test_slack_app import idle


@pytest.fixture
def office(db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings]) -> Office:
    return Office(db, clock, slack, make_settings, {"after": {"ask_solved": "24h"}})


def answered(office: Office, **more: Any) -> Case:
    case = office.complain(**more)
    office.act(case, "take", slack_user="U0ANN")
    return office.act(case, "reply")


def asked(office: Office, slack: FakeSlack, **by: float) -> list[str]:
    """The questions that are put once so much time has passed."""
    before = len(slack.posted())
    office.later(**by)
    ask_due(office.db, office.cases, office.clock.now())
    office.deliver()
    return [m["text"] for m in slack.posted()[before:] if "Is it solved?" in m["text"]]


def test_the_owner_is_asked_once_the_answer_has_stood_for_so_long(office: Office, slack: FakeSlack) -> None:
    answered(office)
    office.deliver()
    assert asked(office, slack, hours=24, seconds=-1) == []
    assert asked(office, slack, seconds=1) == [
        ":question: <@U0ANN> Our answer has stood without a word from the customer. *Is it solved?*"
    ]
    root, *_, question = slack.posted()
    assert question["thread_ts"] == root["ts"]
    assert [e["text"]["text"] for e in question["blocks"][1]["elements"]] == ["Solved", "Not yet", "Ask again in a day"]


def test_a_question_that_nobody_answers_is_put_three_times(office: Office, slack: FakeSlack) -> None:
    answered(office)
    assert [len(asked(office, slack, hours=24)) for _ in range(6)] == [1, 1, 1, 0, 0, 0]


def test_nobody_is_asked_about_a_case_that_moved_on(office: Office, slack: FakeSlack) -> None:
    closed, dismissed, again, reopened = (answered(office, author=name, conversation=name) for name in "abcd")
    office.act(closed, "resolve")
    office.act(dismissed, "dismiss")
    office.later(minutes=1)
    office.complain("It is still broken", author="c", conversation="c")
    office.act(reopened, "reopen")
    assert office.case(again.id).state == "reopened"
    assert asked(office, slack, hours=30) == []


def test_a_question_on_its_way_is_dropped_when_the_customer_writes_meanwhile(office: Office, slack: FakeSlack) -> None:
    answered(office, author="mari", conversation="t")
    office.deliver()
    office.later(hours=24)
    ask_due(office.db, office.cases, office.clock.now())
    office.complain("It is still broken", author="mari", conversation="t")
    office.deliver()
    assert [m for m in slack.posted() if "Is it solved?" in m["text"]] == []


def test_another_answer_begins_the_wait_anew(office: Office, slack: FakeSlack) -> None:
    case = answered(office)
    office.later(hours=20)
    office.act(case, "reply")
    assert asked(office, slack, hours=20) == []
    assert len(asked(office, slack, hours=4)) == 1


def test_the_next_response_clock_runs_when_the_customer_writes_again(office: Office, slack: FakeSlack) -> None:
    case = answered(office, author="mari", conversation="t")
    office.later(hours=2)
    office.complain("No, it is not", author="mari", conversation="t", judged=verdict(complaint=True))
    again = office.case(case.id)
    assert (again.state, again.clock, again.clock_kind) == ("reopened", "running", "next")
    assert again.due_at == office.clock.now() + timedelta(hours=1)
    office.act(case, "reply")
    assert len(asked(office, slack, hours=24)) == 1


def test_without_the_setting_nothing_is_asked(
    db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings]
) -> None:
    office = Office(db, clock, slack, make_settings)
    answered(office)
    assert asked(office, slack, days=30) == []


@pytest.fixture
def press(office: Office, slack: FakeSlack) -> Callable[[str], None]:
    app: App = build_app(office.settings, office.cases, office.db, office.clock)
    stamps = iter(range(1000))

    def pressed(action: str) -> None:
        question = [m for m in slack.posted() if "Is it solved?" in m["text"]][-1]
        payload = slack.press(question, action, "ann", f"1795000000.{next(stamps):06d}", "")
        assert app.dispatch(BoltRequest(mode="socket_mode", body=payload)).status == 200
        idle(app)

    return pressed


def test_solved_closes_the_case(office: Office, slack: FakeSlack, press: Callable[[str], None]) -> None:
    case = answered(office)
    asked(office, slack, hours=24)
    press("solved_yes")
    assert office.case(case.id).state == "resolved"
    press("solved_yes")
    assert "resolved already" in slack.whispers[-1]["text"]
    assert asked(office, slack, days=9) == []


def test_not_yet_keeps_it_open_and_asks_no_more(office: Office, slack: FakeSlack, press: Callable[[str], None]) -> None:
    case = answered(office)
    asked(office, slack, hours=24)
    press("solved_no")
    office.deliver()
    assert slack.posted()[-1]["text"] == ":memo: *ann* notes:\n>Not solved yet."
    assert asked(office, slack, days=9) == []
    assert office.case(case.id).state == "replied"


def test_ask_again_in_a_day_asks_again_in_a_day(office: Office, slack: FakeSlack, press: Callable[[str], None]) -> None:
    answered(office)
    asked(office, slack, hours=24)
    office.later(hours=2)
    press("solved_later")
    assert asked(office, slack, hours=23, minutes=59) == []
    assert len(asked(office, slack, minutes=1)) == 1


@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(["reply", "resolve", "reopen", "dismiss", "take", "yes", "no", "later", "6h", "24h"]),
        max_size=14,
    )
)
def test_whatever_happens_only_a_case_that_stands_answered_for_a_day_is_asked_about(
    office: Office, slack: FakeSlack, course: list[str]
) -> None:
    case = office.complain()
    quiet_since = None  # since when the answer stands unasked
    times = left = 0
    for event in course:
        if event in ("6h", "24h"):
            office.later(hours=int(event[:-1]))
            ask_due(office.db, office.cases, office.clock.now())
            due = quiet_since is not None and office.clock.now() - quiet_since >= timedelta(hours=24)
            with office.db.read() as session:
                found = sum(e.kind == "ask_solved" for e in office.cases.history(session, case.id))
            assert found == times + due
            times += due
            if due:
                left -= 1
                quiet_since = office.clock.now() if left else None
            continue
        told = {"yes": "resolve", "no": "note", "later": "note"}.get(event, event)
        detail = {"text": event, "solved": event} if told == "note" else {}
        try:
            after = office.act(case, told, **detail)
        except Refused:
            continue
        if event == "reply":
            quiet_since, left = (office.clock.now(), 3) if after.state == "replied" else (quiet_since, 0)
        elif event == "later":
            quiet_since, left = office.clock.now(), 3
        elif told in ("resolve", "dismiss", "reopen") or event == "no":
            quiet_since = None
        if after.state != "replied":
            quiet_since = None
