"""The Home tab and the shortcut "Turn into a case"."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from alerts.test_blocks import CASE, HOSTILE, NOW, STATES
from alerts.test_incidents import INCIDENT
from fake_slack import CHANNEL, FakeSlack, Fault, wrong_view
from hypothesis import given
from hypothesis import strategies as st
from office import Office, idle, verdict
from slack_bolt import BoltRequest
from sqlalchemy import func, select

from monitor.alerts import lists, silences
from monitor.alerts.slack_app import build_app
from monitor.alerts.slack_shortcut import words_of
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.models import CaseRow, MentionRow
from monitor.settings import Settings

Send = Callable[[dict[str, Any]], str]


def sections(view: dict[str, Any]) -> list[str]:
    """The last line of each section: what the customer said."""
    return [b["text"]["text"].rpartition("\n")[2] for b in view["blocks"] if b["type"] == "section"]


# the Home tab


def test_the_tab_shows_mine_and_then_the_teams(office: Office, slack: FakeSlack, send: Send) -> None:
    office.act(office.complain("Mine."), "take", "ann")
    office.act(office.complain("Bob's."), "take", "bob")
    office.complain("Nobody's.")
    office.act(office.complain("Answered."), "reply", "ann")
    send(slack.open_home("ann"))
    home = slack.homes["U0ANN"]
    assert sections(home) == [">Mine.", ">Bob's.", ">Nobody's."]
    assert "3 open in all" in json.dumps(home)
    send(slack.open_home("eve"))
    assert sections(slack.homes["U0EVE"])[0] == "You have none. Take one below, or in the channel."


def test_the_tab_says_until_when_it_is_quiet(
    db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings]
) -> None:
    office = Office(db, clock, slack, make_settings, {"slack": {"quiet": ["mon-sun 11:00-13:00"]}})  # it is noon
    app = build_app(office.settings, office.cases, db, clock, whispers=office.whispers)
    shown = []
    for _ in range(2):
        app.dispatch(BoltRequest(mode="socket_mode", body=slack.open_home("ann")))
        idle(app)
        shown.append("Quiet hours until *<!date^1795179600^" in json.dumps(slack.homes["U0ANN"]))
        office.later(hours=1)
    assert shown == [True, False]


def test_buttons_of_the_tab_work_and_draw_it_again(office: Office, slack: FakeSlack, send: Send) -> None:
    case = office.complain()
    office.deliver()
    send(slack.open_home("ann"))
    send(slack.press_home("ann", f"case:{case.id}", "take", "1.1"))
    assert office.case(case.id).owner == "ann"
    office.deliver()
    assert "*ann* took it" in slack.posted("note")[-1]["text"]
    send(slack.press_home("ann", f"case:{case.id}", "resolve", "1.2"))
    assert office.case(case.id).state == "resolved"
    assert "Nothing else is open." in json.dumps(slack.homes["U0ANN"])


def test_the_menu_of_the_tab_opens_modals(office: Office, slack: FakeSlack, send: Send) -> None:
    case = office.complain()
    office.act(case, "take", "ann")
    send(slack.open_home("ann"))
    send(slack.press_home("ann", f"case:{case.id}", "more", "1.1", "snooze"))
    send(slack.submit(slack.open_view(), "ann"))
    assert office.case(case.id).state == "snoozed"
    assert "Paused until" in json.dumps(slack.homes["U0ANN"])


def test_reply_on_the_tab_opens_the_window_for_it(office: Office, slack: FakeSlack, send: Send) -> None:
    case = office.complain("Where is my parcel?")
    office.act(case, "take", "ann")
    send(slack.open_home("ann"))
    send(slack.press_home("ann", f"case:{case.id}", "reply", "1.1"))
    assert "Where is my parcel?" in json.dumps(slack.open_view())


def test_who_is_too_late_on_the_tab_is_told_in_a_window(office: Office, slack: FakeSlack, send: Send) -> None:
    case = office.complain()
    send(slack.open_home("ann"))
    office.act(case, "take", "bob")
    send(slack.press_home("ann", f"case:{case.id}", "take", "1.1"))
    assert "*bob* was faster and has it." in json.dumps(slack.open_view())


def test_refresh_draws_it_with_the_time_that_is_left_now(office: Office, slack: FakeSlack, send: Send) -> None:
    office.complain()
    send(slack.open_home("ann"))
    office.later(minutes=30)
    send(slack.press_home("ann", "home", "home_refresh", "1.1"))
    assert "30 min left" in json.dumps(slack.homes["U0ANN"])


def test_a_pause_is_shown(office: Office, slack: FakeSlack, send: Send) -> None:
    send(slack.command("pause 30m fire drill", "bob"))
    send(slack.open_home("ann"))
    assert "*bob* paused alerts until" in json.dumps(slack.homes["U0ANN"])


def test_the_messages_tab_draws_nothing(slack: FakeSlack, send: Send) -> None:
    payload = slack.open_home("ann")
    payload["event"]["tab"] = "messages"
    send(payload)
    assert slack.homes == {}


def test_a_tab_that_slack_does_not_take_harms_nobody(office: Office, slack: FakeSlack, send: Send) -> None:
    slack.fault = lambda m, a: Fault("refused", error="not_enabled") if m == "views.publish" else None
    send(slack.open_home("ann"))
    assert slack.homes == {}


CASES = st.builds(
    lambda id, text, name, state: replace(
        CASE, id=id, text=text, source=name, brand=name, owner=name, topic=name, author_url=text, url=text, state=state
    ),
    st.integers(1, 10**9),
    HOSTILE,
    HOSTILE,
    STATES,
)


@given(st.lists(CASES, max_size=40, unique_by=lambda case: case.id), st.integers(0, 40))
def test_any_cases_give_a_tab_and_lists_that_slack_takes(cases: list[Any], cut: int) -> None:
    pause = silences.Silence(1, "pause", CHANNEL, NOW, NOW + timedelta(hours=1), None, "<@U0123>", None, "`<!here>", "")
    view = lists.home(
        cases[:cut], cases[cut:], 10**6, [replace(INCIDENT, id=n) for n in range(cut % 8)], pause, NOW, NOW
    )
    assert wrong_view(view) is None
    text, blocks = lists.listed(cases, len(cases), "Open", "None", NOW)
    assert wrong_view({"type": "home", "blocks": blocks}) is None
    summary = lists.after_pause(pause, cases, NOW)
    everything = json.dumps([view, blocks], ensure_ascii=False) + text + summary
    assert len(summary) < 4000
    assert len(blocks) <= 50
    for bad in ("<!channel", "<@U0123", "<!subteam", "<!here", "<http://evil|", "\u202e"):
        assert bad not in everything


# the shortcut

MAIL = {"type": "message", "ts": "1795000000.000700", "user": "U0BOB", "text": "A customer wrote: my box is *broken*"}


def test_a_message_becomes_a_case_with_a_clock(office: Office, slack: FakeSlack, send: Send) -> None:
    send(slack.shortcut(MAIL, "ann", "C0SALES"))
    view = slack.open_view()
    chosen = {"selected_option": {"value": "high"}}
    values = {"words": {"value": "my box is broken"}, "customer": {"value": "Mrs. Tamm"}, "severity": chosen}
    send(slack.submit(view, "ann", **values, topic={"selected_option": {"value": "product_quality"}}))
    office.deliver()
    (alert,) = slack.posted("alert")
    words = json.dumps(alert["blocks"])
    assert "*High \\u00b7 product quality* on *slack* for *Acme*\\n>my box is broken" in words
    assert "Mrs. Tamm" in words
    assert "complaint by hand" in words
    assert "https://acme.slack.com/archives/C0SALES/p1795000000000700" in words
    (case,) = [office.case(1)]
    assert (case.clock, case.due_at) == ("running", office.clock.now() + timedelta(hours=1))
    assert slack.whispers[-1]["text"].startswith(f"Case {case.id} is open")
    assert slack.whispers[-1]["channel"] == "C0SALES"


def test_the_window_offers_the_words_of_the_message(office: Office, slack: FakeSlack, send: Send) -> None:
    send(slack.shortcut(MAIL | {"text": "x" * 9000}, "ann"))
    element = slack.open_view()["blocks"][0]["element"]
    assert len(element["initial_value"]) == 3000
    assert element["initial_value"].endswith("…")


def test_the_same_message_twice_is_one_case(office: Office, slack: FakeSlack, send: Send) -> None:
    for user in ("ann", "bob"):
        send(slack.shortcut(MAIL, user))
        send(slack.submit(slack.open_view(), user, words={"value": "broken"}))
        office.deliver()
    with office.db.read() as session:
        assert session.scalar(select(func.count()).select_from(CaseRow)) == 1
    assert slack.whispers[-1]["text"].startswith("That message is case 1 already: <https://slack.com/archives/")


def test_messages_of_one_colleague_are_different_cases(office: Office, slack: FakeSlack, send: Send) -> None:
    for number in range(2):
        send(slack.shortcut(MAIL | {"ts": f"1795000000.00080{number}"}, "ann"))
        send(slack.submit(slack.open_view(), "ann", words={"value": f"broken {number}"}))
    with office.db.read() as session:
        assert session.scalar(select(func.count()).select_from(CaseRow)) == 2
        assert set(session.scalars(select(MentionRow.source))) == {"slack"}


def test_a_message_of_ours_is_a_case_already(office: Office, slack: FakeSlack, send: Send) -> None:
    case = office.complain()
    office.deliver()
    send(slack.shortcut(slack.posted("alert")[-1], "ann"))
    assert slack.whispers[-1]["text"] == f"That is the message of case {case.id} already."
    assert slack.views == {}


def test_a_message_without_words_and_a_window_without_words(office: Office, slack: FakeSlack, send: Send) -> None:
    send(slack.shortcut(MAIL | {"text": ""}, "ann"))
    assert "There are no words in that message" in slack.whispers[-1]["text"]
    send(slack.shortcut(MAIL, "ann"))
    assert "What did the customer say?" in send(slack.submit(slack.open_view(), "ann", words={"value": " "}))


def test_only_agents_open_cases(office: Office, slack: FakeSlack) -> None:
    settings = office.settings.slack.model_copy(update={"agents": ["U0BOB"]})
    whole = office.settings.model_copy(update={"slack": settings})
    app = build_app(whole, office.cases, office.db, office.clock, whispers=office.whispers)
    app.dispatch(BoltRequest(mode="socket_mode", body=slack.shortcut(MAIL, "eve")))
    idle(app)
    assert "not among those who may act" in slack.whispers[-1]["text"]
    assert slack.views == {}


def test_a_case_by_hand_is_taken_and_answered_like_any_other(
    office: Office, slack: FakeSlack, send: Send, press: Callable[..., None]
) -> None:
    send(slack.shortcut(MAIL, "ann"))
    send(slack.submit(slack.open_view(), "ann", words={"value": "broken"}))
    office.deliver()
    press("take", "ann")
    office.later(minutes=5)
    office.act(office.case(1), "reply", "ann")
    assert (office.case(1).met, office.case(1).calendar_seconds) == (True, 300.0)
    assert office.complain("Another.", verdict()).id == 2


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"text": "Tom &amp; Jerry &lt;3"}, "Tom & Jerry <3"),
        ({"text": "see <https://example.com/a?b=1&amp;c=2|the page> or <https://example.com>"},
         "see the page (https://example.com/a?b=1&c=2) or https://example.com"),
        ({"text": "<@U012|bob> in <#C012|sales>: <!here> <!subteam^S012|@care>"}, "@bob in #sales: @here @care"),
        ({"text": "<mailto:a@b.c|a@b.c>"}, "a@b.c"),
        ({"text": "Fwd:", "attachments": [{"fallback": "short", "text": "long"}, {"fallback": "only"}]},
         "Fwd:\nlong\nonly"),
        ({"text": ""}, ""),
    ],
)  # fmt: skip
def test_words_are_taken_out_of_slacks_markup(message: dict[str, Any], words: str) -> None:
    assert words_of(message) == words
