"""Where a case goes, and that all of it stays there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fake_slack import CHANNEL, OPS, FakeSlack
from office import Office, verdict

from monitor.alerts.routes import Routes
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.settings import BadSettings, Settings, parse

APPS, TURKEY = "C0APPS", "C0TURKEY"
ROUTES = [
    {"source": ["app-store", "play"], "channel": APPS, "oncall": "U0DEV", "lead": "U0CTO"},
    {"language": ["tr"], "severity": ["high", "critical"], "channel": TURKEY, "lead": "C0LEADS"},
]


@pytest.fixture
def office(db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings]) -> Office:
    slack.channels |= {APPS: [], TURKEY: [], "C0LEADS": []}
    told = {"oncall": "S0CARE", "lead": "U0LEAD", "ops_channel": OPS, "routes": ROUTES}
    return Office(db, clock, slack, make_settings, {"slack": told})


def shown(slack: FakeSlack, channel: str) -> list[tuple[str, str]]:
    return [(m["posted_as"], m["text"].split("*")[0].strip()) for m in slack.posted(channel=channel)]


def test_message_thread_and_people_of_a_routed_case_are_its_own(office: Office, slack: FakeSlack) -> None:
    case = office.complain(source="play")
    for minutes in (0, 20, 25, 16):
        office.later(minutes=minutes)
        office.tick()
        office.deliver()
    office.act(case, "take")
    office.deliver()
    assert shown(slack, APPS) == [
        ("alert", "Acme · High · play: “My parcel never came.” · overdue by 1 min"),
        ("reminder", ":bell: This waits for an answer."),
        ("escalation", ":bell: <@U0DEV> This waits for an answer."),
        ("breach", ":rotating_light: <@U0CTO>"),
        ("note", ":raised_hand:"),
    ]
    root, *thread = slack.posted(channel=APPS)
    assert {message["thread_ts"] for message in thread} == {root["ts"]}
    assert slack.posted() == []
    assert {row.target for row in office.rows()} == {APPS}


def test_every_condition_has_to_hold_and_the_first_route_wins(office: Office, slack: FakeSlack) -> None:
    office.complain(judged=verdict(language="tr", severity="low"))
    office.complain(judged=verdict(language="tr"))
    office.complain(judged=verdict(language="tr"), source="app-store")
    office.deliver()
    assert [len(slack.posted(channel=channel)) for channel in (CHANNEL, TURKEY, APPS)] == [1, 1, 1]


def test_a_lead_channel_of_a_route_gets_the_way_to_the_case(office: Office, slack: FakeSlack) -> None:
    office.complain(judged=verdict(language="tr"))
    office.deliver()
    office.later(minutes=61)
    office.tick()
    office.deliver()
    (told,) = slack.posted(channel="C0LEADS")
    assert f"<https://slack.com/archives/{TURKEY}/p" in told["text"]


def test_a_case_stays_where_it_was_posted_and_calls_who_fits_it_now(office: Office, slack: FakeSlack) -> None:
    office.complain(judged=verdict(language="tr", severity="low"), author="cem", conversation="c")
    office.deliver()
    case = office.complain("Stolen!", judged=verdict(language="tr"), author="cem", conversation="c")
    office.deliver()
    assert [m["posted_as"] for m in slack.posted()] == ["alert", "note", "note"]
    assert ":small_red_triangle: Now *high*, was low" in slack.posted()[-1]["text"]
    assert slack.posted()[-1]["broadcast"]
    (pointer,) = slack.posted(channel=TURKEY)
    assert pointer["text"].startswith(":small_red_triangle: A case elsewhere has become *high*.")
    assert f"<https://slack.com/archives/{CHANNEL}/p{slack.posted()[0]['ts'].replace('.', '')}|" in pointer["text"]
    assert Routes(office.settings).of(case).lead == "C0LEADS"


def test_a_case_that_nobody_has_seen_yet_goes_where_it_belongs_once_it_is_worse(
    office: Office, slack: FakeSlack
) -> None:
    office.complain(judged=verdict(language="tr", severity="low"), author="cem", conversation="c")
    office.complain("Stolen!", judged=verdict(language="tr"), author="cem", conversation="c")
    office.deliver()
    assert slack.posted() == []
    assert [m["posted_as"] for m in slack.posted(channel=TURKEY)] == ["alert", "note", "note"]


def test_a_case_that_gets_worse_in_its_own_channel_is_pointed_out_nowhere_else(
    office: Office, slack: FakeSlack
) -> None:
    case = office.complain(judged=verdict(language="tr"), author="cem", conversation="c")
    office.deliver()
    office.act(case, "take")
    office.complain("Poisoned!", judged=verdict(language="tr", severity="critical"), author="cem", conversation="c")
    office.deliver()
    assert [m["posted_as"] for m in slack.posted(channel=TURKEY)] == ["alert", "note", "note", "note"]
    assert not slack.posted(channel=TURKEY)[-1]["broadcast"]  # somebody has it, and is in the thread
    assert slack.posted() == []


def test_a_condition_on_what_is_not_known_does_not_hold(office: Office) -> None:
    routes = Routes(office.settings)
    assert routes.pick(brand="Acme", topic="delivery").channel == CHANNEL
    assert routes.pick(source="play").channel == APPS
    assert routes.channels == [CHANNEL, APPS, TURKEY]


def test_the_operators_messages_keep_their_channel(office: Office, slack: FakeSlack) -> None:
    with office.db.write() as session:
        office.announcer.ops(session, "Source play works again", office.clock.now())
    office.deliver()
    assert len(slack.posted(channel=OPS)) == 1


def test_a_route_for_something_that_there_is_not_is_a_mistake() -> None:
    raw: dict[str, Any] = {
        "brands": [{"name": "Acme", "match": "acme"}],
        "sources": [{"name": "file", "type": "replay", "path": "x"}],
        "slack": {
            "routes": [
                {"channel": "C1", "brand": ["Acne"], "source": ["flie"]},
                {"channel": "C1", "severity": ["hihg"], "topic": ["devlivery"]},
                {"brand": ["Acme"]},
            ]
        },
    }
    with pytest.raises(BadSettings) as caught:
        parse(raw, {})
    found = {mistake.key: str(mistake) for mistake in caught.value.mistakes}
    assert set(found) == {
        "slack.routes.0.brand",
        "slack.routes.0.source",
        "slack.routes.1.severity",
        "slack.routes.1.topic",
        "slack.routes.2.channel",
    }
    assert 'did you mean "Acme"?' in found["slack.routes.0.brand"]
