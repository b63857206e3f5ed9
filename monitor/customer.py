"""What a customer said before, and what we answered, so that nobody asks again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.cases import Case
from monitor.models import CaseEventRow, CaseRow, MentionRow
from monitor.parents import answered


@dataclass(frozen=True, slots=True)
class Said:
    """One message; `ours` where it is our reply. `answers`: what others wrote, where it only agrees with that."""

    at: datetime
    text: str
    ours: bool = False
    answers: str | None = None


@dataclass(frozen=True, slots=True)
class EarlierCase:
    id: int
    at: datetime
    state: str
    topic: str
    said: str
    answer: str | None  # our last words, where they are known


def conversation(session: Session, case: Case, limit: int = 6) -> list[Said]:
    """The last words in this case, ours and the customer's, in the order of their coming."""
    rows = session.scalars(
        select(MentionRow)
        .where(MentionRow.case_id == case.id, MentionRow.removed_at.is_(None))
        .order_by(MentionRow.posted_at.desc(), MentionRow.id.desc())
        .limit(limit)
    ).all()
    agreed = answered(session, [row.id for row in rows])
    found = [Said(row.posted_at, row.text, row.own, agreed.get(row.id)) for row in rows]
    found += [Said(at, text, True) for at, text in answers(session, [case.id]).get(case.id, ())]
    return sorted(found, key=lambda said: said.at)[-limit:]


def earlier_cases(session: Session, case: Case, limit: int = 3) -> list[EarlierCase]:
    """Other cases of the same author on the same source, the newest first."""
    if case.author is None:
        return []
    rows = session.execute(
        select(CaseRow, MentionRow.text)
        .join(MentionRow, MentionRow.id == CaseRow.mention_id)
        .where(CaseRow.source == case.source, CaseRow.author == case.author, CaseRow.id != case.id)
        .order_by(CaseRow.opened_at.desc(), CaseRow.id.desc())
        .limit(limit)
    ).all()
    ours = answers(session, [row.id for row, _ in rows])
    return [
        EarlierCase(row.id, row.posted_at, row.state, row.topic, text, ours[row.id][-1][1] if row.id in ours else None)
        for row, text in rows
    ]


def answers(session: Session, case_ids: list[int]) -> dict[int, list[tuple[datetime, str]]]:
    """What we replied, as far as its words are known."""
    found: dict[int, list[tuple[datetime, str]]] = {}
    rows = session.execute(
        select(CaseEventRow.case_id, CaseEventRow.at, CaseEventRow.detail)
        .where(CaseEventRow.case_id.in_(case_ids), CaseEventRow.kind.in_(("reply", "reply_seen")))
        .order_by(CaseEventRow.id)
    )
    for case_id, at, detail in rows if case_ids else ():
        if detail.get("text"):
            found.setdefault(case_id, []).append((at, str(detail["text"])))
    return found
