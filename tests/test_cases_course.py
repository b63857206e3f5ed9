"""Any course of events: what a case's row says is what `firsthour clock` works out from the history, and what holds
for one case holds for all; and two writers at once get one answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from monitor.cases import Case, Cases
from monitor.classify.verdict import Verdict
from monitor.database import Database
from monitor.errors import Refused
from monitor.explain import KINDS, explain
from monitor.models import MentionRow, VerdictRow
from monitor.settings import Settings
from monitor.sla import Subject
from monitor.transitions import OPEN_STATES, TRANSITIONS

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)  # a Friday
MINUTE = timedelta(minutes=1)
VERDICT = Verdict("en", 0.9, "negative", (0.9, 0.1, 0.0), True, 0.9, "low", 0.9, "other", 0.9, "test-1")
CLOCKS: list[dict[str, Any]] = [
    {},
    {"hours": ["mon-fri 09:00-12:30", "fri 13:00-14:00", "fri 22:00-03:00"]},
    {"hours": ["mon-sun 00:00-24:00"], "target": "3h", "steps": [{"at": "1h", "notify": "oncall"}]},
]
EVENTS = ["take", "hand_over", "release", "note", "auto_ack", "reply", "snooze", "unsnooze", "resolve", "tick"]


def complain(db: Database, cases: Cases, number: int, at: datetime, **fields: Any) -> int | None:
    values = {"source": "feed", "author": f"a{number}", "conversation": f"c{number}", "brands": ["Acme"]} | fields
    with db.write() as session:
        row = MentionRow(external_id=f"m{number}", text="Broken", posted_at=at, seen_at=at, judging="judged", **values)
        session.add(row)
        session.flush()
        session.add(
            VerdictRow(
                mention_id=row.id,
                revision=0,
                language="en",
                language_score=0.9,
                sentiment="negative",
                negative=0.9,
                neutral=0.1,
                positive=0.0,
                complaint=True,
                complaint_score=0.9,
                severity="low",
                severity_score=0.9,
                topic="other",
                topic_score=0.9,
                model="test-1",
                judged_at=at,
            )
        )
        return cases.consider(session, {row.id: VERDICT}, at).get(row.id)


@pytest.fixture
def number() -> Callable[[], int]:
    """A new number at each call, so that the examples of one test share a database."""
    count = [0]

    def following() -> int:
        count[0] += 1
        return count[0]

    return following


@hypothesis_settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    rules=st.sampled_from(CLOCKS),
    course=st.lists(st.tuples(st.integers(1, 400), st.sampled_from(EVENTS)), max_size=9),
)
@example(rules={}, course=[(1, "snooze"), (1, "take")])
@example(rules=CLOCKS[1], course=[(1, "take"), (20, "snooze"), (30, "hand_over"), (230, "reply")])
def test_a_case_agrees_with_the_clock_worked_out_from_its_history(
    db: Database,
    make_settings: Callable[..., Settings],
    number: Callable[[], int],
    rules: dict[str, Any],
    course: list[tuple[int, str]],
) -> None:
    settings = make_settings(clock=rules)
    cases = Cases(db, settings)
    case_id = complain(db, cases, number(), NOON)
    assert case_id is not None
    now = NOON
    for minutes, event in sorted(course, key=lambda one: one[0]):
        now = NOON + minutes * MINUTE
        cases.tick(now)
        if event == "tick":
            continue
        detail = {"hand_over": {"to": "noa"}, "note": {"text": "x"}, "snooze": {"until": now + 50 * MINUTE}}
        try:
            cases.act(case_id, event, "mia", "test", now, **detail.get(event, {}))
        except Refused:
            continue
    now += MINUTE
    cases.tick(now)
    with db.read() as session:
        case = cases.get(session, case_id)
        history = cases.history(session, case_id)
    told = explain(
        settings.clock,
        Subject(),
        NOON,
        NOON,
        [(event.at, event.kind) for event in history if event.kind in KINDS],
        now,
        today=now,
    )
    assert told["met"] is case.met
    assert told["due_at"] == (case.due_at.isoformat() if case.due_at else None)
    assert told["first_response_at"] == (case.first_response_at.isoformat() if case.first_response_at else None)
    if case.clock == "stopped":
        assert (told["calendar_seconds"], told["business_seconds"]) == (case.calendar_seconds, case.business_seconds)
    check(case, now)
    replay([event.kind for event in history], case.state)
    cases.act(case_id, "resolve", "mia", "test", now) if case.state in OPEN_STATES else None


def check(case: Case, now: datetime) -> None:
    """What holds for every case after every tick."""
    assert (case.clock == "paused") is (case.state == "snoozed") or case.clock in ("stopped", "none")
    assert (case.seconds_left is None) is (case.paused_at is None)
    assert case.next_step_at is None or case.next_step_at > now
    assert (case.next_step_at is not None) is (case.clock in ("running", "paused") and case.state in OPEN_STATES)
    assert case.owner is not None or case.state != "taken"
    assert case.met is not True or case.first_response_at is not None


def replay(kinds: list[str], state: str) -> None:
    """The history, run through the table again, ends where the case is."""
    at, before = "new", "open"
    for kind in kinds:
        target = TRANSITIONS[at, kind]
        if kind == "snooze" and at != "snoozed":
            before = at
        at = before if target == "before" else target
    assert at == state


def at_once(*jobs: Callable[[], Any]) -> list[Any]:
    """Run the jobs in threads that begin together; their results, or what they raised."""
    gate, results = threading.Barrier(len(jobs)), [None] * len(jobs)

    def run(index: int, job: Callable[[], Any]) -> None:
        gate.wait()
        try:
            results[index] = job()
        except Refused as error:
            results[index] = error  # type: ignore[call-overload]

    threads = [threading.Thread(target=run, args=one) for one in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_of_several_who_take_at_once_one_gets_the_case(
    any_db: Database, make_settings: Callable[..., Settings]
) -> None:
    cases = Cases(any_db, make_settings())
    case_id = complain(any_db, cases, 1, NOON)
    assert case_id is not None
    found = at_once(
        *(lambda name=name: cases.act(case_id, "take", name, "slack", NOON) for name in ("mia", "noa", "ola", "pat"))
    )
    assert sum(isinstance(one, Refused) for one in found) == 3


def test_words_of_one_author_judged_at_once_open_one_case(
    any_db: Database, make_settings: Callable[..., Settings]
) -> None:
    cases = Cases(any_db, make_settings())
    found = at_once(
        *(lambda n=n: complain(any_db, cases, n, NOON, author="ann", conversation="c") for n in range(1, 6))
    )
    assert len(set(found)) == 1


def test_a_tick_and_a_reply_at_once_leave_no_reminder_behind_an_answer(
    any_db: Database, make_settings: Callable[..., Settings]
) -> None:
    heard: list[tuple[int, str]] = []
    cases = Cases(any_db, make_settings(), [lambda _session, change: heard.append((change.case.id, change.event))])
    ids = [complain(any_db, cases, n, NOON) for n in range(1, 9)]
    late = NOON + 30 * MINUTE
    at_once(
        lambda: cases.tick(late, limit=3),
        lambda: cases.tick(late, limit=5),
        lambda: [cases.act(i, "reply", "mia", "slack", late) for i in ids if i is not None],
    )
    for case_id in ids:
        assert [event for case, event in heard if case == case_id][-1] == "reply"
        assert heard.count((case_id or 0, "remind")) <= 1
    assert cases.tick(late + 1000 * MINUTE) == 0


def test_a_course_is_the_same_after_a_restart(
    tmp_path: Path, db: Database, make_settings: Callable[..., Settings]
) -> None:
    first = Cases(db, make_settings())
    case_id = complain(db, first, 1, NOON)
    first.tick(NOON + 20 * MINUTE)
    heard: list[str] = []
    again = Cases(db, make_settings(), [lambda _session, change: heard.append(change.event)])
    again.tick(NOON + 20 * MINUTE)
    again.tick(NOON + 45 * MINUTE)
    assert (case_id, heard) == (1, ["oncall"])
