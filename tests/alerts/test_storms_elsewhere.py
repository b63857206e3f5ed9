"""Storms where people look besides the channel: `/firsthour` and the Home tab."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from alerts.test_incidents import root, settle, storm
from fake_slack import FakeSlack
from office import Office

Send = Callable[[dict[str, Any]], str]


def test_the_command_shows_what_storms_there_are(office: Office, slack: FakeSlack, send: Send) -> None:
    storm(office, 40)
    settle(office)
    send(slack.command("", "ann"))
    first = slack.answers[-1]["blocks"][0]
    link = f"p{root(slack)['ts'].replace('.', '')}"
    assert "Storm · Acme · outage: 40 complaints" in first["text"]["text"]
    assert "40 of 40 unanswered, oldest due" in first["text"]["text"]
    assert link in first["text"]["text"]
    assert first["accessory"]["action_id"] == "incident_take"


def test_the_next_case_is_taken_from_the_home_tab_which_shows_it(office: Office, slack: FakeSlack, send: Send) -> None:
    storm(office, 40)
    settle(office)
    send(slack.open_home("ann"))
    send(slack.press_home("ann", "incident:1", "incident_take", "1795000001.1"))
    assert office.case(1).owner == "ann"
    assert "You have this one now" in json.dumps(slack.open_view())
    home = json.dumps(slack.homes["U0ANN"]["blocks"], ensure_ascii=False)
    assert "You have none" not in home
    assert "Storm · Acme · outage: 40 complaints" in home


def test_a_storm_that_is_over_stays_there_until_it_is_answered(office: Office, slack: FakeSlack, send: Send) -> None:
    storm(office, 40)
    office.incidents.end(1, "ann", office.clock.now())
    send(slack.command("", "ann"))
    assert "Storm over · Acme" in json.dumps(slack.answers[-1], ensure_ascii=False)
    for n in range(1, 41):
        office.act(office.case(n), "reply")
    send(slack.command("", "ann"))
    assert "Storm" not in json.dumps(slack.answers[-1], ensure_ascii=False)
