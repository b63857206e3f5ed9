"""Whoever pressed something learns why nothing happened, whatever is broken; and only agents may act."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fake_slack import CHANNEL, OPS, FakeSlack, Fault
from office import Office
from slack_bolt import App, BoltRequest

from monitor.alerts.slack_app import build_app
from monitor.cases import Case
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.settings import Settings
from monitor.watch import Watch

Press = Callable[..., None]


@pytest.fixture
def case(office: Office) -> Case:
    found = office.complain()
    office.deliver()
    return found


def failing(*methods: str, error: str = "not_in_channel") -> Callable[[str, dict[str, Any]], Fault | None]:
    return lambda method, args: Fault("refused", error=error) if method in methods else None


def test_where_slack_takes_no_ephemeral_message_the_press_is_answered(
    office: Office, slack: FakeSlack, case: Case, press: Press
) -> None:
    office.act(case, "take", "bob")
    slack.fault = failing("chat.postEphemeral")
    press("take", "ann")
    (answer,) = slack.answers
    assert answer == {
        "text": "*bob* was faster and has it.",
        "response_type": "ephemeral",
        "replace_original": False,
    }


def test_where_that_fails_too_there_is_a_direct_message(office: Office, slack: FakeSlack) -> None:
    slack.fault = failing("chat.postEphemeral")
    assert office.whispers.tell_user("U0ANN", "Words.", CHANNEL)
    assert [(said["channel"], said["text"]) for said in slack.direct] == [("U0ANN", "Words.")]


def test_an_answer_address_runs_out(office: Office, slack: FakeSlack) -> None:
    office.whispers.remember({"user": {"id": "U0ANN"}, "response_url": f"{slack.base_url}response"})
    office.later(minutes=31)
    assert office.whispers.tell_user("U0ANN", "Words.")
    assert (slack.answers, len(slack.direct)) == ([], 1)


def test_nobody_reached_is_logged_not_raised(office: Office, slack: FakeSlack) -> None:
    slack.tokens.clear()
    assert not office.whispers.tell_user("U0ANN", "Words.", CHANNEL)


@pytest.mark.parametrize("error", ["is_archived", "not_in_channel", "channel_not_found"])
def test_who_acted_learns_that_the_channel_takes_nothing(
    office: Office, slack: FakeSlack, case: Case, press: Press, error: str
) -> None:
    slack.fault = failing("chat.update", "chat.postMessage", "chat.postEphemeral", error=error)
    press("take", "ann")
    office.deliver()
    assert office.case(case.id).owner == "ann"
    (answer,) = slack.answers
    assert answer["text"].startswith(f"What you did to case {case.id} is stored, but Slack does not show it: ")
    assert error in answer["text"]


@pytest.mark.parametrize("error", ["is_archived", "not_in_channel", "missing_scope"])
def test_the_operator_learns_that_a_channel_takes_nothing(
    db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings], error: str
) -> None:
    office = Office(db, clock, slack, make_settings, {"slack": {"ops_channel": OPS}})
    watch = Watch(db, clock, office.settings, office.announcer.ops)
    refused = Fault("refused", error=error)
    slack.fault = lambda method, args: refused if args.get("channel") == CHANNEL else None
    office.complain()
    for _ in range(2):
        office.deliver()
        office.later(minutes=20)
        watch.look(clock.now())
    office.deliver()
    (told,) = slack.posted("ops", channel=OPS)
    assert "Messages have waited to go out since 12:00 UTC" in told["text"]
    assert error in told["text"]
    assert "(" in told["text"].partition(error)[2]  # what to do about it


def test_who_acted_learns_that_the_token_was_revoked(
    office: Office, slack: FakeSlack, case: Case, press: Press
) -> None:
    slack.tokens.clear()
    press("take", "ann")
    office.deliver()
    assert "invalid_auth" in slack.answers[0]["text"]
    assert "install the app again" in slack.answers[0]["text"]
    press("resolve", "ann")
    assert office.case(case.id).state == "resolved"
    assert slack.answers[-1]["text"].startswith("Done, but Slack does not show it yet:")


def test_who_acted_learns_that_the_message_was_deleted_once_more(
    office: Office, slack: FakeSlack, case: Case, press: Press
) -> None:
    message = slack.channels[CHANNEL].pop()
    press("take", "ann", on=message)
    office.deliver()
    assert slack.whispers == []  # it is there again
    slack.channels[CHANNEL].clear()
    press("resolve", "ann", on=message)
    office.deliver()
    assert "somebody deleted its message" in slack.whispers[-1]["text"]
    assert office.case(case.id).owner == "ann"


def test_who_acted_is_told_once_however_often_it_is_tried(
    office: Office, slack: FakeSlack, case: Case, press: Press
) -> None:
    slack.fault = failing("chat.update", "chat.postMessage", error="is_archived")
    press("take", "ann")
    for _ in range(5):
        office.deliver()
        office.later(minutes=11)
    assert len(slack.whispers) == 1


def test_a_post_that_slack_refuses_for_good_is_told_too(
    office: Office, slack: FakeSlack, case: Case, press: Press
) -> None:
    slack.fault = failing("chat.postMessage", error="msg_too_long")
    press("take", "ann")
    office.deliver()
    assert "Slack refused it: msg_too_long" in slack.whispers[-1]["text"]


def closed_office(
    db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings], agents: list[str]
) -> Office:
    return Office(db, clock, slack, make_settings, {"slack": {"agents": agents}})


@pytest.fixture
def restricted(
    db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings]
) -> tuple[Office, Press]:
    """An office in which U0ANN and whoever is in S0CARE may act."""
    office = closed_office(db, clock, slack, make_settings, ["U0ANN", "S0CARE"])
    slack.groups["S0CARE"] = ["U0BOB"]
    app = build_app(office.settings, office.cases, db, clock, whispers=office.whispers)
    stamps = iter(range(1000))

    def press(action: str, user: str, value: str = "") -> None:
        from office import idle

        payload = slack.press(slack.posted("alert")[-1], action, user, f"1795000000.{next(stamps):06d}", value)
        app.dispatch(BoltRequest(mode="socket_mode", body=payload))
        idle(app)

    return office, press


def test_only_those_named_may_act(restricted: tuple[Office, Press], slack: FakeSlack) -> None:
    office, press = restricted
    case = office.complain()
    office.deliver()
    press("take", "eve")
    press("more", "eve", "snooze")
    assert office.case(case.id).owner is None
    assert [w["user"] for w in slack.whispers] == ["U0EVE", "U0EVE"]
    assert "You are not among those who may act on cases" in slack.whispers[0]["text"]
    press("more", "eve", "history")  # looking is free
    assert slack.open_view()["callback_id"] == "case_history"
    press("take", "bob")
    assert office.case(case.id).owner == "bob"
    press("resolve", "ann")
    assert office.case(case.id).state == "resolved"


def test_a_group_is_asked_for_once_in_a_while(restricted: tuple[Office, Press], slack: FakeSlack) -> None:
    office, press = restricted
    office.complain()
    office.deliver()
    for user in ("bob", "eve", "bob"):
        press("take", user)
    assert len([method for method, _ in slack.calls if method == "usergroups.users.list"]) == 1
    slack.groups["S0CARE"] = ["U0EVE"]
    office.later(minutes=6)
    press("more", "eve", "hand_over")
    assert slack.open_view()["callback_id"] == "hand_over_case"


def test_a_group_that_cannot_be_read_lets_nobody_in_and_says_why(
    restricted: tuple[Office, Press], slack: FakeSlack
) -> None:
    office, press = restricted
    case = office.complain()
    office.deliver()
    slack.fault = failing("usergroups.users.list", error="missing_scope")
    press("take", "bob")
    assert office.case(case.id).owner is None
    assert "usergroups:read" in slack.whispers[-1]["text"]


def test_a_press_is_acknowledged_at_once_however_slow_slack_is(
    office: Office, slack: FakeSlack, case: Case, app: App
) -> None:
    office.act(case, "take", "bob")
    go_on = threading.Event()

    def slow(method: str, args: dict[str, Any]) -> None:
        go_on.wait(10)

    message = slack.posted("alert")[-1]
    slack.fault = slow
    try:
        start = time.monotonic()
        for number in range(20):  # four times as many as Bolt has threads by itself
            payload = slack.press(message, "take", f"agent{number}", f"1795000000.{number:06d}")
            assert app.dispatch(BoltRequest(mode="socket_mode", body=payload)).status == 200
        assert time.monotonic() - start < 3
    finally:
        go_on.set()


def test_nothing_is_asked_of_slack_before_the_acknowledgement(
    office: Office, slack: FakeSlack, case: Case, press: Press
) -> None:
    before = len(slack.calls)
    office.later(minutes=1)
    press("take", "ann")
    assert slack.calls[before:] == []
    assert office.case(case.id).taken_at == office.clock.now() + timedelta()
