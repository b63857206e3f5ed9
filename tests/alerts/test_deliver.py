"""Every alert reaches Slack once, whatever goes wrong on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fake_slack import CHANNEL, OPS, TOKEN, FakeSlack, Fault
from office import Office

from monitor.alerts.apprise_transport import label
from monitor.alerts.outbox import claim_next, enqueue
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.settings import Settings


def once(kind: str, method: str = "chat.postMessage", times: int = 1, **more: Any) -> Callable[..., Fault | None]:
    """A fault for the first calls of `method`."""
    left = [times]

    def fault(called: str, args: dict[str, Any]) -> Fault | None:
        if called != method or not left[0]:
            return None
        left[0] -= 1
        return Fault(kind, **more)

    return fault


def test_a_complaint_becomes_one_message_with_its_delivery_in_the_metadata(office: Office, slack: FakeSlack) -> None:
    case = office.complain()
    office.deliver()
    (message,) = slack.posted("alert")
    (row,) = office.rows()
    assert message["metadata"] == {
        "event_type": "firsthour_delivery",
        "event_payload": {"delivery_id": row.key, "case_id": case.id, "kind": "alert"},
    }
    assert (row.state, row.receipt) == ("sent", message["ts"])
    assert (office.case(case.id).slack_channel, office.case(case.id).slack_ts) == (CHANNEL, message["ts"])


def test_a_lost_answer_is_looked_up_and_adopted(office: Office, slack: FakeSlack) -> None:
    slack.fault = once("lost")
    case = office.complain()
    office.deliver()
    assert office.states() == {"unknown": 1}
    office.later(seconds=5)
    office.deliver()
    assert office.states() == {"sent": 1}
    assert len(slack.posted()) == 1
    assert office.case(case.id).slack_ts == slack.posted()[0]["ts"]


@pytest.mark.parametrize("kind", ["unheard", "broken", "broken_after", "garbled", "lost"])
def test_whatever_the_lack_of_an_answer_means_the_message_arrives_once(
    office: Office, slack: FakeSlack, kind: str
) -> None:
    slack.fault = once(kind, times=3)
    office.complain()
    for _ in range(8):
        office.deliver()
        office.later(seconds=10)
    assert office.states() == {"sent": 1}
    assert len(slack.posted()) == 1


def test_a_lost_thread_reply_is_found_in_its_thread(office: Office, slack: FakeSlack) -> None:
    case = office.complain()
    office.deliver()
    slack.fault = once("lost")
    office.act(case, "take")
    office.deliver()
    office.later(seconds=5)
    office.deliver()
    assert len(slack.posted("alert")) == len(slack.posted("note")) == 1
    assert "conversations.replies" in [method for method, _ in slack.calls]
    assert set(office.states()) == {"sent"}


def test_slack_says_wait_and_everything_waits_in_order(office: Office, slack: FakeSlack) -> None:
    slack.fault = once("limited", retry_after=30)
    cases = [office.complain(f"Complaint {i}") for i in range(3)]
    office.deliver()
    office.later(seconds=29)
    office.deliver()
    assert slack.posted() == []
    assert office.states() == {"pending": 3}
    assert [method for method, _ in slack.calls] == ["chat.postMessage"]
    office.later(seconds=1)
    office.deliver()
    assert [m["metadata"]["event_payload"]["case_id"] for m in slack.posted()] == [case.id for case in cases]


def test_a_message_that_may_have_arrived_is_marked_when_nobody_can_look(office: Office, slack: FakeSlack) -> None:
    lost = once("lost")
    slack.fault = lambda method, args: (
        Fault("refused", error="missing_scope") if method == "conversations.history" else lost(method, args)
    )
    office.complain()
    office.deliver()
    office.later(seconds=5)
    office.deliver()
    first, second = slack.posted()
    assert "may be a repeat" not in first["text"]
    assert "may be a repeat" in second["text"]
    assert "may be a repeat" in second["blocks"][0]["elements"][0]["text"]


def test_slack_down_for_two_hours_then_all_goes_out_in_order(office: Office, slack: FakeSlack) -> None:
    slack.fault = lambda method, args: Fault("unheard")
    cases = [office.complain(f"Complaint {i}") for i in range(5)]
    for _ in range(24):
        office.deliver()
        office.later(minutes=5)
    assert slack.posted() == []
    slack.fault = lambda method, args: None
    for _ in range(3):
        office.deliver()
        office.later(minutes=1)
    assert [m["metadata"]["event_payload"]["case_id"] for m in slack.posted("alert")] == [case.id for case in cases]


def test_one_message_that_slack_chokes_on_does_not_keep_the_others_waiting(office: Office, slack: FakeSlack) -> None:
    def fault(method: str, args: dict[str, Any]) -> Fault | None:
        return Fault("broken") if "poison" in str(args.get("text")) else None

    slack.fault = fault
    office.complain("poison")
    good = office.complain("A plain complaint")
    for _ in range(12):
        office.deliver()
        office.later(seconds=10)
    assert [m["metadata"]["event_payload"]["case_id"] for m in slack.posted()] == [good.id]
    assert office.states() == {"unknown": 1, "sent": 1}


def test_a_revoked_token_stops_the_sending_and_loses_nothing(office: Office, slack: FakeSlack) -> None:
    slack.tokens.clear()
    office.complain()
    for _ in range(10):
        office.deliver()
        office.later(minutes=10)
    assert len(slack.calls) == 1
    (row,) = office.rows()
    assert row.state == "pending"
    assert "invalid_auth" in str(row.error)
    slack.tokens.add(TOKEN)
    office.stage = office.new_stage()
    office.deliver()
    assert len(slack.posted()) == 1


def test_a_channel_that_is_not_there_holds_its_own_messages_only(office: Office, slack: FakeSlack) -> None:
    with office.db.write() as session:
        enqueue(session, "ops", "slack", "C0GONE", office.clock.now(), payload={"text": "for nobody"})
        enqueue(session, "ops", "slack", OPS, office.clock.now(), payload={"text": "for the operator"})
    office.deliver()
    assert [m["text"] for m in slack.posted(channel=OPS)] == ["for the operator"]
    (held,) = office.rows(state="pending")
    assert "channel_not_found" in str(held.error)
    slack.channels["C0GONE"] = []
    office.later(minutes=1)
    office.deliver()
    assert [m["text"] for m in slack.posted(channel="C0GONE")] == ["for nobody"]


def test_alerts_meant_for_a_wrong_channel_go_to_the_right_one_once_it_is_configured(
    office: Office, slack: FakeSlack, make_settings: Callable[..., Settings]
) -> None:
    del slack.channels[CHANNEL]
    case = office.complain()
    office.deliver()
    slack.channels["C0RIGHT"] = []
    mended = Office(office.db, office.clock, slack, make_settings, {"slack": {"channel": "C0RIGHT"}})
    mended.deliver()
    assert len(slack.posted("alert", channel="C0RIGHT")) == 1
    assert office.case(case.id).slack_channel == "C0RIGHT"


def test_an_old_case_in_a_dead_channel_does_not_hold_up_the_new_channel(
    office: Office, slack: FakeSlack, make_settings: Callable[..., Settings]
) -> None:
    old = office.complain()
    office.deliver()
    slack.channels = {"C0NEW": []}
    moved = Office(office.db, office.clock, slack, make_settings, {"slack": {"channel": "C0NEW"}})
    moved.act(old, "take")
    moved.complain(external_id="new", author="somebody else")
    moved.deliver()
    assert len(slack.posted("alert", channel="C0NEW")) == 1


def test_blocks_that_slack_refuses_go_out_as_plain_words(office: Office, slack: FakeSlack) -> None:
    slack.fault = once("refused", error="invalid_blocks")
    office.complain()
    office.deliver()
    (message,) = slack.posted()
    assert message["blocks"] == []
    assert "My parcel never came." in message["text"]


@pytest.mark.parametrize("reason", ["message_not_found", "cant_update_message"])
def test_a_message_that_somebody_deleted_is_posted_anew_with_its_thread(
    office: Office, slack: FakeSlack, reason: str
) -> None:
    case = office.complain()
    office.complain("Another one.")
    office.deliver()
    old = slack.channels[CHANNEL].pop(0)["ts"]
    if reason == "cant_update_message":  # another app has posted it
        slack.fault = once("refused", "chat.update", error=reason)
    office.act(case, "take")
    office.act(case, "note", text="asked the carrier")
    office.deliver()
    other, root, *thread = slack.posted()
    assert "Another one." in other["text"]
    assert (root["posted_as"], root["blocks"][0]["type"]) == ("alert", "section")
    assert "My parcel never came." in root["text"]
    assert [note["text"].split()[0] for note in thread] == [":raised_hand:", ":memo:", ":recycle:"]
    assert {note["thread_ts"] for note in thread} == {root["ts"]}
    assert office.case(case.id).slack_ts == root["ts"] != old
    with office.db.read() as session:
        told = [(e.kind, e.actor) for e in office.cases.history(session, case.id)]
    assert told[-1] == ("posted_anew", "firsthour")
    office.act(case, "resolve")
    office.deliver()
    assert "Resolved" in slack.posted()[1]["blocks"][0]["text"]["text"]
    assert set(office.states()) <= {"sent", "dropped"}


def test_a_message_that_is_deleted_again_and_again_is_posted_anew_once(office: Office, slack: FakeSlack) -> None:
    case = office.complain()
    office.deliver()
    for event in ("take", "release"):
        slack.channels[CHANNEL].clear()
        office.act(case, event)
        office.deliver()
    (note,) = slack.posted()
    assert "thread_ts" not in note
    assert [row.kind for row in office.rows(state="failed")] == ["update"]
    with office.db.read() as session:
        assert [e.kind for e in office.cases.history(session, case.id)].count("posted_anew") == 1


def test_a_message_that_is_posted_anew_and_whose_answer_is_lost_is_there_once(office: Office, slack: FakeSlack) -> None:
    case = office.complain()
    office.deliver()
    slack.channels[CHANNEL].clear()
    slack.fault = once("lost")
    office.act(case, "take")
    for _ in range(6):
        office.deliver()
        office.later(seconds=5)
    assert [m["posted_as"] for m in slack.posted()] == ["alert", "note", "note"]
    assert office.case(case.id).slack_ts == slack.posted()[0]["ts"]


def test_several_edits_that_wait_become_one(office: Office, slack: FakeSlack) -> None:
    case = office.complain()
    office.deliver()
    for event in ("take", "release", "take", "resolve"):
        office.act(case, event)
    office.deliver()
    assert [method for method, _ in slack.calls].count("chat.update") == 1
    assert "Resolved" in slack.posted("alert")[0]["blocks"][0]["text"]["text"]
    assert len(slack.posted("note")) == 4


def test_a_thread_reply_waits_for_its_root(office: Office, slack: FakeSlack) -> None:
    slack.fault = once("unheard", times=2)
    case = office.complain()
    office.act(case, "take")
    for _ in range(6):
        office.deliver()
        office.later(seconds=5)
    root, note = slack.posted()
    assert note["thread_ts"] == root["ts"]


def test_what_has_become_untrue_is_dropped(office: Office, slack: FakeSlack) -> None:
    case = office.complain()
    office.deliver()
    office.later(minutes=20, seconds=1)
    office.tick()
    assert [row.kind for row in office.rows(state="pending")] == ["update", "reminder"]
    office.act(case, "reply")
    office.deliver()
    assert [row.kind for row in office.rows(state="dropped")] == ["reminder", "update"]
    assert slack.posted("reminder") == []


def test_two_workers_never_send_the_same_message(office: Office, slack: FakeSlack) -> None:
    office.complain()
    other = office.new_stage()
    seen: list[int] = []

    def meanwhile(method: str, args: dict[str, Any]) -> None:
        seen.append(other.run_once())

    slack.fault = meanwhile
    office.stage.run_once()
    assert seen == [0]
    assert len(slack.posted()) == 1


def test_a_dead_workers_message_is_looked_for_before_it_is_sent(office: Office, slack: FakeSlack) -> None:
    office.complain()

    delivery = claim_next(office.db, "slack", "a worker that dies", office.clock.now())
    assert delivery is not None
    with office.db.read() as session:
        message = office.render(session, delivery)
    assert message is not None
    office.transports["slack"].send(message)
    office.later(minutes=2)
    office.deliver()
    assert len(slack.posted()) == 1
    assert office.states() == {"sent": 1}


def test_apprise_takes_over_what_is_urgent_when_slack_stays_away(
    db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings]
) -> None:
    url = "json://127.0.0.1:9/pager"
    steps = [{"at": "30m", "notify": url}, {"at": "1h", "notify": "lead"}]
    office = Office(db, clock, slack, make_settings, {"clock": {"steps": steps}, "slack": {"lead": "U0LEAD"}})
    pager = Pager()
    office.transports["apprise"] = pager
    office.stage = office.new_stage(fallbacks=[("apprise", label(url))])
    office.complain()
    office.deliver()
    office.later(minutes=30)
    office.tick()
    office.deliver()
    assert [m.kind for m in pager.took] == ["escalation"]
    slack.fault = lambda method, args: Fault("unheard")
    office.later(minutes=30, seconds=1)
    office.tick()
    for _ in range(6):
        office.deliver()
        office.later(minutes=1)
    office.deliver()
    assert [m.kind for m in pager.took] == ["escalation", "breach"]
    slack.fault = lambda method, args: None
    for _ in range(3):
        office.later(minutes=1)
        office.deliver()
    assert [m["posted_as"] for m in slack.posted()][-1] == "breach"
    assert [m.kind for m in pager.took] == ["escalation", "breach"]


class Pager:
    """A transport that takes everything."""

    def __init__(self) -> None:
        self.took: list[Any] = []

    def send(self, message: Any) -> Any:
        from monitor.alerts.outbox import Receipt

        self.took.append(message)
        return Receipt("1")

    def find(self, message: Any) -> None:
        return None

    def check(self) -> str:
        return "well"


def test_messages_put_in_before_the_clock_was_set_back_do_not_wait(office: Office, slack: FakeSlack) -> None:
    office.complain()
    office.clock.move(-timedelta(hours=2))
    office.deliver()
    assert len(slack.posted()) == 1
