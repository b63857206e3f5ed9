"""Cases that become worse: the clock of the graver ones, and never a laxer one than before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from monitor import sla
from monitor.cases import Cases, Change
from monitor.classify.verdict import Verdict
from monitor.database import Database
from monitor.models import MentionRow, RevisionRow
from monitor.settings import Settings, parse
from tests.case_world import COMPLAINT, World, at

CRITICAL, LOW = replace(COMPLAINT, severity="critical"), replace(COMPLAINT, severity="low")
URGENT = {
    "name": "urgent",
    "severity": ["critical"],
    "target": "30m",
    "steps": [{"at": "10m", "notify": "oncall"}, {"at": "30m", "notify": "lead"}],
}
SLOW = {"name": "slow", "severity": ["low"], "target": "8h"}


@pytest.fixture
def world(any_db: Database, make_settings: Callable[..., Settings]) -> World:
    return built(any_db, make_settings)


def built(db: Database, make_settings: Callable[..., Settings], **sections: Any) -> World:
    heard: list[Change] = []
    wanted = make_settings(clock={"policies": [URGENT, SLOW]}, **sections)
    return World(db, Cases(db, wanted, [lambda _session, change: heard.append(change)]), heard)


def edit(world: World, verdict: Verdict, minutes: float) -> None:
    """The first mention's words are edited, which is noticed then."""
    with world.db.write() as session:
        mention = session.scalars(select(MentionRow).order_by(MentionRow.id)).first()
        assert mention is not None
        mention.revision += 1
        session.add(
            RevisionRow(mention_id=mention.id, revision=mention.revision - 1, text="before", replaced_at=at(minutes))
        )
        session.flush()
        world.cases.consider(session, {mention.id: verdict}, at(minutes))


def test_worse_words_bring_the_clock_of_their_severity_counted_from_them(world: World) -> None:
    case_id = world.opens(verdict=LOW)
    assert world.case(case_id).due_at == at(480)
    world.says(100, CRITICAL)
    case = world.case(case_id)
    assert (case.severity, case.policy, case.due_at, case.next_step_at) == ("critical", "urgent", at(130), at(110))
    assert world.kinds(case_id) == ["opened", "joined", "worse"]
    told = {key: world.heard[-1].detail[key] for key in ("was", "severity", "policy")}
    assert told == {"was": "low", "severity": "critical", "policy": "urgent"}
    assert world.tick(111) == ["oncall"]
    assert world.tick(131) == ["breach"]
    answered = world.act(case_id, "reply", 140)
    assert (answered.met, answered.breached_at, answered.calendar_seconds) == (False, at(130), 140 * 60)


def test_what_was_promised_is_not_put_off_by_worse_words(world: World) -> None:
    case_id = world.opens(verdict=LOW)
    world.says(470, CRITICAL)
    case = world.case(case_id)
    assert (case.policy, case.due_at) == ("urgent", at(480))
    assert case.next_step_at == at(460)  # ten minutes after a clock that ends then would have begun
    assert world.tick(470) == ["oncall"]


def test_a_case_whose_time_is_up_keeps_the_clock_that_it_has(world: World) -> None:
    case_id = world.opens(verdict=LOW)
    world.says(490, CRITICAL)
    case = world.case(case_id)
    assert (case.severity, case.policy, case.due_at) == ("critical", "slow", at(480))


def test_a_severity_without_a_policy_of_its_own_changes_no_clock(world: World) -> None:
    case_id = world.opens()
    before = world.case(case_id)
    world.says(10, replace(COMPLAINT, severity="high"))
    after = world.case(case_id)
    assert (after.severity, after.policy) == ("high", before.policy)
    assert (after.due_at, after.next_step_at) == (before.due_at, before.next_step_at)


def test_an_edit_for_the_worse_ends_a_snooze_and_counts_from_when_it_was_noticed(world: World) -> None:
    case_id = world.opens(verdict=LOW)
    world.act(case_id, "snooze", 10, until=at(200))
    edit(world, CRITICAL, 60)
    case = world.case(case_id)
    assert (case.state, case.severity, case.due_at) == ("open", "critical", at(90))
    assert world.kinds(case_id) == ["opened", "snooze", "unsnooze", "worse"]
    world.act(case_id, "snooze", 70, until=at(100))  # twenty minutes are left
    assert world.tick(100) == ["unsnooze", "oncall"]
    assert world.case(case_id).due_at == at(120)


def test_an_edit_for_the_worse_after_our_answer_asks_for_another_one(world: World) -> None:
    case_id = world.opens(verdict=LOW)
    world.act(case_id, "reply", 5)
    edit(world, CRITICAL, 60)
    case = world.case(case_id)
    assert (case.state, case.clock_kind, case.due_at, case.next_step_at) == ("reopened", "next", at(90), at(70))
    assert world.kinds(case_id) == ["opened", "reply", "customer_again", "worse"]


def test_a_milder_edit_and_a_worse_one_of_a_closed_case_change_nothing(world: World) -> None:
    case_id = world.opens(verdict=COMPLAINT)
    edit(world, LOW, 5)
    world.act(case_id, "resolve", 10)
    edit(world, CRITICAL, 15)
    assert world.case(case_id).severity == "medium"
    assert world.kinds(case_id) == ["opened", "resolve"]


def test_the_next_clock_of_a_case_that_became_worse_is_that_of_its_severity(world: World) -> None:
    case_id = world.opens(verdict=LOW)
    world.says(10, CRITICAL)
    world.act(case_id, "reply", 20)
    world.says(50, replace(COMPLAINT, severity="medium"))
    case = world.case(case_id)
    assert (case.clock_kind, case.severity, case.due_at) == ("next", "critical", at(80))


def test_a_case_of_which_too_old_words_are_worse_keeps_its_clock(world: World) -> None:
    case_id = world.opens(verdict=LOW)
    world.says(-60 * 30, CRITICAL, seen=10)
    case = world.case(case_id)
    assert (case.severity, case.policy, case.due_at) == ("critical", "slow", at(480))


def test_an_author_who_turns_out_to_have_many_readers_makes_the_case_graver(
    any_db: Database, make_settings: Callable[..., Settings]
) -> None:
    world = built(any_db, make_settings, vip={"followers": 1000})
    case_id = world.opens(verdict=LOW)
    world.says(5, LOW, author_followers=5000)
    case = world.case(case_id)
    assert (case.severity, case.vip, case.due_at) == ("high", "followers", at(65))


HOURS = (None, ["mon-fri 09:00-17:00"], ["mon-sun 20:00-08:00"], ["mon-fri 09:00-12:00", "mon-fri 13:00-17:00"])
SPANS = st.integers(1, 600).map(lambda minutes: timedelta(minutes=minutes))


@st.composite
def policies(draw: st.DrawFn) -> sla.Policy:
    target = draw(st.integers(1, 600))
    steps = sorted(draw(st.sets(st.integers(1, target), max_size=3)))
    rule = {"target": f"{target}m", "steps": [{"at": f"{step}m", "notify": "oncall"} for step in steps]}
    hours = draw(st.sampled_from(HOURS))
    raw = {"brands": [{"name": "Acme", "match": "acme"}], "clock": rule | ({"hours": hours} if hours else {})}
    return sla.policy_for(parse(raw, {}).clock, sla.Subject())[0]


@given(policies(), policies(), st.lists(st.tuples(SPANS, SPANS), max_size=2), SPANS)
def test_the_clock_of_a_worse_case_is_never_later_and_its_steps_come_before_it_is_due(
    before: sla.Policy, after: sla.Policy, pauses: list[tuple[timedelta, timedelta]], then: timedelta
) -> None:
    now = datetime(2026, 11, 20, 10, tzinfo=UTC)
    clock = sla.start(before, now)
    for wait, length in pauses:
        clock = sla.resume(before, sla.pause(before, clock, now + wait), now + wait + length)
        now += wait + length
    now += then
    assert clock.due_at is not None
    worse = sla.worsen(after, clock, now)
    assert worse.due_at == min(clock.due_at, after.hours.add(now, after.target))
    times = [sla.step_at(after, worse, step) for step in after.steps]
    assert times == sorted(time for time in times if time is not None)
    assert all(time is not None and time <= worse.due_at + sla.SECOND for time in times)
    assert (worse.starts_at, worse.paused_calendar) == (clock.starts_at, clock.paused_calendar)
    assert sla.worsen(after, worse, now) == worse
