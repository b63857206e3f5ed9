"""What the channel of spikes sees: one message that says how unusual it is, changes, and ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from conftest import NOON
from fake_slack import OPS, FakeSlack
from office import Office

from monitor.alerts.spike_blocks import seldom
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.settings import Settings
from monitor.spikes.watch import Spikes
from tests.spikes.history import HOUR, ordinary, read_at, say

MINUTE = timedelta(minutes=1)
HOSTILE = "Strike! <!channel> <https://evil.example|click> ```\u202e no parcel"
SOURCES = [{"name": name, "type": "replay", "path": "x.jsonl", "every": "5m"} for name in ("x", "news")]


@pytest.fixture
def office(db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings]) -> Office:
    return Office(db, clock, slack, make_settings, {"slack": {"ops_channel": OPS}, "sources": SOURCES})


@pytest.fixture
def tick(office: Office) -> Callable[..., None]:
    """Let time pass, look for spikes, and send what there is to say."""
    spikes = Spikes(office.db, office.settings, [office.announcer.spikes])

    def ticked(**by: float) -> None:
        office.later(**by)
        spikes.tick(office.clock.now())
        office.deliver()

    return ticked


def words(message: dict[str, Any]) -> str:
    return message["text"] + json.dumps(message["blocks"], ensure_ascii=False)


def peak(office: Office) -> None:
    ordinary(office.db, NOON)
    say(office.db, [NOON + n * MINUTE for n in range(25)], HOSTILE)
    say(office.db, [NOON + n * MINUTE for n in range(25)], "Streik: wieder kein Paket", language="de", source="news")


def test_one_message_says_what_since_when_how_rare_and_of_what(
    office: Office, slack: FakeSlack, tick: Callable[..., None]
) -> None:
    peak(office)
    tick(minutes=40)
    (message,) = slack.posted(channel=OPS)
    said = words(message)
    assert message["posted_as"] == "incident"
    assert "Peak · Acme" in message["text"]
    assert "50 mentions since" in said
    assert "By luck alone such a surprise comes less than once in 10 years" in said
    assert "*Where* news 25 (usual: under 1), x 25 (usual: " in said
    assert "*Language* German 25 (usual: under 1), English 25" in said
    assert "“streik" in said
    assert "weeks of this hour of the week" in said
    assert slack.refused == []
    assert slack.posted() == []


def test_what_customers_wrote_pings_nobody_and_hides_nothing(
    office: Office, slack: FakeSlack, tick: Callable[..., None]
) -> None:
    peak(office)
    tick(minutes=40)
    said = words(slack.posted(channel=OPS)[0])
    assert "Strike!" in said
    assert "<!channel>" not in said
    assert "<https://evil" not in said
    assert "\u202e" not in said
    assert "```" not in said


def test_it_changes_as_it_grows_and_its_thread_says_when_it_is_over(
    office: Office, slack: FakeSlack, tick: Callable[..., None]
) -> None:
    peak(office)
    tick(minutes=40)
    say(office.db, [NOON + HOUR + n * MINUTE for n in range(50)], "Strike, day two")
    tick(minutes=75)
    assert "100 mentions" in words(slack.posted(channel=OPS)[0])
    for hour in range(2, 8):
        say(office.db, [NOON + hour * HOUR + n * 10 * MINUTE for n in range(6)])
    tick(hours=5)
    root, note = slack.posted(channel=OPS)
    assert "Peak over" in words(root)
    assert note["thread_ts"] == root["ts"]
    assert "Back to the usual: 100 mentions in 2 h" in note["text"]


def test_a_hush_says_which_source_is_dead(office: Office, slack: FakeSlack, tick: Callable[..., None]) -> None:
    ordinary(office.db, NOON, rate=lambda at: 12.0 if at < NOON - 5 * HOUR else 0.0)
    ordinary(office.db, NOON, rate=lambda at: 12.0, source="news", seed=2)
    read_at(office.db, NOON - 6 * HOUR, "x", failures=7, failing_since=NOON - 5 * HOUR, error="503 <!here>")
    read_at(office.db, NOON, "news")
    tick(minutes=20)
    (message,) = slack.posted(channel=OPS)
    assert "Hush · x: 0 mentions" in message["text"]
    assert "*x* cannot be read since" in words(message)
    assert "503 &lt;!here&gt;" in words(message)
    assert "most likely a dead source" in words(message)


def test_a_hush_of_sources_that_are_well_is_said_to_be_real(
    office: Office, slack: FakeSlack, tick: Callable[..., None]
) -> None:
    ordinary(office.db, NOON, rate=lambda at: 12.0 if at < NOON - 5 * HOUR else 0.0)
    ordinary(office.db, NOON, rate=lambda at: 12.0, source="news", seed=2)
    read_at(office.db, NOON, "x", "news")
    tick(minutes=20)
    assert "read without errors (x at " in words(slack.posted(channel=OPS)[0])


def test_it_leads_to_the_trends_and_the_mentions_where_the_desk_has_an_address(
    db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings]
) -> None:
    web = {"url": "https://desk.acme.example"}
    office = Office(db, clock, slack, make_settings, {"web": web, "slack": {"ops_channel": OPS}, "sources": SOURCES})
    peak(office)
    office.later(minutes=40)
    Spikes(db, office.settings, [office.announcer.spikes]).tick(clock.now())
    office.deliver()
    said = words(slack.posted(channel=OPS)[0])
    about = "brand=Acme&amp;topic=delivery&amp;sentiment=negative"
    trend = f"https://desk.acme.example/trends?from=2026-11-19&amp;to=2026-11-20&amp;grain=hour&amp;{about}"
    assert f"<{trend}|See it in the trends>" in said
    behind = f"{about}&amp;since=2026-11-20T12%3A00Z&amp;until=2026-11-20T13%3A00Z"
    assert f"<https://desk.acme.example/trends/mentions?{behind}|The mentions behind it>" in said


def test_a_picture_of_the_hours_comes_with_it(office: Office, slack: FakeSlack, tick: Callable[..., None]) -> None:
    peak(office)
    tick(minutes=40)
    image = slack.posted(channel=OPS)[0]["blocks"][-1]
    assert slack.files[image["slack_file"]["id"]].startswith(b"\x89PNG")
    assert image["alt_text"].startswith("Acme: 50 mentions since 12:00, usual: ")


def test_removed_words_leave_the_message(office: Office, slack: FakeSlack, tick: Callable[..., None]) -> None:
    from sqlalchemy import update

    from monitor.models import MentionRow

    peak(office)
    tick(minutes=40)
    assert "Strike!" in words(slack.posted(channel=OPS)[0])
    with office.db.write() as session:
        gone = update(MentionRow).where(MentionRow.text == HOSTILE)
        session.execute(gone.values(text="", removed_at=office.clock.now()))
    tick(minutes=5)
    assert "Strike!" not in words(slack.posted(channel=OPS)[0])


def test_the_channel_of_spikes_can_be_another(
    db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings]
) -> None:
    slack.channels["C0MARKETING"] = []
    office = Office(db, clock, slack, make_settings, {"spikes": {"channel": "C0MARKETING"}, "sources": SOURCES})
    peak(office)
    office.later(minutes=40)
    Spikes(db, office.settings, [office.announcer.spikes]).tick(clock.now())
    office.deliver()
    assert len(slack.posted(channel="C0MARKETING")) == 1


@pytest.mark.parametrize(
    ("chance", "told"),
    [
        (1 / 30, "about once a day"),
        (1 / (24 * 60), "about once in 60 days"),
        (1 / (24 * 274), "about once in 9 months"),
        (1 / (24 * 365.25 * 5), "about once in 5 years"),
        (1e-9, "less than once in 10 years"),
        (0.0, "less than once in 10 years"),
    ],
)
def test_how_rare_it_is_in_words(chance: float, told: str) -> None:
    assert seldom(chance) == told
