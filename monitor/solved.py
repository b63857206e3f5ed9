"""Is it solved? Asked of a case's owner once our answer has stood for a while without a word from the customer.

When to ask is a row, written in the commit of the answer; a tick asks what is due. Nothing is closed by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.case_events import REPLIES, SYSTEM
from monitor.cases import Cases, Change
from monitor.database import Database
from monitor.models import CaseRow, SolvedQuestionRow
from monitor.settings import Settings

AGAIN = timedelta(days=1)
MOST = 3  # times that one answer is asked about
AT_A_TIME = 100
ENDS = ("customer_again", "reopen", "resolve", "dismiss")

# What each button of the question does: the event, and its detail.
PRESSES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "solved_yes": ("resolve", {}),
    "solved_no": ("note", {"text": "Not solved yet.", "solved": "no"}),
    "solved_later": ("note", {"text": "Ask again in a day whether it is solved.", "solved": "later"}),
}


class SolvedQuestions:
    """A listener of `Cases` that plans the question, or takes it back."""

    def __init__(self, settings: Settings) -> None:
        self._after = settings.after.ask_solved

    def __call__(self, session: Session, change: Change) -> None:
        if self._after is None:
            return
        answered = change.detail.get("solved")
        if change.event in REPLIES and change.case.state == "replied":
            _plan(session, change.case.id, change.at + self._after, asked=0)
        elif change.event in ENDS or answered == "no":
            _plan(session, change.case.id, None)
        elif answered == "later":
            _plan(session, change.case.id, change.at + AGAIN, asked=0)


def ask_due(db: Database, cases: Cases, now: datetime) -> int:
    """Ask all that is due; how many cases were looked at. Where nobody says anything it is asked again a day later, and
    no more than three times."""
    due = select(SolvedQuestionRow.case_id).where(
        SolvedQuestionRow.ask_at.is_not(None), SolvedQuestionRow.ask_at <= now
    )
    done = 0
    while True:
        with db.read() as session:
            ids = session.scalars(due.order_by(SolvedQuestionRow.ask_at).limit(AT_A_TIME)).all()
        for case_id in ids:
            with db.write() as session:
                _ask(session, cases, case_id, now)
        done += len(ids)
        if len(ids) < AT_A_TIME:
            return done


def _ask(session: Session, cases: Cases, case_id: int, now: datetime) -> None:
    case = session.get(CaseRow, case_id, with_for_update=True, populate_existing=True)
    row = session.get(SolvedQuestionRow, case_id, populate_existing=True)
    if row is None or row.ask_at is None or row.ask_at > now:
        return
    if case is None or case.state != "replied":
        row.ask_at = None
        return
    row.asked += 1
    row.ask_at = now + AGAIN if row.asked < MOST else None
    cases.act_in(session, case_id, "ask_solved", SYSTEM, "clock", now)


def _plan(session: Session, case_id: int, ask_at: datetime | None, asked: int | None = None) -> None:
    """In the transaction that changes the case, whose row is locked."""
    row = session.get(SolvedQuestionRow, case_id)
    if row is None:
        if ask_at is None:
            return
        row = SolvedQuestionRow(case_id=case_id, asked=0)
        session.add(row)
    row.ask_at = ask_at
    row.asked = row.asked if asked is None else asked
