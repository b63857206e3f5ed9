"""Presses of Slack's buttons, as slack-bolt dispatches them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from fake_slack import APP_TOKEN, CHANNEL, FakeSlack, Fault
from office import Office, idle
from pydantic import SecretStr
from slack_bolt import App, BoltRequest
from sqlalchemy import select

from monitor.alerts.slack_app import Socket
from monitor.models import CaseEventRow, CorrectionRow


def labels(message: dict[str, Any]) -> list[str]:
    return [e["text"]["text"] for e in message["blocks"][-1]["elements"] if e["type"] == "button"]


def test_take_it_gives_the_case_to_who_pressed(office: Office, slack: FakeSlack, press: Callable[..., None]) -> None:
    case = office.complain()
    office.deliver()
    press("take", "ann")
    office.deliver()
    assert (office.case(case.id).state, office.case(case.id).owner) == ("taken", "ann")
    root, note = slack.posted()
    assert "<@U0ANN>* has it" in root["blocks"][2]["text"]["text"]
    assert "Take it" not in labels(root)
    assert note["thread_ts"] == root["ts"]
    assert "*ann* took it" in note["text"]
    assert slack.whispers == []


def test_of_two_who_press_one_has_it_and_the_other_is_told_who(
    office: Office, slack: FakeSlack, press: Callable[..., None]
) -> None:
    case = office.complain()
    office.deliver()
    old = dict(slack.posted("alert")[-1])
    press("take", "ann")
    office.deliver()
    press("take", "bob", on=old)
    assert office.case(case.id).owner == "ann"
    (whisper,) = slack.whispers
    assert (whisper["channel"], whisper["user"]) == (CHANNEL, "U0BOB")
    assert whisper["text"] == "*ann* was faster and has it."


def test_both_at_the_very_same_moment(office: Office, slack: FakeSlack, app: App) -> None:
    case = office.complain()
    office.deliver()
    message = slack.posted("alert")[-1]
    people = [f"agent{number}" for number in range(5)]
    payloads = [slack.press(message, "take", user, f"1795000000.00000{n}") for n, user in enumerate(people)]
    threads = [
        threading.Thread(target=app.dispatch, args=[BoltRequest(mode="socket_mode", body=body)]) for body in payloads
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    idle(app)
    owner = office.case(case.id).owner
    assert owner in people
    assert sorted(w["user"] for w in slack.whispers) == sorted(f"U0{p.upper()}" for p in people if p != owner)


def test_the_same_press_delivered_twice_happens_once(
    office: Office, slack: FakeSlack, press: Callable[..., None]
) -> None:
    case = office.complain()
    office.deliver()
    old = dict(slack.posted("alert")[-1])
    press("take", "ann", stamp="1795000000.5")
    press("take", "ann", stamp="1795000000.5", on=old)
    with office.db.read() as session:
        kinds = session.scalars(select(CaseEventRow.kind).where(CaseEventRow.case_id == case.id)).all()
    assert list(kinds).count("take") == 1
    assert slack.whispers == []


def test_resolve_ends_the_case_and_old_buttons_say_so(
    office: Office, slack: FakeSlack, press: Callable[..., None]
) -> None:
    case = office.complain()
    office.deliver()
    old = dict(slack.posted("alert")[-1])
    press("resolve", "ann")
    office.deliver()
    assert office.case(case.id).state == "resolved"
    assert labels(slack.posted("alert")[-1]) == ["Reopen", "Open original"]
    press("take", "bob", on=old)
    assert slack.whispers[-1]["text"] == f"Case {case.id} is resolved already. Reopen it if there is more to do."
    press("reopen", "bob")
    assert office.case(case.id).state == "reopened"


def test_not_a_complaint_is_remembered_for_the_classifier(
    office: Office, slack: FakeSlack, press: Callable[..., None]
) -> None:
    case = office.complain()
    office.deliver()
    press("more", "ann", "dismiss")
    assert office.case(case.id).state == "dismissed"
    with office.db.read() as session:
        (correction,) = session.scalars(select(CorrectionRow)).all()
    assert (correction.mention_id, correction.complaint, correction.actor) == (case.mention_id, False, "ann")


def test_the_menu_of_an_old_message_still_snoozes(office: Office, slack: FakeSlack, press: Callable[..., None]) -> None:
    case = office.complain()
    office.deliver()
    old = deepcopy(slack.posted("alert")[-1])
    options = old["blocks"][-1]["elements"][-1]["options"]
    options.append({"text": {"type": "plain_text", "text": "Snooze for 15 min"}, "value": "snooze_15"})
    press("more", "ann", "snooze_15", on=old)
    assert (office.case(case.id).state, office.case(case.id).clock) == ("snoozed", "paused")
    office.later(minutes=15, seconds=1)
    office.tick()
    assert (office.case(case.id).state, office.case(case.id).clock) == ("open", "running")


def test_a_press_on_a_case_that_is_gone_says_so(office: Office, slack: FakeSlack, press: Callable[..., None]) -> None:
    office.complain()
    office.deliver()
    message = deepcopy(slack.posted("alert")[-1])
    message["blocks"][-1]["block_id"] = "case:4711"
    press("take", "ann", on=message)
    assert "Case 4711 is not here any more" in slack.whispers[0]["text"]


def test_when_the_database_is_away_the_person_is_told(
    office: Office, slack: FakeSlack, press: Callable[..., None]
) -> None:
    office.complain()
    office.deliver()
    office.db.close()
    for path in office.db.url.database, f"{office.db.url.database}-wal", f"{office.db.url.database}-shm":
        with open(str(path), "wb") as file:
            file.write(b"not a database any more" * 100)
    press("take", "ann")
    assert "That did not work, and nothing was changed" in slack.whispers[0]["text"]


def test_a_press_comes_through_the_socket_is_acknowledged_and_works(office: Office, slack: FakeSlack, app: App) -> None:
    case = office.complain()
    office.deliver()
    settings = office.settings.slack.model_copy(update={"app_token": SecretStr(APP_TOKEN)})
    socket = Socket(app, settings)
    socket.connect()
    try:
        payload = slack.press(slack.posted("alert")[-1], "take", "ann", "1795000000.000001")
        envelope = slack.push(payload)
        assert slack.acks.get(timeout=20)["envelope_id"] == envelope
        slack.push(payload, envelope)  # Slack sends an envelope again when an acknowledgement is late
        assert slack.acks.get(timeout=20)["envelope_id"] == envelope
        idle(app)
        assert office.case(case.id).owner == "ann"
        assert slack.whispers == []
    finally:
        socket.close()


def test_the_socket_keeps_trying_while_slack_is_away(
    office: Office, slack: FakeSlack, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.alerts.slack_app.RECONNECT", (0.01, 0.05))
    left = iter(range(3))
    slack.fault = lambda method, args: Fault("unheard") if next(left, None) is not None else None
    socket = Socket(app, office.settings.slack.model_copy(update={"app_token": SecretStr(APP_TOKEN)}))
    socket.connect()
    try:
        office.complain()
        payload = {"type": "block_actions", "actions": [{"action_id": "open", "type": "button", "block_id": "case:1"}]}
        payload |= {"user": {"id": "U0ANN"}, "team": {"id": "T0"}, "channel": {"id": CHANNEL}}
        assert slack.acks.empty()
        slack.push(payload)
        assert slack.acks.get(timeout=20)["envelope_id"]
    finally:
        socket.close()
