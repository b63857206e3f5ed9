"""Cases on both databases: what opens and joins them, what people do, and every transition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from monitor.cases import Cases, Change
from monitor.database import Database
from monitor.errors import Refused
from monitor.models import CaseEventRow, CorrectionRow, MentionRow, RevisionRow
from monitor.settings import Settings
from monitor.transitions import OPEN_STATES, PEOPLE_EVENTS, TRANSITIONS, after, table
from tests.case_world import COMPLAINT, NOON, QUESTION, THANKS, World, at, built


@pytest.fixture
def world(any_db: Database, make_settings: Callable[..., Settings]) -> World:
    return built(any_db, make_settings)


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
