"""Snooze, hand over and history: the modals that the menu under a case opens, dispatched as Slack sends them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from alerts.test_blocks import CASE, HOSTILE, NOW
from fake_slack import CHANNEL, FakeSlack, Fault, wrong_view
from hypothesis import given
from hypothesis import strategies as st
from office import Office

from monitor.alerts import case_history, modals
from monitor.business_time import BusinessHours, windows
from monitor.cases import Case, Event
from monitor.transitions import PEOPLE_EVENTS, SYSTEM_EVENTS

Press = Callable[..., None]
Send = Callable[[dict[str, Any]], str]

CUSTOM: dict[str, Any] = {"selected_option": {"value": "custom"}}


@pytest.fixture
def case(office: Office) -> Case:
    found = office.complain()
    office.deliver()
    return found


def labels(view: dict[str, Any], block: str) -> list[str]:
    element = next(b for b in view["blocks"] if b.get("block_id") == block)["element"]
    return [option["text"]["text"] for option in element["options"]]


def words(view: dict[str, Any]) -> str:
    return json.dumps(view["blocks"], ensure_ascii=False)


def test_snooze_asks_for_how_long_and_the_case_comes_back(
    office: Office, slack: FakeSlack, case: Case, press: Press, send: Send
) -> None:
    press("more", "ann", "snooze")
    view = slack.open_view()
    assert labels(view, "until") == [
        "For 15 minutes",
        "For 1 hour",
        "Until Sat 21 Nov, 09:00 (UTC)",
        "Until another time, chosen below",
    ]
    assert office.case(case.id).state == "open"  # nothing has happened yet
    assert send(slack.submit(view, "ann", until={"selected_option": {"value": "1h"}})) == ""
    assert (office.case(case.id).state, office.case(case.id).clock) == ("snoozed", "paused")
    office.deliver()
    assert "*ann* snoozed it until" in slack.posted("note")[-1]["text"]
    assert "Snoozed" in slack.posted("alert")[-1]["blocks"][0]["text"]["text"]
    office.later(hours=1, seconds=1)
    office.tick()
    assert office.case(case.id).state == "open"


def test_snooze_until_business_opens(office: Office, slack: FakeSlack, case: Case, press: Press, send: Send) -> None:
    press("more", "ann", "snooze")
    value = slack.open_view()["blocks"][1]["element"]["options"][2]["value"]
    send(slack.submit(slack.open_view(), "ann", until={"selected_option": {"value": value}}))
    assert office.case(case.id).snoozed_until == datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def test_snooze_until_a_time_of_ones_own(
    office: Office, slack: FakeSlack, case: Case, press: Press, send: Send
) -> None:
    press("more", "ann", "snooze")
    then = office.clock.now() + timedelta(hours=5)
    view = slack.open_view()
    past = {"selected_date_time": int((then - timedelta(hours=6)).timestamp())}
    assert "to come" in json.loads(send(slack.submit(view, "ann", until=CUSTOM, time=past)))["errors"]["time"]
    assert "Choose until when" in send(slack.submit(view, "ann", until=CUSTOM))
    far = {"selected_date_time": int((then + timedelta(days=400)).timestamp())}
    assert "a year away" in send(slack.submit(view, "ann", until=CUSTOM, time=far))
    assert office.case(case.id).state == "open"
    send(slack.submit(view, "ann", until=CUSTOM, time={"selected_date_time": int(then.timestamp())}))
    assert office.case(case.id).snoozed_until == then


def test_a_mute_silences_the_reminders_and_not_the_clock(
    office: Office, slack: FakeSlack, case: Case, press: Press, send: Send
) -> None:
    press("more", "ann", "snooze")
    view = slack.open_view()
    assert labels(view, "what") == [
        "The case: its clock pauses",
        "Its reminders only: the clock goes on",
        "Its reminders only, for good",
    ]
    send(
        slack.submit(
            view, "ann", until={"selected_option": {"value": "1h"}}, what={"selected_option": {"value": "mute"}}
        )
    )
    office.deliver()
    assert office.case(case.id).clock == "running"
    assert office.case(case.id).muted_until == office.clock.now() + timedelta(hours=1)
    assert "*ann* muted its reminders until" in slack.posted("note")[-1]["text"]
    assert "reminders muted until" in slack.posted("alert")[-1]["blocks"][2]["text"]["text"]
    press("more", "bob", "snooze")
    assert labels(slack.open_view(), "what")[-1] == "Nothing: remind us again"
    send(slack.submit(slack.open_view(), "bob", what={"selected_option": {"value": "unmute"}}))
    assert office.case(case.id).muted_until is None
    press("more", "bob", "snooze")
    send(slack.submit(slack.open_view(), "bob", what={"selected_option": {"value": "mute_for_good"}}))
    office.deliver()
    assert "muted its reminders for good" in slack.posted("note")[-1]["text"]


@pytest.mark.parametrize(
    ("hours", "now", "opens"),
    [
        (["mon-fri 09:00-17:00"], "2026-11-20T12:00Z", "2026-11-23T09:00Z"),  # open: the next opening
        (["mon-fri 09:00-17:00"], "2026-11-21T12:00Z", "2026-11-23T09:00Z"),  # closed
        (["mon-fri 09:00-12:00", "mon-fri 13:00-17:00"], "2026-11-20T11:59Z", "2026-11-20T13:00Z"),
        (["fri 22:00-02:00", "sat 02:00-04:00"], "2026-11-20T23:00Z", "2026-11-27T22:00Z"),  # no break at 02:00
        (["mon-sun 00:00-24:00"], "2026-11-20T12:00Z", None),
    ],
)
def test_when_business_opens_next(hours: list[str], now: str, opens: str | None) -> None:
    found = BusinessHours(windows(hours)).opens_after(datetime.fromisoformat(now))
    assert found == (datetime.fromisoformat(opens) if opens else None)


def test_a_colleague_gets_the_case_and_is_told(
    office: Office, slack: FakeSlack, case: Case, press: Press, send: Send
) -> None:
    press("take", "ann")
    office.deliver()
    press("more", "ann", "hand_over")
    view = slack.open_view()
    send(slack.submit(view, "ann", user={"selected_user": "U0BOB"}, note={"value": "She called <!here> twice."}))
    office.deliver()
    assert office.case(case.id).owner == "bob"
    note = slack.posted("note")[-1]
    assert note["text"].startswith(":handshake: *ann* handed it over to <@U0BOB>")
    assert note["text"].endswith("\n>She called &lt;!here&gt; twice.")
    assert "*<@U0BOB>* has it" in slack.posted("alert")[-1]["blocks"][2]["text"]["text"]
    assert slack.whispers == []


def test_a_case_that_somebody_has_can_go_back_to_the_group(
    office: Office, slack: FakeSlack, case: Case, press: Press, send: Send
) -> None:
    press("take", "ann")
    office.deliver()
    press("more", "ann", "hand_over")
    send(slack.submit(slack.open_view(), "ann", whom={"selected_option": {"value": "back"}}))
    assert (office.case(case.id).state, office.case(case.id).owner) == ("open", None)


def test_nobody_chosen_is_said_in_the_modal(
    office: Office, slack: FakeSlack, case: Case, press: Press, send: Send
) -> None:
    press("more", "ann", "hand_over")
    assert "Choose who" in json.loads(send(slack.submit(slack.open_view(), "ann")))["errors"]["user"]
    assert office.case(case.id).version == case.version


@pytest.mark.parametrize(("more", "why"), [({"is_bot": True}, "is an app"), ({"deleted": True}, "not in this")])
def test_who_cannot_have_a_case_does_not_get_one(
    office: Office, slack: FakeSlack, case: Case, press: Press, send: Send, more: dict[str, Any], why: str
) -> None:
    slack.users["U0BOB"] = more
    press("more", "ann", "hand_over")
    send(slack.submit(slack.open_view(), "ann", user={"selected_user": "U0BOB"}))
    assert office.case(case.id).owner is None
    assert why in slack.whispers[-1]["text"]


def test_without_the_scope_to_look_names_up_the_person_is_told(
    office: Office, slack: FakeSlack, case: Case, press: Press, send: Send
) -> None:
    press("more", "ann", "hand_over")
    slack.fault = lambda method, args: Fault("refused", error="missing_scope") if method == "users.info" else None
    send(slack.submit(slack.open_view(), "ann", user={"selected_user": "U0BOB"}))
    assert "users:read" in slack.whispers[-1]["text"]
    assert office.case(case.id).owner is None


def test_a_case_that_was_closed_while_the_modal_was_open(
    office: Office, slack: FakeSlack, case: Case, press: Press, send: Send
) -> None:
    press("more", "ann", "snooze")
    office.act(case, "resolve", "bob")
    send(slack.submit(slack.open_view(), "ann"))
    assert slack.whispers[-1]["text"] == f"Case {case.id} is resolved already. Reopen it if there is more to do."
    assert slack.whispers[-1]["channel"] == CHANNEL


def test_the_same_submission_twice_counts_once(
    office: Office, slack: FakeSlack, case: Case, press: Press, send: Send
) -> None:
    press("more", "ann", "hand_over")
    for _ in range(2):
        send(slack.submit(slack.open_view(), "ann", user={"selected_user": "U0BOB"}))
    with office.db.read() as session:
        kinds = [event.kind for event in office.cases.history(session, case.id)]
    assert kinds == ["opened", "hand_over"]
    assert slack.whispers == []


def test_slack_may_be_too_slow_to_open_a_modal(office: Office, slack: FakeSlack, case: Case, press: Press) -> None:
    slack.fault = lambda m, a: Fault("refused", error="expired_trigger_id") if m == "views.open" else None
    press("more", "ann", "snooze")
    assert "Please press again" in slack.whispers[-1]["text"]


def test_the_history_tells_all_of_it_page_by_page(
    office: Office, slack: FakeSlack, case: Case, press: Press, send: Send
) -> None:
    for number in range(30):
        office.later(minutes=1)
        office.act(case, "note", "bob", text=f"Note {number}")
    press("more", "ann", "history")
    view = slack.open_view()
    assert ">Note 29" in words(view)
    assert ">Note 17" not in words(view)
    assert "Page 3 of 3 · 31 entries" in words(view)
    while earlier := [
        e for b in view["blocks"] for e in b.get("elements", ()) if e.get("action_id") == "history_earlier"
    ]:
        action = {**earlier[0], "block_id": "history", "action_ts": "1.1"}
        payload = {"type": "block_actions", "user": {"id": "U0ANN", "name": "ann"}, "team": {"id": "T0"}}
        send(payload | {"view": view, "actions": [action], "trigger_id": "1.2.5", "container": {"type": "view"}})
        view = slack.open_view()
    assert "The case was opened" in words(view)
    assert "Page 1 of 3" in words(view)
    assert len(slack.views) == 1


def test_each_kind_of_event_has_its_sentence() -> None:
    for kind in (*PEOPLE_EVENTS, *SYSTEM_EVENTS):
        told = case_history.told(Event(1, 1, kind, "ann", "slack", NOW, {}), {}, NOW)
        assert ":information_source:" not in told, f"{kind} has none"


ORIGINS = st.sampled_from(["slack", "web", "clock", "<!here>"])
EVENTS = st.builds(
    lambda kind, actor, origin, text: Event(1, 42, kind, actor, origin, NOW, {"text": text, "to": text, "owner": text}),
    st.sampled_from(["note", "hand_over", "silent_owner", "reply", "invented_{actor}"]),
    HOSTILE,
    ORIGINS,
    HOSTILE,
)


@given(st.lists(EVENTS, min_size=1, max_size=30), st.integers(-1, 4))
def test_any_history_gives_a_modal_that_slack_takes(events: list[Event], page: int) -> None:
    view = case_history.view(CASE, events, {}, page, NOW)
    assert wrong_view(view) is None
    for bad in ("<!channel", "<@U0123", "<!subteam", "<!here", "<http://evil|", "\u202e"):
        assert bad not in words(view)


@given(HOSTILE, HOSTILE)
def test_any_case_gives_modals_that_slack_takes(text: str, name: str) -> None:
    case = replace(CASE, text=text, owner=name or "x", brand=name, source=name, state="taken")
    zone = ZoneInfo("America/Argentina/ComodRivadavia")
    for view in (
        modals.snooze(case, NOW, NOW + timedelta(hours=8), zone, {"channel": CHANNEL}),
        modals.hand_over(case, NOW, {"channel": CHANNEL}),
        modals.turn(text, [name or "x"], ("low", "medium"), ("other",), {}),
        modals.notice("Words."),
    ):
        assert wrong_view(view) is None
