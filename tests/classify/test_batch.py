from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select, update

from monitor import faults
from monitor.alerts.announce import Announcer
from monitor.cases import Cases
from monitor.classify.batch import ClassifyStage
from monitor.classify.verdict import Subject, Unreadable, Verdict
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.leases import MAX_ATTEMPTS
from monitor.models import CaseRow, MentionRow, VerdictRow
from monitor.settings import Settings
from tests.stored import verdict


class Plain:
    """Judges by one word; `asked` keeps what it was given."""

    version, threshold = "plain", 0.5

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.before: Callable[[], None] = lambda: None

    def judge(self, subjects: Sequence[Subject]) -> list[Verdict | Unreadable]:
        self.asked.append([s.text for s in subjects])
        self.before()
        if any("poison" in s.text for s in subjects):
            raise RuntimeError("this text makes me ill")
        return [Unreadable("empty text") if not s.text.strip() else verdict("broke" in s.text) for s in subjects]


Make = Callable[..., Settings]


def mentions(db: Database, clock: ManualClock, *texts: str, source: str = "news") -> list[int]:
    with db.write() as session:
        rows = [
            MentionRow(
                source=source, external_id=f"m{n}", text=text, author=f"a{n}", brands=["Acme"],
                posted_at=clock.now(), seen_at=clock.now(),
            )
            for n, text in enumerate(texts)
        ]  # fmt: skip
        session.add_all(rows)
        session.flush()
        return [row.id for row in rows]


def stage(db: Database, clock: ManualClock, make_settings: Make, model: Any, batch: int = 4) -> ClassifyStage:
    return ClassifyStage(db, clock, model, Cases(db, make_settings()), "worker", batch)


def states(db: Database) -> list[str]:
    with db.read() as session:
        return list(session.scalars(select(MentionRow.judging).order_by(MentionRow.id)))


def count(db: Database, table: type) -> int:
    with db.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_what_waits_is_judged_once_and_complaints_become_cases(
    any_db: Database, clock: ManualClock, make_settings: Make
) -> None:
    mentions(any_db, clock, *(f"acme {'broke' if n % 2 else 'rocks'} {n}" for n in range(10)))
    classify = stage(any_db, clock, make_settings, Plain())
    done = [classify.run_once() for _ in range(4)]
    assert done == [4, 4, 2, 0]
    assert states(any_db) == ["judged"] * 10
    assert count(any_db, VerdictRow) == 10
    assert count(any_db, CaseRow) == 5


def test_one_poisonous_text_is_parked_and_the_others_are_judged(
    db: Database, clock: ManualClock, make_settings: Make
) -> None:
    mentions(db, clock, "acme broke", "acme poison", "acme rocks")
    model = Plain()
    classify = stage(db, clock, make_settings, model)
    classify.run_once()
    assert states(db) == ["judged", "waiting", "judged"]
    for _ in range(MAX_ATTEMPTS + 2):
        clock.move(timedelta(minutes=5))
        classify.run_once()
    assert states(db) == ["judged", "parked", "judged"]
    with db.read() as session:
        assert "ill" in (session.scalar(select(MentionRow.judge_error).where(MentionRow.judging == "parked")) or "")
    assert sum(asked == ["acme poison"] for asked in model.asked) == MAX_ATTEMPTS


def test_a_text_that_kills_the_process_is_tried_alone_and_parked(
    db: Database, clock: ManualClock, make_settings: Make
) -> None:
    mentions(db, clock, "acme killer", "acme broke")
    model = Plain()

    class Killed(BaseException):
        pass

    def die() -> None:
        if "acme killer" in model.asked[-1]:
            raise Killed

    model.before = die
    classify = stage(db, clock, make_settings, model)
    for _ in range(2 * MAX_ATTEMPTS + 4):
        try:
            classify.run_once()
        except Killed:
            clock.move(timedelta(minutes=3))
    assert states(db) == ["parked", "judged"]
    assert ["acme broke"] in model.asked


def test_an_unreadable_mention_is_parked_with_the_reason(db: Database, clock: ManualClock, make_settings: Make) -> None:
    mentions(db, clock, " ", "acme broke")
    stage(db, clock, make_settings, Plain()).run_once()
    assert states(db) == ["parked", "judged"]


def test_a_mention_edited_while_it_was_judged_is_judged_again(
    db: Database, clock: ManualClock, make_settings: Make
) -> None:
    (id,) = mentions(db, clock, "acme broke")
    model = Plain()

    def edit() -> None:
        model.before = lambda: None
        with db.write() as session:
            session.execute(
                update(MentionRow)
                .where(MentionRow.id == id)
                .values(text="acme rocks", revision=1, lease_owner=None, lease_until=None)
            )

    model.before = edit
    classify = stage(db, clock, make_settings, model)
    classify.run_once()
    assert states(db) == ["waiting"]
    assert count(db, VerdictRow) == 0
    classify.run_once()
    with db.read() as session:
        assert session.execute(select(VerdictRow.revision, VerdictRow.complaint)).one() == (1, False)


def test_a_worker_whose_lease_ran_out_changes_nothing(db: Database, clock: ManualClock, make_settings: Make) -> None:
    mentions(db, clock, "acme broke")
    slow = Plain()
    fast = stage(db, clock, make_settings, Plain())

    def overtaken() -> None:
        slow.before = lambda: None
        clock.move(timedelta(minutes=5))
        fast.run_once()

    slow.before = overtaken
    stage(db, clock, make_settings, slow).run_once()
    assert states(db) == ["judged"]
    assert count(db, VerdictRow) == 1
    assert count(db, CaseRow) == 1


def test_what_authors_say_several_times_in_one_batch_is_one_case_each(
    any_db: Database, clock: ManualClock, make_settings: Make
) -> None:
    ids = mentions(any_db, clock, *(f"acme broke {n}" for n in range(9)))
    with any_db.write() as session:
        for id, author in zip(ids, ["ann", "bob", "ann", None, None, "ann", "cy", "bob", "ann"], strict=True):
            session.execute(update(MentionRow).where(MentionRow.id == id).values(author=author))
    stage(any_db, clock, make_settings, Plain(), 16).run_once()
    with any_db.read() as session:
        cases = dict(session.execute(select(CaseRow.id, CaseRow.author)).all())
        found = [cases[case_id] for case_id in session.scalars(select(MentionRow.case_id).order_by(MentionRow.id))]
    assert sorted(cases.values(), key=str) == [None, None, "ann", "bob", "cy"]
    assert found == ["ann", "bob", "ann", None, None, "ann", "cy", "bob", "ann"]


def test_many_complaints_take_no_more_look_ups_than_few(
    any_db: Database, clock: ManualClock, make_settings: Make
) -> None:
    settings = make_settings()
    classify = ClassifyStage(any_db, clock, Plain(), Cases(any_db, settings, [Announcer(settings)]), "worker", 64)

    def look_ups(source: str, complaints: int) -> int:
        done: list[str] = []
        mentions(any_db, clock, *["acme broke"] * complaints, source=source)

        def note(*told: Any) -> None:
            done.append(told[2])

        event.listen(any_db.engine, "before_cursor_execute", note)
        classify.run_once()
        event.remove(any_db.engine, "before_cursor_execute", note)
        return sum(statement.startswith(("SELECT", "UPDATE")) for statement in done)

    assert look_ups("news", 40) == look_ups("forum", 2)


def test_a_case_that_cannot_be_opened_holds_nobody_else_up(
    db: Database, clock: ManualClock, make_settings: Make
) -> None:
    ids = mentions(db, clock, "acme broke", "acme broke too", "acme broke three")
    cases = Cases(db, make_settings())

    class Choosy(Cases):
        def consider(self, session: Any, verdicts: Mapping[int, Verdict], now: Any) -> dict[int, int]:
            if ids[1] in verdicts:
                raise ValueError("not this one")
            return cases.consider(session, verdicts, now)

    classify = ClassifyStage(db, clock, Plain(), Choosy(db, make_settings()), "worker", 8)
    classify.run_once()
    assert states(db) == ["judged", "waiting", "judged"]
    assert count(db, VerdictRow) == 2


@pytest.mark.parametrize("step", ["classify.claimed", "classify.judged", "classify.stored", "classify.committed"])
def test_dying_at_any_step_loses_and_doubles_nothing(
    db: Database, clock: ManualClock, make_settings: Make, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    mentions(db, clock, "acme broke", "acme rocks")

    class Killed(BaseException):
        pass

    def kill(name: str) -> None:
        if name == step:
            raise Killed

    classify = stage(db, clock, make_settings, Plain())
    with monkeypatch.context() as patch:
        patch.setattr(faults, "hook", kill)
        with pytest.raises(Killed):
            classify.run_once()
    clock.move(timedelta(minutes=5))
    classify.run_once()
    assert states(db) == ["judged", "judged"]
    assert count(db, VerdictRow) == 2
    assert count(db, CaseRow) == 1
