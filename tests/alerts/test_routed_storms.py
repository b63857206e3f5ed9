"""A storm some of whose complaints go to another channel: the team that reads it hears of them, and is not flooded."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from alerts.test_incidents import pages, press, root, settle, shown_cases, words
from fake_slack import CHANNEL, OPS, FakeSlack
from office import Office, verdict

from monitor.clock import ManualClock
from monitor.database import Database
from monitor.settings import Settings

APPS = "C0APPS"


@pytest.fixture
def office(db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings]) -> Office:
    slack.channels |= {APPS: []}
    routes = [{"source": ["play"], "channel": APPS, "oncall": "U0DEV", "lead": "U0CTO"}]
    return Office(db, clock, slack, make_settings, {"slack": {"lead": "U0LEAD", "ops_channel": OPS, "routes": routes}})


def storm(office: Office, *sources: str) -> None:
    for source in sources:
        office.complain("The app is down.", verdict(topic="outage"), source=source)
        office.later(seconds=2)
        office.deliver()


def test_a_case_for_another_channel_is_alerted_there_and_counted_in_the_incident(
    office: Office, slack: FakeSlack
) -> None:
    storm(office, *["reddit"] * 30, "play", *["reddit"] * 10, "play")
    settle(office)
    assert [m["posted_as"] for m in slack.posted(channel=APPS)] == ["alert", "alert"]
    assert "42 of 42 unanswered" in words(root(slack))
    assert f"2 of these in <#{APPS}>" in words(root(slack))
    assert not {31, 42} & {case_id for message in pages(slack) for case_id in shown_cases(message)}


def test_its_reminders_go_where_its_team_is(office: Office, slack: FakeSlack) -> None:
    storm(office, *["reddit"] * 30, "play")
    settle(office)
    for n in range(1, 31):
        office.act(office.case(n), "reply")
    for _ in range(70):
        office.later(minutes=1)
        office.tick()
        office.deliver()
    asked = {m["posted_as"] for m in slack.posted(channel=APPS)} & {"reminder", "escalation", "breach"}
    assert asked == {"reminder", "escalation", "breach"}
    assert [m for m in slack.posted() if m["posted_as"] in ("reminder", "escalation", "breach")] == []


def test_take_the_next_one_gives_nobody_the_case_of_another_channel(
    office: Office, slack: FakeSlack, send: Callable[..., str]
) -> None:
    storm(office, "play", *["reddit"] * 30)
    settle(office)
    for n in range(2, 32):
        office.act(office.case(n), "take")
    settle(office)
    send(press(slack, root(slack), "incident:1", "incident_take", "ann", "1795000001.1"))
    assert office.case(1).owner is None
    assert "has been taken or answered" in slack.whispers[-1]["text"]


def test_another_channel_is_not_flooded(office: Office, slack: FakeSlack) -> None:
    storm(office, *["reddit"] * 60, *["play"] * 50)
    settle(office)
    first, last = slack.posted("alert", channel=APPS), slack.posted("note", channel=APPS)
    assert len(first) == office.settings.storms.minimum
    assert len(last) == 1
    assert f"https://slack.com/archives/{CHANNEL}/p{root(slack)['ts'].replace('.', '')}" in last[0]["text"]
    folded = {case_id for message in pages(slack) for case_id in shown_cases(message)}
    assert len([n for n in range(61, 111) if n in folded]) == 50 - len(first)


def test_the_incident_is_where_most_of_its_first_cases_go(office: Office, slack: FakeSlack) -> None:
    storm(office, *["play"] * 40)
    settle(office)
    (message,) = [m for m in slack.posted("incident", channel=APPS) if "thread_ts" not in m]
    assert "40 of 40 unanswered" in words(message)
    assert slack.posted() == []
    for _ in range(50):
        office.later(minutes=1)
        office.tick()
        office.deliver()
    assert any("<@U0DEV>" in m["text"] for m in slack.posted("escalation", channel=APPS))
