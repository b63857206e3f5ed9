"""The clocks of cases on both databases: steps, replies, a customer who writes again, and snoozing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import select

from monitor.database import Database
from monitor.models import CorrectionRow
from monitor.settings import Settings
from tests.case_world import QUESTION, THANKS, World, at, built

Build = Callable[..., World]


@pytest.fixture
def build(any_db: Database, make_settings: Callable[..., Settings]) -> Build:
    return partial(built, any_db, make_settings)


@pytest.fixture
def world(build: Build) -> World:
    return build()


# steps


def test_steps_come_at_20_45_and_60_minutes_and_then_somebody_is_nagged(world: World) -> None:
    case_id = world.opens()
    assert world.tick(19.99) == []
    assert world.tick(20) == ["remind"]
    assert world.tick(20) == []
    assert world.tick(45) == ["oncall"]
    assert world.tick(60) == [], "a reply in this very second would be in time"
    assert world.tick(60 + 1 / 60) == ["breach"]
    case = world.case(case_id)
    assert (case.met, case.breached_at, case.clock) == (False, at(60), "running")
    assert world.tick(75) == []
    assert world.tick(75 + 1 / 60) == ["renag"]
    assert world.tick(90 + 2 / 60) == ["renag"]
    details = [change.detail for change in world.heard if change.event in ("remind", "oncall", "breach")]
    assert [(d["notify"], d["step"], d["at"]) for d in details] == [
        ("thread", 0, 1200.0),
        ("oncall", 1, 2700.0),
        ("lead", 2, 3600.0),
    ]


def test_after_an_outage_every_step_that_was_missed_is_taken_once(world: World) -> None:
    world.opens()
    assert world.tick(300) == ["remind", "oncall", "breach"]
    assert world.tick(300) == []


def test_a_breach_is_told_in_the_thread_where_no_step_is_set_for_the_target(build: Build) -> None:
    world = build(
        clock={"target": "30m", "steps": [{"at": "10m", "notify": "lead"}, {"at": "40m", "notify": "thread"}]}
    )
    world.opens()
    assert world.tick(31) == ["oncall", "breach"]
    assert world.heard[-1].detail["notify"] == "thread"
    assert world.tick(40) == ["remind"]


def test_taking_silences_the_reminder_and_the_nagging_but_not_the_rest(world: World) -> None:
    case_id = world.opens()
    world.act(case_id, "take", 19)
    assert world.case(case_id).next_step_at == at(45)
    assert world.tick(60 + 1 / 60) == ["oncall", "breach"]
    world.act(case_id, "hand_over", 61, to="noa")
    assert world.tick(76.1) == []


def test_only_a_reply_silences_everything(world: World) -> None:
    case_id = world.opens()
    case = world.act(case_id, "reply", 30)
    assert (case.state, case.owner, case.met, case.next_step_at) == ("replied", "mia", True, None)
    assert (case.first_response_at, case.calendar_seconds, case.business_seconds) == (at(30), 1800, 1800)
    assert world.tick(1000) == []


def test_a_silent_owner_loses_the_case_to_the_group(world: World) -> None:
    case_id = world.opens()
    world.act(case_id, "take", 10)
    assert world.tick(54) == ["oncall"]
    assert world.tick(55) == ["silent_owner"]
    assert world.heard[-1].detail["owner"] == "mia"
    case = world.case(case_id)
    assert (case.state, case.owner, case.next_step_at) == ("open", None, at(60 + 1 / 60))


def test_a_case_given_back_is_not_asked_for_takers_twice_in_one_breath(world: World) -> None:
    case_id = world.opens()
    world.act(case_id, "take", 5)
    world.act(case_id, "release", 30)
    assert world.tick(30) == []
    other = world.opens(author="bob")
    world.act(other, "take", 5)
    world.act(other, "release", 10)
    assert world.tick(20) == ["remind"]


def test_steps_wait_while_business_is_closed(build: Build) -> None:
    world = build(clock={"hours": ["mon-fri 09:00-12:15"], "renag": "10m"})
    world.opens()
    monday = (3 * 24 - 3) * 60  # the next 09:00
    assert world.tick(monday + 4) == []
    assert world.tick(monday + 5) == ["remind"]
    assert world.tick(monday + 46) == ["oncall", "breach"]
    assert world.tick(monday + 56) == ["renag"]


def test_a_step_for_an_address_with_a_password_keeps_it_out_of_the_history(build: Build) -> None:
    world = build(clock={"steps": [{"at": "5m", "notify": "mailto://me:secret@example.com"}]})
    case_id = world.opens()
    assert world.tick(5) == ["oncall"]
    assert world.heard[-1].detail["notify"] == "mailto://me:secret@example.com"
    with world.db.read() as session:
        assert "secret" not in str(world.cases.history(session, case_id))


# replies


def test_a_reply_in_the_very_second_is_in_time_and_one_after_it_is_late(world: World) -> None:
    first, second = world.opens(), world.opens(author="bob")
    assert world.act(first, "reply", 60 + 0.9 / 60).met is True
    case = world.act(second, "reply", 60 + 1 / 60)
    assert (case.met, case.breached_at) == (False, at(60))


def test_a_late_reply_remains_a_breach(world: World) -> None:
    case_id = world.opens()
    world.tick(61)
    case = world.act(case_id, "reply", 90)
    assert (case.met, case.breached_at, case.first_response_at) == (False, at(60), at(90))


def test_a_reply_found_on_the_source_afterwards_takes_the_breach_back(world: World) -> None:
    case_id = world.opens()
    world.tick(61)
    case = world.act(case_id, "reply_seen", 40, "acmehelp")
    assert (case.state, case.met, case.breached_at, case.owner) == ("replied", True, None, None)


def test_the_earliest_reply_is_the_first_response(world: World) -> None:
    case_id = world.opens()
    world.act(case_id, "reply", 70)
    case = world.act(case_id, "reply_seen", 50, "acmehelp")
    assert (case.first_response_at, case.met) == (at(50), True)
    assert world.act(case_id, "reply", 80).first_response_at == at(50)


def test_a_reply_made_before_resolving_but_seen_after_it_counts(world: World) -> None:
    case_id, other = world.opens(), world.opens(author="bob")
    for case in (case_id, other):
        assert world.act(case, "resolve", 30).met is None
    assert world.act(case_id, "reply_seen", 29, "acmehelp").met is True
    assert world.act(other, "reply_seen", 31, "acmehelp").met is None
    assert world.case(other).first_response_at is None


def test_closing_without_a_reply_is_neither_met_nor_missed(world: World) -> None:
    early, late, wrong = (world.opens(author=name) for name in ("ann", "bob", "cy"))
    assert world.act(early, "resolve", 30).met is None
    world.tick(61)
    case = world.act(late, "resolve", 62)
    assert (case.met, case.resolved_at, case.clock, case.next_step_at) == (None, at(62), "stopped", None)
    assert world.act(wrong, "dismiss", 63).met is None
    with world.db.read() as session:
        correction = session.scalars(select(CorrectionRow)).one()
    assert (correction.complaint, correction.actor) == (False, "mia")


# the customer writes again


def test_after_our_reply_the_next_clock_starts_at_the_oldest_unanswered_word(world: World) -> None:
    case_id = world.opens()
    world.act(case_id, "reply", 30)
    assert world.says(100, QUESTION, seen=105) == case_id
    assert world.heard[-1].event == "customer_again"
    case = world.case(case_id)
    assert (case.state, case.clock_kind, case.starts_at, case.due_at) == ("reopened", "next", at(100), at(160))
    assert (case.met, case.first_response_at, case.calendar_seconds) == (True, at(30), 1800)
    world.says(90, QUESTION, seen=110)
    assert world.case(case_id).due_at == at(150), "an older word, seen later"
    world.says(120, QUESTION)
    assert world.case(case_id).due_at == at(150)
    assert world.kinds(case_id)[-2:] == ["joined", "joined"]
    assert world.tick(151) == ["remind", "oncall", "breach"]
    case = world.act(case_id, "reply", 152)
    assert (case.state, case.clock, case.met, case.breached_at) == ("replied", "stopped", True, None)
    world.says(200)
    assert world.case(case_id).due_at == at(260)


def test_thanks_and_words_from_before_our_reply_start_no_clock(world: World) -> None:
    case_id = world.opens()
    world.act(case_id, "reply", 30)
    assert world.says(40, THANKS) == case_id
    assert world.says(20, QUESTION, seen=41) == case_id
    case = world.case(case_id)
    assert (case.state, case.next_step_at, case.mentions) == ("replied", None, 3)


def test_a_reply_from_before_the_unanswered_words_does_not_answer_them(world: World) -> None:
    case_id = world.opens()
    world.act(case_id, "reply", 30)
    world.says(100)
    case = world.act(case_id, "reply_seen", 40, "acmehelp")
    assert (case.state, case.clock, case.due_at) == ("reopened", "running", at(160))


def test_a_resolved_case_comes_back_for_a_complaint_in_its_conversation_only(world: World) -> None:
    case_id = world.opens()
    world.act(case_id, "reply", 30)
    world.act(case_id, "resolve", 31)
    assert world.says(40, QUESTION) is None
    assert world.says(45, conversation="c2") != case_id
    assert world.says(50) == case_id
    case = world.case(case_id)
    assert (case.state, case.resolved_at, case.due_at) == ("reopened", None, at(110))


def test_a_case_closed_without_an_answer_goes_on_with_its_own_clock(world: World) -> None:
    case_id = world.opens()
    world.act(case_id, "resolve", 31)
    world.says(50)
    case = world.case(case_id)
    assert (case.clock_kind, case.due_at, case.met, case.calendar_seconds) == ("first", at(60), None, None)
    assert world.act(case_id, "reply", 55).met is True


# snoozing


def test_a_snooze_pauses_the_clock_and_comes_back_by_itself(world: World) -> None:
    case_id = world.opens()
    world.act(case_id, "take", 10)
    case = world.act(case_id, "snooze", 30, until=at(90))
    assert (case.state, case.clock, case.due_at, case.seconds_left) == ("snoozed", "paused", None, 1800)
    assert (case.next_step_at, case.snoozed_until) == (at(90), at(90))
    assert world.tick(89) == []
    assert world.tick(95) == ["unsnooze"]
    case = world.case(case_id)
    assert (case.state, case.owner, case.due_at, case.snoozed_until) == ("taken", "mia", at(120), None)
    assert case.next_step_at == at(105)
    assert world.tick(106) == ["oncall"]
    case = world.act(case_id, "reply", 110)
    assert (case.met, case.calendar_seconds) == (True, 50 * 60)


def test_a_snooze_can_be_made_longer_and_ended_by_hand(world: World) -> None:
    case_id = world.opens()
    world.act(case_id, "snooze", 30, until=at(90))
    assert world.act(case_id, "snooze", 40, until=at(200)).snoozed_until == at(200)
    case = world.act(case_id, "unsnooze", 150)
    assert (case.state, case.due_at) == ("open", at(180))


def test_a_snoozed_case_wakes_when_the_customer_writes(world: World) -> None:
    case_id = world.opens()
    world.act(case_id, "snooze", 30, until=at(900))
    world.says(60)
    assert world.kinds(case_id)[-2:] == ["unsnooze", "joined"]
    assert world.case(case_id).due_at == at(90)


def test_a_reply_ends_a_snooze(world: World) -> None:
    case_id = world.opens()
    world.act(case_id, "snooze", 30, until=at(900))
    case = world.act(case_id, "reply", 500)
    assert (case.state, case.met, case.calendar_seconds, case.next_step_at) == ("replied", True, 1800, None)


def test_an_overdue_case_stays_overdue_through_a_snooze(world: World) -> None:
    case_id = world.opens()
    world.tick(61)
    world.act(case_id, "snooze", 70, until=at(100))
    assert world.tick(100) == ["unsnooze"]
    case = world.case(case_id)
    assert (case.due_at, case.met, case.next_step_at) == (at(60), False, at(115))
    assert world.act(case_id, "reply", 101).met is False
