"""`/firsthour` and what it can do, as slack-bolt dispatches it."""

# ruff: noqa: E501  (snapshots keep the lines of the messages as they are)

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from fake_slack import CHANNEL, FakeSlack, Fault
from inline_snapshot import snapshot
from office import Office, idle, verdict
from slack_bolt import BoltRequest

from monitor.alerts.slack_app import build_app
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.settings import Settings

Say = Callable[..., dict[str, Any]]


@pytest.fixture
def say(slack: FakeSlack, send: Callable[[dict[str, Any]], str]) -> Say:
    """Type `/firsthour words`; the answer that Slack shows."""

    def said(words: str, user: str = "ann", channel: str = CHANNEL) -> dict[str, Any]:
        send(slack.command(words, user, channel))
        return slack.answers[-1]

    return said


def shown(answer: dict[str, Any]) -> list[str]:
    """The words of an answer, and the label of each button."""
    rows = []
    for block in answer["blocks"]:
        words = block["text"]["text"] if block["type"] == "section" else block["elements"][0]["text"]
        button = block.get("accessory", {}).get("text", {}).get("text")
        rows.append(words + (f" [{button}]" if button else ""))
    return rows


def test_open_cases_come_by_the_time_that_is_left(office: Office, slack: FakeSlack, say: Say) -> None:
    first = office.complain("My parcel never came.")
    office.later(minutes=10)
    office.complain("Charged twice!", verdict(severity="critical", topic="billing"))
    office.act(office.complain("All well again."), "resolve")
    office.act(first, "take")
    office.deliver()
    answer = say("")
    assert (answer["text"], answer["response_type"]) == ("Open cases: 2", "ephemeral")
    assert shown(answer) == snapshot(
        [
            "*Open cases*",
            """\
:hourglass_flowing_sand: *50 min left* at <!date^1795176600^{time}|12:10 UTC>, answer by *<!date^1795179600^{time}|13:00 UTC>* · *ann* has it
*High* · delivery · reddit for Acme · <https://slack.com/archives/C0ALERTS/p1795176600000000|go to it>
>My parcel never came.\
""",
            """\
:hourglass_flowing_sand: *1 h left* at <!date^1795176600^{time}|12:10 UTC>, answer by *<!date^1795180200^{time}|13:10 UTC>* · nobody has it yet
*Critical* · billing · reddit for Acme · <https://slack.com/archives/C0ALERTS/p1795176600000100|go to it>
>Charged twice! [Take it]\
""",
        ]
    )


def test_nothing_open_is_good_news(say: Say) -> None:
    assert shown(say("open")) == ["Nothing is open. :tada:"]


def test_long_lists_end_with_how_many_more(office: Office, say: Say) -> None:
    for number in range(40):
        office.complain(f"Parcel {number} <!channel> " + "x" * 5000)
    answer = say("")
    assert len(answer["blocks"]) == 15  # as many complaints are a storm, which comes first
    assert shown(answer)[-1] == "… and 28 more."
    assert len(json.dumps(answer)) < 13_200
    assert "<!channel" not in json.dumps(answer)


def test_mine_are_those_that_i_have(office: Office, say: Say) -> None:
    assert "You have no open case" in shown(say("mine"))[0]
    mine, other = office.complain("Mine."), office.complain("Not mine.")
    office.act(mine, "take", "ann")
    office.act(other, "take", "bob")
    assert [row.rpartition("\n")[2] for row in shown(say("mine"))[1:]] == [">Mine."]


def test_a_case_can_be_taken_from_the_list(
    office: Office, slack: FakeSlack, say: Say, send: Callable[[dict[str, Any]], str]
) -> None:
    case = office.complain()
    block = say("")["blocks"][1]
    action = {**block["accessory"], "block_id": block["block_id"], "action_ts": "1.9", "value": str(case.id)}
    payload = {"type": "block_actions", "user": {"id": "U0ANN", "username": "ann"}, "team": {"id": "T0"}}
    send(payload | {"actions": [action], "channel": {"id": CHANNEL}, "container": {"type": "message"}})
    assert office.case(case.id).owner == "ann"


def test_figures_of_today(office: Office, say: Say) -> None:
    early = office.complain("One.")
    late = office.complain("Two.")
    office.later(minutes=20)
    office.act(early, "reply")
    office.later(minutes=50)
    office.tick()
    office.act(late, "reply")
    office.complain("Three.")
    assert shown(say("stats")) == snapshot(
        [
            """\
*Since <!date^1795132800^{date_short_pretty}, {time}|20 Nov 2026, 00:00 UTC>*
• 3 opened
• 2 answered, 1 of them in time (50 %)
• median first response: 45 min
• 1 breached
• now: 1 waiting, 0 of them overdue\
"""
        ]
    )


def test_today_begins_in_the_clocks_own_zone(office: Office, say: Say) -> None:
    office.complain("Yesterday.")
    office.later(hours=12, seconds=1)
    assert "• 0 opened" in shown(say("stats"))[0]


def test_who_is_on_call(
    db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings], say: Say
) -> None:
    assert "Nobody is on call now" in shown(say("oncall"))[0]
    office = Office(db, clock, slack, make_settings, {"slack": {"oncall": "S0CARE"}})
    slack.groups["S0CARE"] = ["U0ANN", "U0BOB"]
    app = build_app(office.settings, office.cases, db, clock)
    app.dispatch(BoltRequest(mode="socket_mode", body=slack.command("oncall", "ann")))
    idle(app)
    assert slack.answers[-1]["text"] == "On call now: <!subteam^S0CARE>: <@U0ANN>, <@U0BOB>"


def test_help_and_what_there_is_not(say: Say) -> None:
    assert "`/firsthour pause 30m reason`" in shown(say("help"))[0]
    assert shown(say("mein"))[0].startswith("There is no `/firsthour mein`. Did you mean `/firsthour mine`?")
    assert "&lt;!channel&gt;" in shown(say("<!channel>"))[0]


@pytest.mark.parametrize("words", ["pause", "pause soon", "pause 25h", "pause 0m", "resume"])
def test_what_cannot_be_done_is_explained(words: str, say: Say, slack: FakeSlack, office: Office) -> None:
    answer = shown(say(words))[0]
    assert any(hint in answer for hint in ("For how long?", "up to 24 hours", "not paused"))
    office.deliver()
    assert slack.posted() == []


def test_only_the_team_pauses(say: Say) -> None:
    assert shown(say("pause 30m", channel="C0ELSE"))[0] == "Please say that in <#C0ALERTS>, so that the team sees it."


def test_agents_pause_from_anywhere_and_others_nowhere(
    db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings]
) -> None:
    office = Office(db, clock, slack, make_settings, {"slack": {"agents": ["U0ANN"]}})
    app = build_app(office.settings, office.cases, db, clock)
    for user in ("eve", "ann"):
        app.dispatch(BoltRequest(mode="socket_mode", body=slack.command("pause 30m", user, "C0ELSE")))
        idle(app)
    assert "not among those" in slack.answers[0]["text"]
    assert "*ann* paused alerts until" in slack.answers[1]["text"]


def test_where_the_answer_is_not_taken_the_person_is_told_otherwise(say: Say, slack: FakeSlack, office: Office) -> None:
    body = slack.command("help", "ann") | {"response_url": "http://127.0.0.1:9/gone"}
    app = build_app(office.settings, office.cases, office.db, office.clock)
    app.dispatch(BoltRequest(mode="socket_mode", body=body))
    idle(app)
    assert "What `/firsthour` can do" in slack.whispers[-1]["text"]


def test_a_fault_of_ours_is_admitted(say: Say, office: Office, slack: FakeSlack) -> None:
    office.db.close()
    for path in office.db.url.database, f"{office.db.url.database}-wal", f"{office.db.url.database}-shm":
        with open(str(path), "wb") as file:
            file.write(b"not a database any more" * 100)
    assert "That did not work" in shown(say("stats"))[0]


def test_slack_may_refuse_to_name_the_members_of_a_group(
    db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings]
) -> None:
    office = Office(db, clock, slack, make_settings, {"slack": {"oncall": "S0CARE"}})
    slack.fault = lambda m, a: Fault("refused", error="missing_scope") if m.startswith("usergroups") else None
    app = build_app(office.settings, office.cases, db, clock)
    app.dispatch(BoltRequest(mode="socket_mode", body=slack.command("oncall", "ann")))
    idle(app)
    assert slack.answers[-1]["text"] == "On call now: <!subteam^S0CARE>"
