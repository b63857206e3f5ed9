"""Alerts that wait while somebody paused them, and the summary after Slack was away."""

# ruff: noqa: E501  (snapshots keep the lines of the messages as they are)

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from conftest import NOON
from fake_slack import CHANNEL, FakeSlack, Fault
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot
from office import Office, verdict

from monitor.alerts import silences
from monitor.alerts.deliver import Outages
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.errors import Refused
from monitor.settings import Settings

TEN = timedelta(minutes=10)


def pause(office: Office, minutes: float, reason: str = "fire drill", actor: str = "ann") -> None:
    with office.db.write() as session:
        silences.pause(session, "slack", CHANNEL, timedelta(minutes=minutes), actor, reason, office.clock.now())


def resume(office: Office, actor: str = "bob") -> None:
    with office.db.write() as session:
        silences.resume(session, CHANNEL, actor, office.clock.now())


def told(slack: FakeSlack) -> list[str]:
    """What stands in the channel itself, each message by its first line."""
    return [m["text"].split("\n")[0] for m in slack.posted() if "thread_ts" not in m]


def test_alerts_wait_for_the_end_of_the_pause_and_come_together(office: Office, slack: FakeSlack) -> None:
    pause(office, 30)
    office.complain("One.")
    office.later(minutes=10)
    office.complain("Two.")
    office.deliver()
    assert [m["posted_as"] for m in slack.posted()] == ["note"]
    office.later(minutes=20)
    office.deliver()
    assert [m["posted_as"] for m in slack.posted()] == ["note", "digest", "alert", "alert"]
    assert [m["text"] for m in slack.posted()] == snapshot(
        [
            """\
:mute: *ann* paused alerts until *<!date^1795177800^{time}|12:30 UTC>*: fire drill
New cases wait and come together after. Clocks run on: a critical case comes at once, any other before somebody is called for it. `/firsthour resume` ends the pause.\
""",
            """\
:speaker: Alerts are on again after 30 min. 2 cases came in and follow now:
• :hourglass_flowing_sand: *30 min left* at <!date^1795177800^{time}|12:30 UTC>, answer by *<!date^1795179600^{time}|13:00 UTC>* · nobody has it yet · High · reddit · “One.”
• :hourglass_flowing_sand: *40 min left* at <!date^1795177800^{time}|12:30 UTC>, answer by *<!date^1795180200^{time}|13:10 UTC>* · nobody has it yet · High · reddit · “Two.”\
""",
            "Acme · High · reddit: “One.” · 30 min left",
            "Acme · High · reddit: “Two.” · 40 min left",
        ]
    )


def test_resuming_lets_them_out_at_once(office: Office, slack: FakeSlack) -> None:
    pause(office, 120)
    office.complain("One.")
    office.later(minutes=5)
    resume(office)
    office.complain("Two.")
    office.deliver()
    assert [m["posted_as"] for m in slack.posted()] == ["digest", "alert", "alert"]  # the note was overtaken
    assert slack.posted()[0]["text"].startswith(":speaker: *bob* resumed alerts after 5 min. One case came in")


def test_a_quiet_pause_ends_with_one_line(office: Office, slack: FakeSlack) -> None:
    pause(office, 30)
    office.deliver()
    office.later(minutes=31)
    office.deliver()
    assert slack.posted()[-1]["text"] == ":speaker: Alerts are on again after 31 min. Nothing had to wait."


def test_pausing_again_changes_the_end(office: Office, slack: FakeSlack) -> None:
    pause(office, 30)
    office.complain("One.")
    office.later(minutes=5)
    pause(office, 10, "nearly over")
    office.later(minutes=9)
    office.deliver()
    assert slack.posted("alert") == []
    office.later(minutes=1)
    office.deliver()
    assert [m["posted_as"] for m in slack.posted()][-2:] == ["digest", "alert"]
    assert len(slack.posted("digest")) == 1


def test_a_critical_case_is_not_held(office: Office, slack: FakeSlack) -> None:
    pause(office, 30)
    office.complain("My account was emptied.", verdict(severity="critical"))
    office.deliver()
    assert len(slack.posted("alert")) == 1


def test_a_case_is_shown_before_anybody_is_called_for_it(office: Office, slack: FakeSlack) -> None:
    pause(office, 180)
    case = office.complain("One.")
    office.later(minutes=21)
    office.tick()
    office.deliver()
    assert slack.posted("alert") == []  # a reminder alone does not break the pause
    office.later(minutes=25)
    office.tick()
    office.deliver()
    assert [m["posted_as"] for m in slack.posted()] == ["note", "alert", "escalation"]
    assert office.case(case.id).state == "open"


def test_reminders_of_cases_that_nobody_had_seen_are_not_sent_after(office: Office, slack: FakeSlack) -> None:
    pause(office, 30)
    office.complain("One.")
    office.later(minutes=21)
    office.tick()
    office.later(minutes=9)
    office.deliver()
    assert [m["posted_as"] for m in slack.posted()] == ["digest", "alert"]


def test_reminders_of_cases_seen_before_stay_in_their_threads(office: Office, slack: FakeSlack) -> None:
    office.complain("One.")
    office.deliver()
    pause(office, 30)
    office.later(minutes=21)
    office.tick()
    office.deliver()
    (reminder,) = slack.posted("reminder")
    assert not reminder["broadcast"]


def test_the_clock_runs_on_during_a_pause(office: Office, slack: FakeSlack) -> None:
    case = office.complain("One.")
    pause(office, 30)
    assert office.case(case.id).due_at == case.due_at
    assert office.case(case.id).clock == "running"


@pytest.mark.parametrize("minutes", [0, -5, 24 * 60 + 1])
def test_no_pause_is_empty_or_longer_than_a_day(office: Office, minutes: float) -> None:
    with pytest.raises(Refused, match="24 hours"):
        pause(office, minutes)


def test_there_must_be_a_pause_to_end(office: Office) -> None:
    with pytest.raises(Refused, match="not paused"):
        resume(office)
    pause(office, 5)
    office.later(minutes=5)
    with pytest.raises(Refused, match="not paused"):
        resume(office)


@given(st.lists(st.sampled_from(["complain", "critical", "pause", "resume", "later", "tick", "deliver"]), max_size=25))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_paused_every_case_comes_once(
    make_settings: Callable[..., Settings], migrated: Any, tmp_path_factory: pytest.TempPathFactory, course: list[str]
) -> None:
    path = tmp_path_factory.mktemp("course") / "db.sqlite"
    shutil.copyfile(migrated, path)
    db, clock = Database(f"sqlite:///{path}"), ManualClock(NOON)
    with FakeSlack(now=lambda: clock.now().timestamp()).running() as slack:
        office = Office(db, clock, slack, make_settings)
        opened = []
        for event in course:
            if event in ("complain", "critical"):
                judged = verdict(severity="critical" if event == "critical" else "low")
                opened.append(office.complain("Words.", judged).id)
            elif event == "pause":
                pause(office, 30)
            elif event == "resume":
                with suppress(Refused):
                    resume(office)
            elif event == "later":
                office.later(minutes=17)
            else:
                office.tick() if event == "tick" else office.deliver()
        office.later(minutes=31)
        office.deliver()
        shown = [m["metadata"]["event_payload"]["case_id"] for m in slack.posted("alert")]
        assert sorted(shown) == opened
    db.close()


# after an outage


@pytest.fixture
def watching(office: Office) -> Office:
    office.stage = office.new_stage(outages=Outages("slack", CHANNEL, TEN))
    return office


def down(slack: FakeSlack) -> None:
    slack.fault = lambda method, args: Fault("broken")


def run(office: Office, minutes: int) -> None:
    """So many minutes of the service."""
    for _ in range(minutes):
        office.later(minutes=1)
        office.tick()
        office.deliver()


def test_after_an_outage_one_summary_comes_first_and_no_stale_reminder(watching: Office, slack: FakeSlack) -> None:
    office = watching
    seen = office.complain("Seen before the outage.")
    office.deliver()
    down(slack)
    office.later(minutes=5)
    answered = office.complain("Answered meanwhile.")
    office.complain("Came meanwhile.")
    run(office, 30)
    office.act(answered, "reply")
    run(office, 60)
    slack.fault = lambda method, args: None
    before = len(slack.posted())
    run(office, 2)
    new = slack.posted()[before:]
    assert new[0]["posted_as"] == "digest"
    assert new[0]["text"] == snapshot("""\
:satellite_antenna: Slack was away from <!date^1795176300^{time}|12:05 UTC> to <!date^1795181760^{time}|13:36 UTC> (1 h 31 min). Meanwhile: 2 opened, 1 answered, 2 breached.
*2 wait for an answer now, 2 of them overdue:*
• :rotating_light: *Overdue since <!date^1795179600^{time}|13:00 UTC>* · nobody has it yet · High · reddit · <https://slack.com/archives/C0ALERTS/p1795176000000000|Seen before the outage.>
• :rotating_light: *Overdue since <!date^1795179900^{time}|13:05 UTC>* · nobody has it yet · High · reddit · “Came meanwhile.”\
""")
    kinds = [m["posted_as"] for m in new]
    assert "reminder" not in kinds
    assert "escalation" not in kinds
    assert kinds.count("digest") == 1
    assert kinds.count("breach") == 2  # the record in each thread, which calls nobody
    assert not any(m["broadcast"] for m in new)
    assert office.case(seen.id).breached_at is not None


def test_later_reminders_are_sent_again(watching: Office, slack: FakeSlack) -> None:
    office = watching
    down(slack)
    office.complain("One.")
    run(office, 30)
    slack.fault = lambda method, args: None
    run(office, 20)
    assert [m["posted_as"] for m in slack.posted()] == ["digest", "alert", "escalation"]


def test_a_hiccup_is_not_worth_a_summary(watching: Office, slack: FakeSlack) -> None:
    office = watching
    down(slack)
    office.complain("One.")
    run(office, 8)
    slack.fault = lambda method, args: None
    run(office, 2)
    assert [m["posted_as"] for m in slack.posted()] == ["alert"]


def test_a_service_that_is_started_anew_during_the_outage_still_tells_of_it_once(
    watching: Office, slack: FakeSlack
) -> None:
    office = watching
    down(slack)
    office.complain("One.")
    run(office, 20)
    office.stage = office.new_stage(outages=Outages("slack", CHANNEL, TEN))
    run(office, 30)
    slack.fault = lambda method, args: None
    run(office, 2)
    assert [m["posted_as"] for m in slack.posted()][:2] == ["digest", "alert"]
    assert len(slack.posted("digest")) == 1


def test_each_outage_has_its_own_summary(watching: Office, slack: FakeSlack) -> None:
    office = watching
    for number in range(2):
        down(slack)
        office.complain(f"Number {number}.")
        run(office, 15)
        slack.fault = lambda method, args: None
        run(office, 3)
    assert len(slack.posted("digest")) == 2


def test_a_refused_token_is_an_outage_too(watching: Office, slack: FakeSlack) -> None:
    office = watching
    slack.tokens.clear()
    office.complain("One.")
    run(office, 15)
    slack.tokens.add("xoxb-fake-bot")
    office.stage = office.new_stage(outages=Outages("slack", CHANNEL, TEN))
    run(office, 1)
    assert [m["posted_as"] for m in slack.posted()][:2] == ["digest", "alert"]


def test_silences_are_kept_alike_on_both_databases(any_db: Database, clock: ManualClock) -> None:
    now = clock.now()
    with any_db.write() as session:
        silences.pause(session, "slack", CHANNEL, TEN, "ann", "why", now)
    with any_db.write() as session:
        found = silences.paused(session, CHANNEL, now)
        assert found is not None
        assert silences.held(session, found) == []
        assert silences.away(session, "slack", CHANNEL, now, now)
        assert not silences.away(session, "slack", CHANNEL, now, now)
        assert not silences.missed(session, "slack", now)
        silences.resume(session, CHANNEL, "bob", now)
    with any_db.read() as session:
        assert silences.paused(session, CHANNEL, now) is None
