"""What people say of verdicts: corrections are stored once, counted, and cases follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from monitor import recount, rollups
from monitor.cases import Cases
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.doubts import doubtful, threshold
from monitor.errors import Refused
from monitor.labelling import Labelled, label
from monitor.models import CaseEventRow, CaseRow, CorrectionRow, MentionRow
from monitor.pace import pace
from monitor.settings import Settings
from tests.web import town

HOUR = timedelta(hours=1)
DOUBT = replace(town.OTHERS[0], complaint=0.45)


@pytest.fixture
def cases(any_db: Database, make_settings: Callable[..., Settings]) -> Cases:
    return Cases(any_db, make_settings())


def heard(db: Database, clock: ManualClock, said: town.Said = DOUBT, **more: object) -> int:
    with db.write() as session:
        row = town.mention(session, said, clock.now() - HOUR / 4, **more)
        session.flush()
        rollups.count(session, [row.id])
        return row.id


def complaint(db: Database, clock: ManualClock, **more: object) -> tuple[int, int]:
    """A case, and its first mention."""
    with db.write() as session:
        row = town.case(session, town.KADRI, clock.now() - HOUR / 2, **more)
        session.flush()
        rollups.count(session, [row.mention_id])
        return row.id, row.mention_id


def words(db: Database) -> list[tuple[int, bool, str]]:
    with db.read() as session:
        return [(k.mention_id, k.complaint, k.actor) for k in session.scalars(select(CorrectionRow))]


def state(db: Database, case_id: int) -> str:
    with db.read() as session:
        return session.get_one(CaseRow, case_id).state


def test_a_missed_complaint_opens_a_case_that_says_who_said_so(cases: Cases, clock: ManualClock) -> None:
    db, mention = cases.db, heard(cases.db, clock)
    said = label(cases, mention, 0, True, "Mari", "web", clock.now())
    assert (said.complaint, said.done) == (True, "opened")
    assert said.case_id is not None
    with db.read() as session:
        case = session.get_one(CaseRow, said.case_id)
        assert (case.mention_id, case.state, case.clock, case.due_at) == (
            *(mention, "open", "running"),
            clock.now() + 3 * HOUR / 4,
        )
        note = session.scalars(select(CaseEventRow).where(CaseEventRow.kind == "note")).one()
        assert (note.actor, note.detail["text"]) == ("Mari", "Said to be a complaint; the classifier gave it 45 %.")
        assert pace(session, clock.now()).corrected == 1
    assert words(db) == [(mention, True, "Mari")]
    assert recount.check(db) == 0


def test_the_same_word_twice_is_said_once_and_the_other_takes_it_back(cases: Cases, clock: ManualClock) -> None:
    db, mention = cases.db, heard(cases.db, clock)
    case_id = label(cases, mention, 0, True, "Mari", "web", clock.now()).case_id
    assert label(cases, mention, 0, True, "Jaan", "web", clock.now()) == Labelled(mention, True, case_id, None)
    clock.move(HOUR / 60)
    assert label(cases, mention, 0, False, "Jaan", "web", clock.now()) == Labelled(mention, False, case_id, "dismissed")
    clock.move(HOUR / 60)
    assert label(cases, mention, 0, True, "Mari", "web", clock.now()) == Labelled(mention, True, case_id, "reopened")
    assert words(db) == [(mention, True, "Mari"), (mention, False, "Jaan"), (mention, True, "Mari")]
    assert recount.check(db) == 0


def test_a_false_alarm_dismisses_its_case_unless_others_complain_in_it(cases: Cases, clock: ManualClock) -> None:
    db = cases.db
    case_id, mention = complaint(db, clock)
    assert label(cases, mention, 0, False, "Mari", "web", clock.now()).done == "dismissed"
    assert state(db, case_id) == "dismissed"
    case_id, mention = complaint(db, clock)
    more = heard(db, clock, town.KADRI, case_id=case_id)
    assert label(cases, mention, 0, False, "Mari", "web", clock.now()).done is None
    assert label(cases, more, 0, False, "Mari", "web", clock.now()).done is None
    assert state(db, case_id) == "open"
    assert len(words(db)) == 3
    assert recount.check(db) == 0


def test_a_right_verdict_is_confirmed_and_nothing_follows(cases: Cases, clock: ManualClock) -> None:
    db = cases.db
    case_id, mention = complaint(db, clock, state="resolved")
    assert label(cases, mention, None, True, "Mari", "api", clock.now()) == Labelled(mention, True, case_id, None)
    assert label(cases, heard(db, clock), 0, False, "Mari", "web", clock.now()).case_id is None
    with db.read() as session:
        assert pace(session, clock.now()).corrected == 0
    assert recount.check(db) == 0


def test_a_case_that_is_closed_stays_closed_and_the_word_is_kept(cases: Cases, clock: ManualClock) -> None:
    case_id, mention = complaint(cases.db, clock, state="resolved")
    assert label(cases, mention, 0, False, "Mari", "web", clock.now()).done is None
    assert state(cases.db, case_id) == "resolved"
    assert words(cases.db) == [(mention, False, "Mari")]


def test_a_complaint_about_competitors_alone_gets_no_case(cases: Cases, clock: ManualClock, make_settings) -> None:  # type: ignore[no-untyped-def]
    settings = make_settings(brands=[{"name": "Beta", "match": "beta", "competitor": True}])
    mention = heard(cases.db, clock, brands=["Beta"])
    assert label(Cases(cases.db, settings), mention, 0, True, "Mari", "web", clock.now()).case_id is None
    assert words(cases.db) == [(mention, True, "Mari")]


def test_what_cannot_be_labelled_is_refused_with_the_reason(cases: Cases, clock: ManualClock) -> None:
    db = cases.db
    for mention, why in (
        (999, "there is no mention 999"),
        (heard(db, clock, own=True), "of a customer"),
        (heard(db, clock, removed_at=clock.now()), "its words are gone"),
        (heard(db, clock, revision=1), "changed meanwhile"),
    ):
        with pytest.raises(Refused, match=why):
            label(cases, mention, 0, True, "Mari", "web", clock.now())
    with db.write() as session:
        waiting = town.mention(session, DOUBT, clock.now(), judged=False).id
    with pytest.raises(Refused, match="not judged yet"):
        label(cases, waiting, 0, True, "Mari", "web", clock.now())
    assert words(db) == []


def test_the_most_doubtful_come_first_and_none_on_which_a_word_was_said(any_db: Database, clock: ManualClock) -> None:
    def scored(score: float, **more: object) -> int:
        return heard(any_db, clock, replace(DOUBT, complaint=score), **more)

    near, nearer, _far, _sure = scored(0.40), scored(0.52), scored(0.2), scored(0.99)
    scored(0.45, own=True)
    scored(0.45, removed_at=clock.now())
    scored(0.45, brands=["Beta"])
    said = scored(0.49)
    with any_db.write() as session:
        session.add(CorrectionRow(mention_id=said, complaint=True, actor="Mari", at=clock.now()))
    with any_db.read() as session:
        assert threshold(session) == 0.5  # between 0.49, which is none, and 0.52, which is one
        found = doubtful(session, 0.5, ["Acme"], 10)
        assert [(each.mention_id, each.judged) for each in found] == [(nearer, True), (near, False)]
        assert len(doubtful(session, 0.5, ["Acme"], 1)) == 1


def test_without_verdicts_the_threshold_is_in_the_middle(db: Database) -> None:
    with db.read() as session:
        assert threshold(session) == 0.5
        assert session.scalars(select(MentionRow)).all() == []
