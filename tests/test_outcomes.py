"""What is read of cases that really went their way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from monitor.breaches import breaches
from monitor.cases import Cases
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.outcome_columns import Outcomes
from monitor.outcomes import Outcome, outcomes
from monitor.response import figures
from monitor.settings import Settings
from tests import stored

MakeSettings = Callable[..., Settings]
NIGHT = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 03:30 in Tallinn, half an hour before 04:00 becomes 03:00
OPEN = {"timezone": "Europe/Tallinn", "hours": ["sun 03:00-03:45"]}


def read(db: Database, since: datetime, until: datetime) -> list[Outcome]:
    with db.read() as session:
        return outcomes(session, since, until)


def test_business_minutes_of_the_hour_that_comes_twice_are_read_as_the_clock_counted_them(
    db: Database, make_settings: MakeSettings
) -> None:
    settings = make_settings(clock=OPEN)
    cases = Cases(db, settings)
    case_id = stored.complain(db, settings, NIGHT, cases=cases)
    cases.act(case_id, "take", "Mari", "slack", NIGHT + timedelta(minutes=4))
    cases.act(case_id, "reply", "Mari", "slack", NIGHT + timedelta(hours=1), reply_id=1)
    (outcome,) = read(db, NIGHT, NIGHT + timedelta(minutes=1))
    assert outcome.seconds("calendar") == 60 * 60
    assert outcome.seconds("business") == 45 * 60  # 03:30 to 03:45 in summer time, 03:00 to 03:30 in winter time
    assert (outcome.person, outcome.seconds_to_take, outcome.met) == ("Mari", 240, True)
    assert figures(Outcomes.of([outcome])).answered_outside == 0


def test_a_later_round_with_the_customer_leaves_the_first_response_as_it_was(
    any_db: Database, make_settings: MakeSettings, clock: ManualClock
) -> None:
    settings = make_settings()
    cases, now = Cases(any_db, settings), clock.now()
    case_id = stored.complain(any_db, settings, now, cases=cases)
    cases.act(case_id, "reply", "Mari", "web", now + timedelta(minutes=9))
    cases.act(case_id, "reopen", "Jaan", "web", now + timedelta(hours=5))
    cases.act(case_id, "reply", "Jaan", "web", now + timedelta(hours=8))
    (outcome,) = read(any_db, now, now + timedelta(minutes=1))
    assert (outcome.seconds("calendar"), outcome.person, outcome.clocked) == (540, "Mari", True)
    assert figures(Outcomes.of([outcome])).answered_outside == 1  # noted, not sent from here


def test_a_case_that_was_too_old_when_first_seen_has_no_clock(
    db: Database, make_settings: MakeSettings, clock: ManualClock
) -> None:
    settings, now = make_settings(), clock.now()
    posted = now - timedelta(days=20)
    case_id = stored.complain(db, settings, now, posted_at=posted)
    Cases(db, settings).act(case_id, "reply", "Mari", "web", now)
    assert [outcome.clocked for outcome in read(db, posted, now)] == [False]


def test_the_period_holds_its_first_moment_and_not_its_last(
    db: Database, make_settings: MakeSettings, clock: ManualClock
) -> None:
    settings, now = make_settings(), clock.now()
    ids = [stored.complain(db, settings, now + timedelta(hours=hours), author=f"a{hours}") for hours in range(3)]
    found = read(db, now, now + timedelta(hours=2))
    assert [outcome.case_id for outcome in found] == ids[:2]


def test_a_silent_owner_is_found_in_the_history(db: Database, make_settings: MakeSettings, clock: ManualClock) -> None:
    settings, now = make_settings(), clock.now()
    cases = Cases(db, settings)
    case_id = stored.complain(db, settings, now, cases=cases)
    cases.act(case_id, "take", "Mari", "web", now + timedelta(minutes=5))
    for after in range(6, 62):
        cases.tick(now + timedelta(minutes=after))
    cases.act(case_id, "reply", "Jaan", "web", now + timedelta(minutes=75))
    found = breaches(Outcomes.of(read(db, now, now + timedelta(minutes=1))))
    assert [(breach.reason, breach.person) for breach in found] == [("owner_silent", "Jaan")]
