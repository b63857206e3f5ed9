"""A reply that stands on the source, made without us: from the look at the source to what the team sees in Slack."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from fake_slack import FakeSlack
from office import Office

from monitor.brands import Brands
from monitor.cases import Case
from monitor.collect import CollectStage
from monitor.from_sources import FromSources
from monitor.settings import SourceSettings
from monitor.sources.base import Author, Capabilities, Cursor, Item, Page, SeenReply


class Forum:
    """A service on which the brand's account answers by itself."""

    name = "reddit"

    def __init__(self, sees_replies: bool) -> None:
        self.capabilities = Capabilities(sees_replies=sees_replies)
        self.replies: dict[str, SeenReply] = {}
        self.items: tuple[Item, ...] = ()

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        return Page(self.items, {}, more=False)

    def check(self) -> str:
        return "ok"

    def replies_to(self, external_ids: tuple[str, ...], accounts: frozenset[str]) -> dict[str, SeenReply]:
        return {id: reply for id, reply in self.replies.items() if id in external_ids and reply.author in accounts}

    def close(self) -> None:
        pass


def reading(office: Office, forum: Forum) -> CollectStage:
    brands = Brands(office.settings.brands, lambda text: None)
    sources: Any = {forum.name: (forum, SourceSettings(name=forum.name, type="replay"))}
    return CollectStage(office.db, office.clock, sources, brands, "w", [FromSources(office.cases, office.announcer)])


def shown(office: Office, slack: FakeSlack, case: Case, replied_at: datetime) -> None:
    """The clock stopped when the reply was posted, and Slack says so in the root message and once in the thread."""
    office.deliver()
    now = office.case(case.id)
    assert (now.state, now.clock, now.met, now.first_response_at) == ("replied", "stopped", True, replied_at)
    assert now.calendar_seconds == 15 * 60
    [root] = slack.posted("alert")
    assert "min left" not in str(root["blocks"])
    assert "Answered" in str(root["blocks"])
    notes = [message["text"] for message in slack.posted("note") if message["thread_ts"] == root["ts"]]
    assert len(notes) == 1
    assert "acmehelp" in notes[0]
    assert "seen on reddit after 15 min, in time" in notes[0]
    said = len(slack.posted())
    office.later(hours=3)
    office.tick()
    office.deliver()
    assert [m["posted_as"] for m in slack.posted()[said:]] == []


@pytest.mark.parametrize("minutes", [16, 90])
def test_a_reply_found_on_the_source_stops_the_clock_when_it_was_posted_and_slack_shows_it(
    office: Office, slack: FakeSlack, minutes: int
) -> None:
    """90: it is found after the breach was told, which it takes back."""
    case, forum = office.complain(), Forum(sees_replies=True)
    collect = reading(office, forum)
    office.deliver()
    replied_at = office.clock.now() + timedelta(minutes=15)
    forum.replies[case.external_id] = SeenReply("r1", replied_at, "acmehelp", "https://example.com/r1")
    office.later(minutes=minutes)
    office.tick()
    office.deliver()
    assert (office.case(case.id).met is False) is (minutes == 90)
    assert (collect.check_replies(), collect.check_replies()) == (1, 0)
    shown(office, slack, case, replied_at)
    assert "https://example.com/r1" in slack.posted("note")[0]["text"]


def test_an_own_mention_that_is_read_stops_the_clock_when_it_was_posted_and_slack_shows_it(
    office: Office, slack: FakeSlack
) -> None:
    case, forum = office.complain(), Forum(sees_replies=False)
    collect = reading(office, forum)
    office.deliver()
    replied_at = office.clock.now() + timedelta(minutes=15)
    office.later(minutes=20)
    forum.items = (Item("r1", "We are sorry.", replied_at, author=Author("acmehelp"), parent=case.external_id),)
    collect.run_once()
    assert collect.check_replies() == 0
    shown(office, slack, case, replied_at)


def test_an_own_mention_that_was_read_before_its_case_opened_stops_the_clock_too(
    office: Office, slack: FakeSlack
) -> None:
    forum, asked_at = Forum(sees_replies=False), office.clock.now()
    collect = reading(office, forum)
    office.later(minutes=20)
    replied_at = asked_at + timedelta(minutes=15)
    about: dict[str, Any] = {"conversation": "t", "parent": "post"}
    forum.items = (Item("r1", "We at acme are sorry.", replied_at, author=Author("acmehelp"), **about),)
    collect.run_once()
    case = office.complain(external_id="post", conversation="t", posted_at=asked_at)
    office.deliver()
    assert collect.check_replies() == 1
    shown(office, slack, case, replied_at)
