"""A Slack at its worst: slow, cut off in the middle of a press, saying things twice. What was done is done once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from fake_slack import APP_TOKEN, CHANNEL, TOKEN, FakeSlack, Fault
from office import Office, idle
from pydantic import SecretStr
from slack_bolt import App
from sqlalchemy import select

from monitor.alerts.slack import SlackTransport, web_client
from monitor.alerts.slack_app import Socket
from monitor.models import CaseEventRow


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection for buttons is quick to notice that it was cut; a busy machine may make it think so."""
    monkeypatch.setattr("monitor.alerts.slack_app.PING", 0.2)


@pytest.fixture
def socket(office: Office, app: App) -> Iterator[Socket]:
    """The connection for buttons, open."""
    socket = Socket(app, office.settings.slack.model_copy(update={"app_token": SecretStr(APP_TOKEN)}))
    socket.connect()
    yield socket
    socket.close()


def happened(office: Office, case_id: int) -> Counter[str]:
    with office.db.read() as session:
        return Counter(session.scalars(select(CaseEventRow.kind).where(CaseEventRow.case_id == case_id)))


def taken(slack: FakeSlack, user: str = "ann") -> dict[str, Any]:
    return slack.press(slack.posted("alert")[-1], "take", user, "1795000000.000001")


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("acknowledged", [True, False], ids=["after the acknowledgement", "before it"])
def test_a_socket_cut_in_the_middle_of_a_press_does_not_undo_or_double_it(
    office: Office, slack: FakeSlack, app: App, socket: Socket, acknowledged: bool
) -> None:
    case = office.complain()
    office.deliver()
    payload = taken(slack)
    envelope = slack.push(payload)
    if acknowledged:
        assert slack.acks.get(timeout=20)["envelope_id"] == envelope
    slack.drop_sockets()
    while not slack.acks.empty():  # what came up in the very moment of the cut
        slack.acks.get()
    slack.push(payload, envelope)  # down the next connection: Slack cannot know that it was heard
    assert slack.acks.get(timeout=30)["envelope_id"] == envelope
    idle(app)
    assert happened(office, case.id) == {"opened": 1, "take": 1}
    assert (office.case(case.id).owner, slack.whispers) == ("ann", [])
    office.deliver()
    assert [m["text"] for m in slack.posted("note")] == [":raised_hand: *ann* took it · 1 h left"]


def test_an_envelope_that_comes_five_times_counts_once(
    office: Office, slack: FakeSlack, app: App, socket: Socket
) -> None:
    case = office.complain()
    office.deliver()
    for _ in range(5):
        slack.push(taken(slack), "the-same-envelope")
    assert [slack.acks.get(timeout=20)["envelope_id"] for _ in range(5)] == ["the-same-envelope"] * 5
    idle(app)
    office.deliver()
    assert happened(office, case.id) == {"opened": 1, "take": 1}
    assert len(slack.posted("note")) == 1
    assert slack.whispers == []


def test_a_press_is_acknowledged_while_slack_itself_is_slow(
    office: Office, slack: FakeSlack, app: App, socket: Socket
) -> None:
    office.complain()
    office.deliver()
    app.client.timeout = 120
    slow = threading.Event()

    def fault(method: str, args: dict[str, Any]) -> Fault | None:
        if method == "views.open":
            slow.wait(120)
        return None

    slack.fault = fault
    presses = [slack.push(slack.press(slack.posted("alert")[-1], "more", "ann", f"1.{n}", "snooze")) for n in range(3)]
    presses.append(slack.push(taken(slack, "bob")))
    assert {slack.acks.get(timeout=60)["envelope_id"] for _ in presses} == set(presses)
    assert slack.views == {}  # nothing of it is done yet
    slow.set()
    idle(app)
    assert len(slack.views) == 3


def test_an_answer_that_comes_too_late_is_looked_for_and_not_sent_again(office: Office, slack: FakeSlack) -> None:
    office.transports["slack"] = SlackTransport(web_client(TOKEN, slack.base_url, timeout=1), [CHANNEL])
    office.stage = office.new_stage()
    office.complain()
    first = iter([Fault("slow", seconds=1.5)])
    slack.fault = lambda method, args: next(first, None) if method == "chat.postMessage" else None
    for _ in range(8):
        office.deliver()
        office.later(seconds=5)
    assert len(slack.posted("alert")) == 1
    assert [method for method, _ in slack.calls].count("chat.postMessage") == 1
    assert office.states() == {"sent": 1}


@pytest.mark.parametrize("kind", ["limited", "lost", "unheard", "broken", "broken_after", "garbled"])
def test_whatever_goes_wrong_with_a_thread_reply_it_is_there_once_and_in_order(
    office: Office, slack: FakeSlack, kind: str
) -> None:
    case = office.complain()
    office.deliver()
    office.act(case, "take")
    office.act(case, "note", text="asked the carrier")
    office.act(case, "reply")
    left = iter([Fault(kind), Fault(kind)])
    slack.fault = lambda method, args: next(left, None) if method.startswith("chat.") else None
    for _ in range(30):
        office.deliver()
        office.clock.move(timedelta(seconds=10))
    root, *notes = slack.posted()
    assert [note["text"].split()[0] for note in notes] == [":raised_hand:", ":memo:", ":white_check_mark:"]
    assert {note["thread_ts"] for note in notes} == {root["ts"]}
    assert root["text"].endswith("answered")


def test_while_slack_limits_us_nothing_overtakes_and_nobody_asks_before_the_time(
    office: Office, slack: FakeSlack, press: Callable[..., None]
) -> None:
    for number in range(5):
        office.complain(f"Complaint {number}")
    limited = iter([Fault("limited", retry_after=40)])
    slack.fault = lambda method, args: next(limited, None) if method == "chat.postMessage" else None
    office.deliver()
    tried = len(slack.calls)
    office.later(seconds=39)
    office.deliver()
    assert len(slack.calls) == tried
    office.later(seconds=2)
    office.deliver()
    said = [m["text"] for m in slack.posted("alert")]
    assert [f"Complaint {number}" in text for number, text in enumerate(said)] == [True] * 5
