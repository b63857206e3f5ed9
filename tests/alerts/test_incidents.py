"""What the team sees of a storm: one message in the channel, its cases in the thread, and what people do there."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from alerts.test_blocks import CASE, HOSTILE, NOW
from fake_slack import CHANNEL, FakeSlack
from hypothesis import given
from office import Office, verdict
from slack_bolt import App
from slack_bolt.request import BoltRequest

from monitor.alerts import incident_blocks
from monitor.incidents import Incident

Send = Callable[[dict[str, Any]], str]


def storm(office: Office, count: int, topic: str = "outage", **more: Any) -> None:
    """So many complaints, two seconds apart, delivered as they come."""
    for number in range(count):
        office.complain(f"The app is down, {number} times now.", verdict(topic=topic), **more)
        office.later(seconds=2)
        office.deliver()


def settle(office: Office) -> None:
    """Let everything that was put off go out."""
    for _ in range(3):
        office.later(seconds=30)
        office.deliver()


def in_channel(slack: FakeSlack) -> list[dict[str, Any]]:
    return [m for m in slack.posted() if "thread_ts" not in m or m["broadcast"]]


def root(slack: FakeSlack) -> dict[str, Any]:
    return next(m for m in slack.posted("incident") if "thread_ts" not in m)


def pages(slack: FakeSlack) -> list[dict[str, Any]]:
    return [m for m in slack.posted("incident") if m["blocks"] and "thread_ts" in m]


def shown_cases(message: dict[str, Any]) -> list[int]:
    return [int(b["block_id"].split(":")[1]) for b in message["blocks"] if b["type"] == "actions"]


def words(message: dict[str, Any]) -> str:
    return message["text"] + json.dumps(message["blocks"], ensure_ascii=False)


def press(slack: FakeSlack, message: dict[str, Any], block_id: str, action: str, user: str, stamp: str) -> Any:
    """The payload of a press on one of several rows of buttons."""
    row = next(b for b in message["blocks"] if b.get("block_id") == block_id)
    return slack.press({**message, "blocks": [row]}, action, user, stamp)


def test_a_storm_is_one_message_and_its_cases_are_in_the_thread(office: Office, slack: FakeSlack) -> None:
    storm(office, 100)
    settle(office)
    alone = len(slack.posted("alert"))
    assert alone < 35  # nothing is known of the past, so it takes some to recognise it
    first = root(slack)
    assert all(m["thread_ts"] == first["ts"] for m in pages(slack))
    folded = [case_id for message in pages(slack) for case_id in shown_cases(message)]
    assert len(folded) == len(set(folded)) == 100 - alone
    assert max(len(shown_cases(m)) for m in pages(slack)) <= 8
    assert len(in_channel(slack)) == alone + 1
    assert "100 of 100 unanswered" in words(first)
    assert "The app is down" in words(first)
    assert any(bar in words(first) for bar in "▃▄▅▆▇█")


def test_cases_that_were_alerted_before_are_linked_from_the_thread(office: Office, slack: FakeSlack) -> None:
    storm(office, 40)
    settle(office)
    note = next(m for m in slack.posted("incident") if "were alerted before" in m["text"])
    linked = set(re.findall(r"archives/C0ALERTS/p(\d+)", note["text"]))
    assert linked == {m["ts"].replace(".", "") for m in slack.posted("alert")}


def test_alerts_that_nobody_has_seen_yet_go_into_the_thread(office: Office, slack: FakeSlack) -> None:
    for number in range(40):  # Slack is slow, or away: nothing has gone out when the storm is recognised
        office.complain(f"Down {number}", verdict(topic="outage"))
    settle(office)
    assert slack.posted("alert") == []
    assert sum(len(shown_cases(m)) for m in pages(slack)) == 40
    assert {office.case(n).slack_thread for n in range(1, 41)} == {root(slack)["ts"]}


def test_the_incidents_message_changes_at_most_every_so_often(office: Office, slack: FakeSlack) -> None:
    storm(office, 90)  # for three minutes
    settle(office)
    ts = root(slack)["ts"]
    edits = [args for method, args in slack.calls if method == "chat.update" and args["ts"] == ts]
    assert 4 <= len(edits) <= 1 + 270 / 20


def test_a_case_is_taken_in_the_thread_and_everybody_sees_it(office: Office, slack: FakeSlack, send: Send) -> None:
    storm(office, 60)
    settle(office)
    page = dict(pages(slack)[-1])  # as bob still sees it when ann has pressed
    case_id = shown_cases(page)[0]
    send(press(slack, page, f"case:{case_id}", "take", "ann", "1795000001.1"))
    assert office.case(case_id).owner == "ann"
    settle(office)
    assert "<@U0ANN>* has it" in words(pages(slack)[-1])
    assert shown_cases(pages(slack)[-1]) == shown_cases(page)
    note = slack.posted("note")[-1]
    assert note["thread_ts"] == root(slack)["ts"]
    assert "*ann* took it" in note["text"]
    send(press(slack, page, f"case:{case_id}", "take", "bob", "1795000002.1"))
    assert "*ann* was faster" in slack.whispers[-1]["text"]


def test_take_the_next_one_gives_each_a_case_of_their_own(
    office: Office, slack: FakeSlack, app: App, send: Send
) -> None:
    storm(office, 40)
    settle(office)
    message, block = root(slack), "incident:1"
    for number, user in enumerate(["ann", "bob", "ann"]):
        send(press(slack, message, block, "incident_take", user, f"179500000{number}.1"))
    send(press(slack, message, block, "incident_take", "ann", "1795000002.1"))  # the same envelope again
    owners = Counter(office.case(n).owner for n in range(1, 41))
    assert owners == {None: 37, "ann": 2, "bob": 1}
    assert office.case(1).owner == "ann"  # the one that is due first
    assert "You have this one now: <https://slack.com/archives/" in slack.whispers[-1]["text"]
    for n in range(1, 41):
        if office.case(n).owner is None:
            office.act(office.case(n), "resolve")
    send(press(slack, message, block, "incident_take", "bob", "1795000009.1"))
    assert "has been taken or answered" in slack.whispers[-1]["text"]


def test_the_reply_is_prepared_once_for_all(office: Office, slack: FakeSlack, send: Send) -> None:
    storm(office, 40)
    settle(office)
    send(press(slack, root(slack), "incident:1", "incident_answer", "ann", "1795000001.1"))
    view = slack.open_view()
    assert "initial_value" not in json.dumps(view)
    send(slack.submit(view, "ann", answer={"value": "We are *sorry* <!channel>"}))
    settle(office)
    note = slack.posted("note")[-1]
    assert "*ann* prepared the reply" in note["text"]
    assert "&lt;!channel&gt;" in note["text"]
    assert "We are *sorry*" in words(root(slack))
    send(press(slack, root(slack), "incident:1", "incident_answer", "bob", "1795000003.1"))
    assert "We are *sorry* <!channel>" in json.dumps(slack.open_view())


def test_the_reply_window_of_each_case_begins_with_what_was_prepared(
    office: Office, slack: FakeSlack, send: Send
) -> None:
    storm(office, 60)
    settle(office)
    office.incidents.set_answer(1, "Dear {name}, we are on it.", "ann", office.clock.now())
    case_id = shown_cases(pages(slack)[-1])[0]
    send(press(slack, pages(slack)[-1], f"case:{case_id}", "reply", "bob", "1795000001.1"))
    assert f"Dear customer{case_id}, we are on it." in json.dumps(slack.open_view())
    assert office.case(case_id).first_response_at is None  # a person still sends it


def test_reminders_of_a_storm_are_one(office: Office, slack: FakeSlack) -> None:
    storm(office, 120)
    settle(office)
    for n in range(30, 110):
        office.act(office.case(n), "reply")
    before = len(in_channel(slack))
    for _ in range(80):
        office.later(minutes=1)
        office.tick()
        office.deliver()
    asked = [m for m in in_channel(slack)[before:] if m["posted_as"] in ("reminder", "escalation", "breach")]
    assert len(in_channel(slack)) - before == len(asked) <= 12
    assert "40 of 120 unanswered, oldest due" in asked[0]["text"]
    assert any("The time to answer has run out for" in m["text"] for m in asked)
    assert ":rotating_light:" in words(root(slack))


def test_nobody_is_reminded_once_all_is_answered(office: Office, slack: FakeSlack) -> None:
    storm(office, 40)
    office.later(minutes=19)
    office.tick()  # reminders are put in and not sent yet
    for n in range(1, 41):
        office.act(office.case(n), "reply")
    settle(office)
    office.later(hours=2)
    office.tick()
    settle(office)
    assert [m for m in slack.posted() if m["posted_as"] in ("reminder", "escalation", "breach")] == []
    assert "all answered" in words(root(slack))


def test_every_case_of_a_storm_keeps_a_clock_of_its_own(office: Office, slack: FakeSlack) -> None:
    storm(office, 60)
    settle(office)
    office.act(office.case(60), "reply")
    office.later(hours=2)
    office.tick()
    assert office.case(60).met is True
    assert [office.case(n).breached_at is not None for n in range(1, 60)] == [True] * 59


def test_it_ends_by_itself_with_a_summary_and_what_comes_after_is_alerted(office: Office, slack: FakeSlack) -> None:
    storm(office, 60)
    office.later(minutes=31)
    office.incidents.tick(office.clock.now())
    settle(office)
    summary = slack.posted("incident")[-1]
    assert summary["broadcast"]
    assert "60 complaints* in 33 min. It is back to the usual." in summary["text"]
    assert "Storm over" in words(root(slack))
    office.complain("Late to the party", verdict(topic="outage"))
    office.deliver()
    assert "Late to the party" in words(slack.posted("alert")[-1])


def test_somebody_may_say_that_it_is_over(office: Office, slack: FakeSlack, send: Send) -> None:
    storm(office, 40)
    settle(office)
    before = dict(root(slack))
    send(press(slack, before, "incident:1", "incident_end", "ann", "1795000001.1"))
    settle(office)
    assert "*ann* ended it" in slack.posted("incident")[-1]["text"]
    send(press(slack, before, "incident:1", "incident_end", "bob", "1795000002.1"))  # who still sees the button
    assert "ended already, by ann" in slack.whispers[-1]["text"]


def test_who_may_not_act_may_do_nothing_to_an_incident(
    db: Any, clock: Any, slack: FakeSlack, make_settings: Any
) -> None:
    from monitor.alerts.slack_app import build_app

    office = Office(db, clock, slack, make_settings, {"slack": {"agents": ["U0BOSS"]}})
    app = build_app(office.settings, office.cases, db, clock, whispers=office.whispers, incidents=office.incidents)
    storm(office, 40)
    settle(office)
    for number, action in enumerate(("incident_take", "incident_answer", "incident_end")):
        payload = press(slack, root(slack), "incident:1", action, "ann", f"179500000{number}.1")
        app.dispatch(BoltRequest(mode="socket_mode", body=payload))
    from alerts.conftest import idle

    idle(app)
    assert len([w for w in slack.whispers if "not among those who may act" in w["text"]]) == 3
    assert {office.case(n).owner for n in range(1, 41)} == {None}


def test_what_a_customer_writes_more_is_said_in_the_thread(office: Office, slack: FakeSlack) -> None:
    storm(office, 60)
    settle(office)
    case = office.case(60)
    office.complain("And now it is <!here> still down", verdict(topic="outage"), author=case.author)
    settle(office)
    note = slack.posted("note")[-1]
    assert "wrote more" in note["text"]
    assert "&lt;!here&gt;" in note["text"]
    assert str(case.author) in note["text"]


def test_a_call_for_help_names_its_case_and_reaches_the_channel(office: Office, slack: FakeSlack) -> None:
    storm(office, 60)
    settle(office)
    office.act(office.case(60), "escalate")
    settle(office)
    call = slack.posted("escalation")[-1]
    assert (call["broadcast"], call["thread_ts"]) == (True, root(slack)["ts"])
    assert "asks for help" in call["text"]
    assert "The app is down, 59 times now" in call["text"]


def test_a_case_dismissed_is_no_longer_counted(office: Office, slack: FakeSlack) -> None:
    storm(office, 40)
    office.act(office.case(40), "dismiss")
    settle(office)
    assert "39 of 39 unanswered" in words(root(slack))
    assert "Not a complaint" in words(pages(slack)[-1])


INCIDENT = Incident(
    id=7,
    brand="Acme",
    state="open",
    topics=("app_or_website",),
    began_at=NOW - timedelta(minutes=20),
    opened_at=NOW - timedelta(minutes=15),
    ended_at=None,
    ended_by=None,
    usual=3.0,
    answer=None,
    answer_by=None,
    slack_channel=CHANNEL,
    slack_ts="1795000000.000100",
    cases=120,
    unanswered=37,
    untaken=30,
    overdue=0,
    oldest_due=NOW + timedelta(minutes=40),
    in_time=80,
    late=2,
    unreplied=1,
    by_topic=Counter({"app_or_website": 110, "outage": 10}),
    by_source=Counter({"reddit": 80, "x": 40}),
    by_severity=Counter({"medium": 100, "high": 18, "critical": 2}),
    by_language=Counter({"en": 100, "et": 20}),
    elsewhere=Counter(),
    posted=tuple(NOW - timedelta(seconds=10 * n) for n in range(120, 0, -1)),
)


@given(HOSTILE, HOSTILE, HOSTILE)
def test_hostile_words_stay_letters_and_within_slacks_limits(text: str, name: str, answer: str) -> None:
    case = replace(CASE, text=text, author=name, author_name=name, source=name or "x", brand=name or "Acme")
    seen = replace(
        INCIDENT,
        brand=name or "Acme",
        answer=answer or None,
        answer_by=name,
        by_source=Counter({name or str(n): n for n in range(30)}),
    )
    for words_, shown in (
        incident_blocks.root(seen, [case] * 3, NOW),
        incident_blocks.entries([case] * 12, NOW, {}),
    ):
        assert len(shown) <= 50
        assert all(1 <= len(b["text"]["text"]) <= 3000 for b in shown if b["type"] == "section")
        assert all(len(e["text"]) <= 2000 for b in shown if b["type"] == "context" for e in b["elements"])
        assert len(json.dumps(shown, ensure_ascii=False)) < 25_000
        assert not re.search(r"<(!(?!date)|@|#)", json.dumps(shown) + words_)
    told = [
        incident_blocks.earlier([case] * 200),
        incident_blocks.summary(seen, NOW),
        incident_blocks.asks(seen, "breach", None, NOW),
        incident_blocks.answer_set(seen),
    ]
    for said in told:
        assert len(said) < 12_000
        assert not re.search(r"<(!(?!date)|@|#)", said)


@pytest.mark.parametrize("event", ["remind", "oncall", "breach", "renag", "silent_owner"])
def test_a_reminder_says_how_many_and_by_when(event: str) -> None:
    said = incident_blocks.asks(replace(INCIDENT, overdue=4), event, "<@U0LEAD>", NOW)
    assert "37 of 120 unanswered, 4 overdue, oldest due" in said
    assert "<@U0LEAD>" in said


def test_bars_grow_with_the_counts() -> None:
    assert incident_blocks.bars([0, 1, 2, 4, 8]) == "▁▂▃▅█"
    assert incident_blocks.bars([0, 0]) == "▁▁"


def test_plain_words_for_pagers_have_no_markup() -> None:
    title, body = incident_blocks.plain(INCIDENT, "oncall", NOW)
    assert title == "Acme: a storm of complaints, 37 wait for an answer"
    assert "<" not in body.replace("<https", "")
