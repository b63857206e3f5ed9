"""Low cases wait for the end of quiet hours and come together; whatever is worse, or calls somebody, does not."""

# ruff: noqa: E501  (snapshots keep the lines of the messages as they are)

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fake_slack import CHANNEL, FakeSlack
from inline_snapshot import snapshot
from office import Office, verdict

from monitor.alerts import silences
from monitor.alerts.quiet import QuietHours, too_late
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.settings import BadSettings, Settings, parse

LOW = verdict(severity="low")
NIGHTS = ["mon-sun 20:00-08:00"]
SLEEPS = {"name": "low", "severity": ["low"], "hours": ["mon-sun 08:00-20:00"]}


def to(office: Office, day: int, hour: int, minute: int = 0) -> None:
    """Let time pass until that time of November 2026."""
    then = datetime(2026, 11, day, hour, minute, tzinfo=UTC)
    office.clock.move(then - office.clock.now())
    office.tick()
    office.deliver()


def kinds(slack: FakeSlack, channel: str = CHANNEL) -> list[str]:
    return [message["posted_as"] for message in slack.posted(channel=channel)]


def pause(office: Office, hours: float) -> None:
    with office.db.write() as session:
        silences.pause(session, "slack", CHANNEL, timedelta(hours=hours), "ann", "drill", office.clock.now())


@pytest.fixture
def make_office(
    db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings]
) -> Callable[..., Office]:
    def make(policies: list[dict[str, Any]] | None = None, timezone: str = "UTC", **keys: Any) -> Office:
        clocks = {"timezone": timezone, "policies": [SLEEPS] if policies is None else policies}
        return Office(db, clock, slack, make_settings, {"slack": {"quiet": NIGHTS} | keys, "clock": clocks})

    return make


@pytest.fixture
def office(make_office: Callable[..., Office]) -> Office:
    return make_office()


def test_low_cases_of_the_night_come_in_the_morning_behind_one_message(office: Office, slack: FakeSlack) -> None:
    to(office, 20, 20)
    office.complain("The box was dented.", LOW)
    to(office, 20, 23, 50)
    office.complain("The leaflet has a typo.", LOW)
    to(office, 21, 7, 59)
    assert kinds(slack) == []
    to(office, 21, 8)
    assert kinds(slack) == ["digest", "alert", "alert"]
    assert slack.posted()[0]["text"] == snapshot("""\
:sunrise: 2 low cases came in during quiet hours and follow now:
• :hourglass_flowing_sand: *1 h left* at <!date^1795248000^{time}|08:00 UTC>, answer by *<!date^1795251600^{time}|09:00 UTC>* · nobody has it yet · Low · reddit · “The box was dented.”
• :hourglass_flowing_sand: *1 h left* at <!date^1795248000^{time}|08:00 UTC>, answer by *<!date^1795251600^{time}|09:00 UTC>* · nobody has it yet · Low · reddit · “The leaflet has a typo.”\
""")
    to(office, 21, 8, 5)
    assert len(slack.posted("digest")) == 1


def test_each_night_has_its_own_message_and_one_without_cases_has_none(office: Office, slack: FakeSlack) -> None:
    for day in (20, 22):
        to(office, day, 21)
        office.complain("One.", LOW)
        to(office, day + 1, 9)
    to(office, 25, 12)
    assert [text.split("\n")[0] for text in (m["text"] for m in slack.posted("digest"))] == [
        ":sunrise: One low case came in during quiet hours and follows now:"
    ] * 2


def test_by_day_low_cases_come_at_once(office: Office, slack: FakeSlack) -> None:
    to(office, 21, 8)
    office.complain("One.", LOW)
    office.deliver()
    assert kinds(slack) == ["alert"]


@pytest.mark.parametrize("severity", ["medium", "high", "critical"])
def test_cases_that_are_not_low_are_never_held(office: Office, slack: FakeSlack, severity: str) -> None:
    to(office, 20, 22)
    office.complain("One.", verdict(severity=severity))
    office.deliver()
    assert kinds(slack) == ["alert"]


def test_medium_ones_wait_where_they_are_listed(make_office: Callable[..., Office], slack: FakeSlack) -> None:
    office = make_office(policies=[SLEEPS | {"severity": ["low", "medium"]}], quiet_severities=["low", "medium"])
    to(office, 20, 22)
    office.complain("One.", LOW)
    office.complain("Two.", verdict(severity="medium"))
    office.complain("Three.", verdict(severity="high"))
    office.deliver()
    assert kinds(slack) == ["alert"]
    to(office, 21, 8)
    assert slack.posted("digest")[0]["text"].startswith(":sunrise: 2 cases came in during quiet hours and follow")


def test_a_case_that_somebody_is_called_for_comes_before(make_office: Callable[..., Office], slack: FakeSlack) -> None:
    office = make_office(policies=[])
    to(office, 20, 22)
    office.complain("One.", LOW)
    to(office, 20, 22, 21)
    assert kinds(slack) == []  # a reminder calls nobody
    to(office, 20, 22, 46)
    assert kinds(slack) == ["alert", "escalation"]
    to(office, 21, 8)
    assert "digest" not in kinds(slack)  # nothing is left of which it could tell


def test_a_colleague_who_escalates_a_case_brings_it_out(office: Office, slack: FakeSlack) -> None:
    to(office, 20, 22)
    case = office.complain("One.", LOW)
    office.act(case, "escalate")
    office.deliver()
    assert kinds(slack) == ["alert", "escalation"]


def test_a_case_that_becomes_worse_comes_before(office: Office, slack: FakeSlack) -> None:
    to(office, 20, 22)
    case = office.complain("The box was dented.", LOW, author="ann")
    office.complain("Another.", LOW)
    to(office, 20, 23)
    assert office.complain("It leaked acid on my child.", author="ann").id == case.id
    office.deliver()
    assert kinds(slack)[0] == "alert"
    assert "High" in slack.posted("alert")[0]["text"]
    to(office, 21, 8)
    assert slack.posted("digest")[0]["text"].startswith(":sunrise: One low case")


def test_a_case_whose_words_were_edited_for_the_worse_comes_before(office: Office, slack: FakeSlack) -> None:
    to(office, 20, 22)
    case = office.complain("The box was dented.", LOW)
    with office.db.write() as session:
        office.cases.consider(session, {case.mention_id: verdict(severity="critical")}, office.clock.now())
    office.deliver()
    assert kinds(slack) == ["alert", "note"]
    assert ":small_red_triangle: Now *critical*, was low, in what was edited" in slack.posted("note")[0]["text"]


def test_more_words_that_are_no_worse_bring_nothing_out(office: Office, slack: FakeSlack) -> None:
    to(office, 20, 22)
    office.complain("The box was dented.", LOW, author="ann")
    office.complain("And the tape was loose.", LOW, author="ann")
    office.deliver()
    assert kinds(slack) == []


def test_the_clock_is_the_same_with_and_without_quiet_hours(make_office: Callable[..., Office]) -> None:
    office = make_office(policies=[])
    to(office, 20, 22)
    case = office.complain("One.", LOW)
    assert case.clock == "running"
    assert case.due_at == datetime(2026, 11, 20, 23, tzinfo=UTC)


def test_a_policy_of_its_own_lets_the_clock_sleep_as_well(office: Office) -> None:
    to(office, 20, 23, 10)
    assert office.complain("One.", LOW).due_at == datetime(2026, 11, 21, 9, tzinfo=UTC)


def test_each_channel_gets_a_message_of_its_own(make_office: Callable[..., Office], slack: FakeSlack) -> None:
    slack.channels["C0APPS"] = []
    office = make_office(routes=[{"source": ["play"], "channel": "C0APPS"}])
    to(office, 20, 22)
    office.complain("One.", LOW)
    office.complain("Two.", LOW, source="play")
    office.complain("Three.", LOW, source="play")
    to(office, 21, 8)
    assert kinds(slack) == ["digest", "alert"]
    assert kinds(slack, "C0APPS") == ["digest", "alert", "alert"]


# pauses


def test_a_pause_that_outlasts_the_quiet_hours_holds_what_they_held(office: Office, slack: FakeSlack) -> None:
    to(office, 21, 7)
    office.complain("One.", LOW)
    pause(office, 1.5)
    office.complain("Two.", LOW)
    to(office, 21, 8, 29)
    assert kinds(slack) == ["note"]
    to(office, 21, 8, 30)
    assert kinds(slack) == ["note", "digest", "alert", "digest", "alert"]


def test_resuming_does_not_end_the_quiet_hours(office: Office, slack: FakeSlack) -> None:
    to(office, 20, 22)
    pause(office, 1)
    office.complain("One.", LOW)
    to(office, 20, 22, 30)
    with office.db.write() as session:
        silences.resume(session, CHANNEL, "bob", office.clock.now())
    to(office, 20, 23, 30)
    assert "alert" not in kinds(slack)
    to(office, 21, 8)
    assert kinds(slack)[-2:] == ["digest", "alert"]


def test_a_held_case_that_becomes_worse_within_a_pause_waits_for_the_pause(office: Office, slack: FakeSlack) -> None:
    to(office, 20, 22)
    office.complain("The box was dented.", LOW, author="ann")
    pause(office, 0.5)
    office.complain("It leaked.", author="ann")
    office.deliver()
    assert kinds(slack) == ["note"]
    to(office, 20, 22, 30)
    assert "alert" in kinds(slack)


# windows


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-10-24T19:59+03:00", None),
        ("2026-10-24T20:00+03:00", "2026-10-25T08:00+02:00"),  # thirteen hours: the clocks go back
        ("2026-10-25T03:30+03:00", "2026-10-25T08:00+02:00"),
        ("2026-10-25T03:30+02:00", "2026-10-25T08:00+02:00"),
        ("2026-03-28T20:00+02:00", "2026-03-29T08:00+03:00"),  # eleven hours: they go forward
        ("2026-10-25T08:00+02:00", None),
    ],
)
def test_a_night_ends_at_eight_on_the_wall_whatever_the_clocks_do(
    make_settings: Callable[..., Settings], at: str, until: str | None
) -> None:
    hours = QuietHours(make_settings(slack={"quiet": NIGHTS}, clock={"timezone": "Europe/Tallinn"}))
    assert hours.until("low", datetime.fromisoformat(at)) == (datetime.fromisoformat(until) if until else None)


def test_windows_that_touch_are_one(make_settings: Callable[..., Settings]) -> None:
    windows = ["fri 20:00-24:00", "sat,sun 00:00-24:00", "mon 00:00-08:00"]
    hours = QuietHours(make_settings(slack={"quiet": windows}))
    assert hours.until("low", datetime(2026, 11, 20, 21, tzinfo=UTC)) == datetime(2026, 11, 23, 8, tzinfo=UTC)


def test_without_windows_nothing_is_held(make_settings: Callable[..., Settings]) -> None:
    assert QuietHours(make_settings()).until("low", datetime(2026, 11, 20, 3, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"quiet_severities": ["low", "high"]}, 'high cases are never held back: take "high" out'),
        ({"quiet_severities": ["critical"]}, "critical cases are never held back"),
        ({"quiet_severities": ["lo"]}, 'there is no severity "lo": one of low, medium'),
        ({"quiet": ["mon-fry 20:00-08:00"]}, 'did you mean "fri"?'),
        ({"quiet": ["mon-sun 00:00-24:00"]}, "leave some time out"),
    ],
)
def test_what_cannot_be_quiet_is_refused_at_the_start(keys: dict[str, Any], says: str) -> None:
    with pytest.raises(BadSettings) as refused:
        parse({"slack": keys}, {})
    assert says in str(refused.value)


def test_a_night_is_kept_once_on_both_databases(any_db: Database, clock: ManualClock) -> None:
    now, until = clock.now(), clock.now() + timedelta(hours=8)
    for _ in range(2):
        with any_db.write() as session:
            held = silences.hold(session, "slack", CHANNEL, "low", until, now)
            assert held is not None
            assert (held.id, held.kind, held.until) == (1, "quiet", until)
            assert silences.held(session, held) == []


@pytest.mark.parametrize(
    ("clock", "warning"),
    [
        ({}, "a low case of Fri 20:00 is due Fri 21:00, but its alert may wait until Sat 08:00: give low cases a"),
        ({"policies": [SLEEPS]}, None),
        ({"policies": [SLEEPS | {"hours": ["mon-sun 07:00-20:00"]}]}, None),
        ({"policies": [SLEEPS | {"hours": ["mon-sun 06:00-20:00"]}]}, "is due Sat 07:00, but its alert may wait"),
        ({"target": "12h"}, None),
    ],
    ids=["around the clock", "asleep", "due as the night ends", "up too early", "long enough"],
)
def test_the_operator_is_warned_where_held_cases_are_due_before_they_are_seen(
    clock: dict[str, Any], warning: str | None
) -> None:
    brands = [{"name": "Acme", "match": "acme"}]
    raw = {"brands": brands, "slack": {"channel": CHANNEL, "quiet": NIGHTS}, "clock": clock}
    said = too_late(parse(raw, {}), datetime(2026, 11, 20, 12, tzinfo=UTC))
    assert (said is None) if warning is None else (said is not None and warning in said)


def test_without_quiet_hours_there_is_nothing_to_warn_of() -> None:
    raw = {"brands": [{"name": "Acme", "match": "acme"}], "slack": {"channel": CHANNEL}}
    assert too_late(parse(raw, {}), datetime(2026, 11, 20, 12, tzinfo=UTC)) is None
