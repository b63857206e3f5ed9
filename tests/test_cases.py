"""Cases on both databases: what opens and joins them, every transition, and what the listeners hear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from monitor.cases import Case, Cases, Change
from monitor.classify.verdict import Verdict
from monitor.database import Database
from monitor.errors import Refused
from monitor.models import CaseEventRow, CorrectionRow, MentionRow, RevisionRow, VerdictRow
from monitor.settings import Settings
from monitor.transitions import OPEN_STATES, PEOPLE_EVENTS, TRANSITIONS, after, table

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
COMPLAINT = Verdict(
    language="en",
    language_score=0.99,
    sentiment="negative",
    sentiment_scores=(0.9, 0.08, 0.02),
    complaint=True,
    complaint_score=0.93,
    severity="medium",
    severity_score=0.7,
    topic="delivery",
    topic_score=0.8,
    model="test-1",
)
QUESTION = replace(COMPLAINT, complaint=False, complaint_score=0.2, sentiment="neutral")
THANKS = replace(COMPLAINT, complaint=False, complaint_score=0.01, sentiment="positive")


@dataclass
class World:
    """Cases over one database, with short ways to make things happen `minutes` after noon."""

    db: Database
    cases: Cases
    heard: list[Change]
    mentions: int = 0

    def says(
        self, minutes: float = 0, verdict: Verdict = COMPLAINT, *, seen: float | None = None, **fields: Any
    ) -> int | None:
        """A mention is judged; the case it went to."""
        self.mentions += 1
        posted, seen_at = at(minutes), at(minutes if seen is None else seen)
        values = {
            "source": "feed",
            "external_id": f"m{self.mentions}",
            "text": "My parcel never came",
            "author": "ann",
            "conversation": "c1",
            "brands": ["Acme"],
        } | fields
        with self.db.write() as session:
            row = MentionRow(posted_at=posted, seen_at=seen_at, judging="judged", **values)
            session.add(row)
            session.flush()
            session.add(verdict_row(row.id, 0, verdict, seen_at))
            return self.cases.consider(session, {row.id: verdict}, seen_at).get(row.id)

    def opens(self, **fields: Any) -> int:
        case_id = self.says(**fields)
        assert case_id is not None
        return case_id

    def act(self, case_id: int, event: str, minutes: float = 1, actor: str = "mia", **detail: Any) -> Case:
        return self.cases.act(case_id, event, actor, "test", at(minutes), **detail).case

    def tick(self, minutes: float) -> list[str]:
        """What the clock sets off at that time."""
        before = len(self.heard)
        self.cases.tick(at(minutes))
        return [change.event for change in self.heard[before:]]

    def case(self, case_id: int) -> Case:
        with self.db.read() as session:
            return self.cases.get(session, case_id)

    def kinds(self, case_id: int) -> list[str]:
        with self.db.read() as session:
            return [event.kind for event in self.cases.history(session, case_id)]


def at(minutes: float) -> datetime:
    return NOON + minutes * MINUTE


def verdict_row(mention_id: int, revision: int, verdict: Verdict, judged_at: datetime) -> VerdictRow:
    negative, neutral, positive = verdict.sentiment_scores
    names = (
        "language language_score sentiment complaint complaint_score severity severity_score topic topic_score model"
    )
    return VerdictRow(
        mention_id=mention_id,
        revision=revision,
        negative=negative,
        neutral=neutral,
        positive=positive,
        judged_at=judged_at,
        **{name: getattr(verdict, name) for name in names.split()},
    )


Build = Callable[..., World]


@pytest.fixture
def build(any_db: Database, make_settings: Callable[..., Settings]) -> Build:
    def make(**sections: Any) -> World:
        heard: list[Change] = []
        brands = [
            {"name": "Acme", "match": "acme"},
            {"name": "Beta", "match": "beta"},
            {"name": "Rival", "match": "rival", "competitor": True},
        ]
        listen = lambda _session, change: heard.append(change)  # noqa: E731
        return World(any_db, Cases(any_db, make_settings(brands=brands, **sections), [listen]), heard)

    return make


@pytest.fixture
def world(build: Build) -> World:
    return build()


# opening and joining


def test_a_complaint_opens_a_case_with_all_that_a_message_shows(world: World) -> None:
    case_id = world.opens(rating=1.0, author_name="Ann", author_followers=12, url="https://example.com/1")
    case = world.case(case_id)
    assert [change.event for change in world.heard] == ["opened"]
    assert world.heard[0].case == case
    assert (case.state, case.clock, case.due_at, case.next_step_at) == ("open", "running", at(60), at(20))
    assert (case.text, case.rating, case.author_name, case.author_followers) == ("My parcel never came", 1.0, "Ann", 12)
    assert (case.complaint_score, case.model, case.mentions, case.earlier_cases_30d) == (0.93, "test-1", 1, 0)


def test_what_is_no_complaint_or_not_a_customers_opens_none(world: World) -> None:
    assert world.says(verdict=QUESTION) is None
    assert world.says(own=True) is None
    assert world.says(brands=["Rival"]) is None
    assert world.says(removed_at=at(0)) is None
    assert world.heard == []


def test_a_complaint_about_a_competitor_and_us_is_ours(world: World) -> None:
    assert world.case(world.opens(brands=["Rival", "Beta"])).brand == "Beta"


def test_further_words_in_the_conversation_join_however_late(world: World) -> None:
    case_id = world.opens()
    assert world.says(60 * 48, QUESTION) == case_id
    assert world.kinds(case_id) == ["opened", "joined"]
    assert world.case(case_id).mentions == 2


def test_a_complaint_elsewhere_on_the_source_joins_within_a_day(world: World) -> None:
    case_id = world.opens()
    assert world.says(60 * 24, conversation="c2") == case_id
    assert world.says(60 * 24 + 1, conversation="c3") != case_id
    assert world.says(5, conversation="c4", author="bob") != case_id
    assert world.says(5, conversation="c5", source="other") != case_id
    assert world.says(5, conversation="c6", brands=["Beta"]) != case_id


def test_words_without_an_author_join_nothing(world: World) -> None:
    case_id = world.opens(author=None)
    assert world.says(1, author=None) != case_id
    assert world.says(2, QUESTION, author=None) is None


def test_a_question_elsewhere_joins_nothing(world: World) -> None:
    world.opens()
    assert world.says(5, QUESTION, conversation="c2") is None


def test_a_worse_complaint_makes_the_case_worse_and_a_milder_one_does_not(world: World) -> None:
    case_id = world.opens()
    world.says(1, replace(COMPLAINT, severity="critical"))
    world.says(2, replace(COMPLAINT, severity="low"))
    assert world.case(case_id).severity == "critical"


def test_a_dismissed_case_takes_no_more_words(world: World) -> None:
    case_id = world.opens()
    world.act(case_id, "dismiss")
    assert world.says(2) != case_id


def test_earlier_cases_of_the_author_are_counted_over_thirty_days(world: World) -> None:
    for day in (0, 5, 36):
        world.opens(minutes=day * 1440, conversation=f"c{day}")
    last = world.opens(minutes=37 * 1440 + 1, conversation="last")
    assert world.case(last).earlier_cases_30d == 1
    world.opens(minutes=5, author="bob", conversation="b")
    with world.db.read() as session:
        counts = {case.posted_at: case.earlier_cases_30d for case in world.cases.open_cases(session)}
    assert sorted(counts.values()) == [0, 0, 0, 1, 1]


def test_an_edited_mention_keeps_its_case_and_may_make_it_worse(world: World) -> None:
    case_id = world.opens()
    with world.db.write() as session:
        mention = session.scalars(select(MentionRow)).one()
        mention.revision = 1
        worse = replace(COMPLAINT, severity="high")
        assert world.cases.consider(session, {mention.id: worse}, at(5)) == {mention.id: case_id}
    assert world.case(case_id).severity == "high"
    assert world.kinds(case_id) == ["opened", "worse"]  # whatever shows or holds the case hears of it


def test_a_review_that_becomes_a_complaint_is_as_late_as_its_edit(world: World) -> None:
    assert world.says(-60 * 24 * 30, THANKS) is None
    with world.db.write() as session:
        mention = session.scalars(select(MentionRow)).one()
        mention.revision = 1
        session.add(RevisionRow(mention_id=mention.id, revision=0, text="Great", rating=5.0, replaced_at=at(0)))
        case_id = world.cases.consider(session, {mention.id: COMPLAINT}, at(1)).get(mention.id)
    assert case_id is not None
    assert world.case(case_id).due_at == at(60)


# late first sight


def test_what_was_too_old_at_first_sight_or_imported_has_no_clock(world: World) -> None:
    for fields in ({"minutes": -1441, "seen": 0}, {"backfill": True, "author": "bob"}):
        case = world.case(world.opens(**fields))
        assert (case.clock, case.due_at, case.next_step_at, case.met) == ("none", None, None, None)
    assert world.tick(10_000) == []


def test_a_fresh_complaint_starts_the_clock_of_a_case_that_had_none(world: World) -> None:
    case_id = world.opens(minutes=-1441, seen=0)
    world.says(10)
    assert world.case(case_id).due_at == at(70)


def test_of_the_reminders_missed_before_first_sight_only_the_strongest_comes(world: World) -> None:
    world.opens(minutes=0, seen=50)
    assert world.tick(50) == ["oncall"]
    world.opens(minutes=30, seen=52, author="bob")
    assert world.tick(52) == ["remind"]


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


# people


def test_two_who_take_at_once_get_one_case_and_one_answer_who_has_it(world: World) -> None:
    case_id = world.opens()
    world.act(case_id, "take", actor="mia")
    with pytest.raises(Refused, match="mia has taken this case already"):
        world.act(case_id, "take", actor="noa")
    with pytest.raises(Refused, match="you have taken"):
        world.act(case_id, "take", actor="mia")
    assert world.kinds(case_id) == ["opened", "take"]


def test_the_same_key_is_the_same_event(world: World) -> None:
    case_id = world.opens()
    first = world.cases.act(case_id, "take", "mia", "slack", at(1), key="k1")
    again = world.cases.act(case_id, "take", "mia", "slack", at(2), key="k1")
    assert (again.event, again.at, again.case) == (first.event, first.at, first.case)
    assert [change.event for change in world.heard] == ["opened", "take"]


def test_what_cannot_be_done_is_refused_with_the_reason(world: World) -> None:
    case_id = world.opens()
    refused: list[tuple[str, dict[str, Any], str]] = [
        ("snooze", {}, "until when"),
        ("snooze", {"until": NOON}, "until when"),
        ("hand_over", {"to": " "}, "to whom"),
        ("note", {}, "needs a text"),
        ("release", {}, "not possible while the case is open; possible: take"),
        ("breach", {}, "there is no action breach"),
    ]
    for event, detail, message in refused:
        with pytest.raises(Refused, match=message):
            world.act(case_id, event, **detail)
    assert world.kinds(case_id) == ["opened"]


def test_a_case_that_does_not_exist_is_refused(world: World) -> None:
    with pytest.raises(Refused, match="no case 77"):
        world.act(77, "take")
    with pytest.raises(Refused, match="no case 77"):
        world.case(77)


def test_reopening_a_dismissed_case_takes_the_correction_back(world: World) -> None:
    case_id = world.opens()
    world.act(case_id, "dismiss", 10)
    case = world.act(case_id, "reopen", 15)
    assert (case.state, case.due_at, case.met, case.next_step_at) == ("reopened", at(60), None, at(20))
    with world.db.read() as session:
        assert [row.complaint for row in session.scalars(select(CorrectionRow).order_by(CorrectionRow.id))] == [
            False,
            True,
        ]


def test_reopening_after_a_reply_starts_a_next_clock(world: World) -> None:
    case_id = world.opens()
    world.act(case_id, "reply", 10)
    case = world.act(case_id, "reopen", 100)
    assert (case.clock_kind, case.due_at) == ("next", at(160))


def test_a_listener_that_fails_undoes_the_event(
    any_db: Database, world: World, make_settings: Callable[..., Settings]
) -> None:
    def fail(_session: Session, _change: Change) -> None:
        raise RuntimeError("disk full")

    case_id = world.opens()
    broken = Cases(any_db, make_settings(), [fail])
    with pytest.raises(RuntimeError):
        broken.act(case_id, "take", "mia", "test", at(1))
    assert world.case(case_id).state == "open"
    assert world.kinds(case_id) == ["opened"]


def test_one_case_that_fails_does_not_stop_the_others(
    any_db: Database, world: World, make_settings: Callable[..., Settings]
) -> None:
    heard = []

    def fail(_session: Session, change: Change) -> None:
        if change.case.author == "bob":
            raise RuntimeError("cannot be told")
        heard.append(change.case.author)

    for author in ("ann", "bob", "cy"):
        world.opens(author=author)
    with capture_logs() as logs:
        assert Cases(any_db, make_settings(), [fail]).tick(at(20)) == 3
    assert [(entry["event"], entry["case"]) for entry in logs] == [("case set aside", 2)]
    assert heard.count("ann") >= 1
    assert heard.count("cy") >= 1
    assert world.tick(25) == ["remind"], "bob's, five minutes later"


def test_open_cases_come_by_due_time_in_pages(world: World) -> None:
    due = [world.opens(minutes=m, author=f"a{m}", conversation=None) for m in (30, 10, 20)]
    undated = [world.opens(author=f"b{i}", conversation=None, backfill=True) for i in range(2)]
    world.act(due[2], "take", 40)
    world.act(world.opens(author="gone", conversation=None), "resolve", 5)
    expected = [due[1], due[2], due[0], *undated]
    with world.db.read() as session:
        assert [case.id for case in world.cases.open_cases(session)] == expected
        found: list[int] = []
        while page := world.cases.open_cases(session, 2, found[-1] if found else None):
            found += [case.id for case in page]
    assert found == expected


# the table


def test_every_entry_of_the_table_can_be_reached_and_nothing_else(world: World) -> None:
    assert {state for state, _ in TRANSITIONS} <= {"new", *OPEN_STATES, "resolved", "dismissed"}
    for state in (*OPEN_STATES, "resolved", "dismissed"):
        for event in PEOPLE_EVENTS:
            if (state, event) not in TRANSITIONS:
                with pytest.raises(Refused, match=f"while the case is {state}"):
                    after(state, event)
    assert all(event in table() for _, event in TRANSITIONS)


DETAIL: dict[str, dict[str, Any]] = {
    "hand_over": {"to": "noa"},
    "note": {"text": "called them"},
    "snooze": {"until": at(500)},
}
PATHS: dict[str, tuple[str, ...]] = {
    "open": (),
    "taken": ("take",),
    "replied": ("reply",),
    "reopened": ("reply", "reopen"),
    "snoozed": ("snooze",),
    "resolved": ("resolve",),
    "dismissed": ("dismiss",),
}


def test_every_act_of_people_leads_where_the_table_says_and_is_written_down(world: World) -> None:
    for number, ((state, event), target) in enumerate(TRANSITIONS.items()):
        if event not in PEOPLE_EVENTS:
            continue
        case_id = world.opens(author=f"a{number}", conversation=f"c{number}")
        for minute, step in enumerate(PATHS[state]):
            world.act(case_id, step, minute + 1, **DETAIL.get(step, {}))
        assert world.case(case_id).state == state
        case = world.act(case_id, event, 10, "noa", **DETAIL.get(event, {}))
        assert case.state == ("open" if target == "before" else target), (state, event)
        assert (case.next_step_at is not None) is (case.clock in ("running", "paused")), (state, event)
        with world.db.read() as session:
            last = world.cases.history(session, case_id)[-1]
            assert (last.kind, last.actor, last.origin, last.at) == (event, "noa", "test", at(10))
            assert session.scalar(select(CaseEventRow.id).where(CaseEventRow.id == last.id))
        assert world.heard[-1].event == event
        assert case.version == len(PATHS[state]) + 2
