"""Who is told what, and when nobody is told any more."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fake_slack import CHANNEL, OPS, FakeSlack
from office import Office, verdict
from pytest_httpserver import HTTPServer

from monitor.alerts.announce import apprise_urls
from monitor.alerts.apprise_transport import AppriseTransport, label
from monitor.alerts.console import ConsoleTransport
from monitor.alerts.deliver import DeliverStage
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.settings import Settings

STEPS = [
    {"at": "20m", "notify": "thread"},
    {"at": "45m", "notify": "oncall"},
    {"at": "60m", "notify": "lead"},
]


@pytest.fixture
def make_office(
    db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings]
) -> Callable[..., Office]:
    def make(slack_settings: dict[str, Any] | None = None, steps: list[dict[str, str]] | None = None) -> Office:
        told = {"oncall": "S0CARE", "lead": "U0LEAD", "ops_channel": OPS} | (slack_settings or {})
        return Office(db, clock, slack, make_settings, {"slack": told, "clock": {"steps": steps or STEPS}})

    return make


def go_on(office: Office, minutes: float) -> list[tuple[str, str]]:
    """Let the time pass; the kinds and words of what was posted meanwhile."""
    before = len(office.slack.posted())
    office.later(minutes=minutes)
    office.tick()
    office.deliver()
    return [(m["posted_as"], m["text"]) for m in office.slack.posted()[before:]]


def test_an_unanswered_case_goes_up_step_by_step(make_office: Callable[..., Office], slack: FakeSlack) -> None:
    office = make_office()
    office.complain()
    office.deliver()
    ((kind, words),) = go_on(office, 20)
    assert (kind, words.startswith(":bell: This waits for an answer. *40 min left*")) == ("reminder", True)
    ((kind, words),) = go_on(office, 25)
    assert (kind, words.startswith(":bell: <!subteam^S0CARE> This waits")) == ("escalation", True)
    ((kind, words),) = go_on(office, 15.1)
    assert (kind, words.startswith(":rotating_light: <@U0LEAD> *The time to answer has run out.*")) == ("breach", True)
    ((kind, words),) = go_on(office, 15)
    assert (kind, words.startswith(":rotating_light: <@U0LEAD> Still nobody has taken this.")) == ("escalation", True)
    root, *thread = slack.posted()
    assert root["blocks"][0]["text"]["text"].startswith(":rotating_light: *Overdue")
    assert {message["thread_ts"] for message in thread} == {root["ts"]}


def test_a_reminder_that_names_nobody_is_shown_in_the_channel_too(
    make_office: Callable[..., Office], slack: FakeSlack
) -> None:
    office = make_office()
    office.complain()
    office.deliver()
    go_on(office, 20)
    go_on(office, 25)
    assert [m["broadcast"] for m in slack.posted()] == [False, True, False]


def test_taking_silences_the_reminder_and_answering_all_of_it(
    make_office: Callable[..., Office], slack: FakeSlack
) -> None:
    office = make_office()
    case = office.complain()
    go_on(office, 10)
    office.act(case, "take", slack_user="U0ANN")
    office.deliver()
    assert go_on(office, 10) == []
    ((_, words),) = go_on(office, 25)
    assert "*ann* has it" in words
    office.act(case, "reply")
    office.deliver()
    assert go_on(office, 600) == []


def test_a_lead_that_is_a_channel_gets_a_message_with_the_way_to_the_case(
    make_office: Callable[..., Office], slack: FakeSlack
) -> None:
    slack.channels["C0LEAD"] = []
    office = make_office({"lead": "C0LEAD"})
    office.complain()
    office.deliver()
    office.later(minutes=61)
    office.tick()
    office.deliver()
    (told,) = slack.posted(channel="C0LEAD")
    ts = slack.posted("alert")[0]["ts"].replace(".", "")
    assert told["posted_as"] == "breach"
    assert f"<https://slack.com/archives/{CHANNEL}/p{ts}|Go to the case>" in told["text"]
    assert "My parcel never came." in told["text"]


def test_more_words_of_the_customer_join_the_thread(make_office: Callable[..., Office], slack: FakeSlack) -> None:
    office = make_office()
    office.complain(author="mari", conversation="t1")
    office.complain("And <!here> the app is down", author="mari", conversation="t1")
    office.deliver()
    root, note = slack.posted()
    assert note["text"] == ":speech_balloon: *mari* wrote more\n>And &lt;!here&gt; the app is down"
    assert "2 messages" in root["blocks"][1]["elements"][0]["text"]


def test_imported_history_alerts_nobody(make_office: Callable[..., Office], slack: FakeSlack) -> None:
    office = make_office()
    office.complain(backfill=True)
    office.deliver()
    assert slack.posted() == []
    assert office.rows() == []


def test_the_operator_is_told_in_a_channel_of_their_own(make_office: Callable[..., Office], slack: FakeSlack) -> None:
    office = make_office()
    with office.db.write() as session:
        office.announcer.ops(session, "Source <x> works again", office.clock.now())
    office.deliver()
    (message,) = slack.posted(channel=OPS)
    assert (message["text"], message["posted_as"]) == ("Source &lt;x&gt; works again", "ops")


def test_without_slack_alerts_are_printed(
    db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings]
) -> None:
    office = Office(db, clock, slack, make_settings, {"slack": {"channel": None, "bot_token": None}})
    printed: list[str] = []
    office.transports = {"console": ConsoleTransport(printed.append)}
    office.stage = office.new_stage()
    case = office.complain("It is <b>broken</b>.\nAgain.")
    office.act(case, "take")
    office.deliver()
    assert printed == [
        f"[case {case.id}] High · delivery on reddit for Acme\n>It is <b>broken</b>.\n>Again.\n"
        "1 h left at 12:00 UTC, answer by 13:00 UTC · ann has it",
        f"[case {case.id}] ann took it · 1 h left",
    ]


def test_apprise_gets_plain_words_and_its_address_stays_out_of_the_outbox(
    make_office: Callable[..., Office], httpserver: HTTPServer
) -> None:
    heard: list[dict[str, Any]] = []
    httpserver.expect_request("/pager", method="POST").respond_with_handler(
        lambda request: heard.append(json.loads(request.data)) or _ok()  # type: ignore[func-returns-value]
    )
    url = f"json://user:secret@127.0.0.1:{httpserver.port}/pager"
    office = make_office(steps=[{"at": "30m", "notify": url}])
    urls = apprise_urls(office.settings)
    office.transports["apprise"] = AppriseTransport(urls)
    office.stage = office.new_stage()
    office.complain("<b>It</b> broke", judged=verdict(severity="critical"))
    go_on(office, 30)
    assert heard[0]["title"] == "Acme: a customer waits for an answer"
    assert heard[0]["message"].startswith("Critical · delivery · reddit")
    assert "<b>It</b> broke" in heard[0]["message"]
    assert urls == {label(url): url}
    assert not [row for row in office.rows() if "secret" in json.dumps([row.target, row.payload, row.error])]


def test_a_breach_told_to_apprise_keeps_its_address_out_of_the_thread_too(make_office: Callable[..., Office]) -> None:
    office = make_office(steps=[{"at": "60m", "notify": "json://user:secret@127.0.0.1:9/pager"}])
    office.complain()
    office.later(minutes=61)
    office.tick()
    told = [(row.kind, row.transport) for row in office.rows()]
    assert {("breach", "apprise"), ("breach", "slack")} <= set(told)
    assert not [row for row in office.rows() if "secret" in json.dumps([row.target, row.payload, row.error])]


def test_nags_do_not_pile_up_while_nothing_can_be_delivered(make_office: Callable[..., Office]) -> None:
    office = make_office()
    office.complain()
    for _ in range(10):
        office.later(minutes=20)
        office.tick()
    nags = [row for row in office.rows() if row.payload.get("event") == "renag"]
    assert len(nags) <= 1
    go_on(office, 0)
    assert ("escalation", True) in [(kind, "Still nobody" in words) for kind, words in go_on(office, 16)]


def _ok() -> Any:
    from werkzeug import Response

    return Response("{}", content_type="application/json")


def test_on_both_databases_the_outbox_keeps_its_order_and_its_rows(
    any_db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings]
) -> None:
    office = Office(any_db, clock, slack, make_settings)
    first, second = office.complain("One"), office.complain("Two")
    for event in ("take", "release", "take"):
        office.act(first, event)
    other = office.new_stage()
    while office.stage.run_once() + other.run_once():
        pass
    assert [m["metadata"]["event_payload"]["case_id"] for m in slack.posted("alert")] == [first.id, second.id]
    assert len(slack.posted("note")) == 3
    assert office.states() == {"sent": 5, "dropped": 3}


def test_two_workers_share_the_outbox_without_doubling(
    any_db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings]
) -> None:
    import threading

    office = Office(any_db, clock, slack, make_settings)
    for number in range(12):
        office.complain(f"Complaint {number}")

    def work(stage: DeliverStage) -> None:
        while stage.run_once():
            pass

    threads = [threading.Thread(target=work, args=[office.new_stage()]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(slack.deliveries()) == len(set(slack.deliveries())) == 12
    assert office.states() == {"sent": 12}


def test_a_case_posted_long_ago_is_shown_without_a_clock(make_office: Callable[..., Office], slack: FakeSlack) -> None:
    office = make_office()
    office.complain(posted_at=office.clock.now() - timedelta(days=2))
    office.deliver()
    (message,) = slack.posted()
    assert "No clock" in message["blocks"][2]["text"]["text"]
