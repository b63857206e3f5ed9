"""Cases that still want something done, the most urgent first, of one person or of all."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from monitor.case_views import Case, views
from monitor.models import CaseRow

WAITING = ("open", "taken", "reopened", "snoozed")  # answered ones only have to be closed


def open_cases(
    session: Session, limit: int, owners: Collection[str] | None = None, others: Collection[str] = ()
) -> tuple[list[Case], int]:
    """At most `limit` cases by the time left, those without a running clock last, and how many there are in all: those
    of `owners` where given, those of `others` left out."""
    whose: list[ColumnElement[bool]] = []
    if owners is not None:
        whose.append(CaseRow.owner.in_(owners))
    elif others:
        whose.append(CaseRow.owner.is_(None) | CaseRow.owner.not_in(others))
    rows: list[CaseRow] = []
    for state in WAITING:  # each from the index on (state, due_at)
        page = select(CaseRow).where(CaseRow.state == state, CaseRow.due_at.is_not(None), *whose)
        rows += session.scalars(page.order_by(CaseRow.due_at, CaseRow.id).limit(limit))
    rows.sort(key=_urgency)
    if len(rows) < limit:
        rest = select(CaseRow).where(CaseRow.state.in_(WAITING), CaseRow.due_at.is_(None), *whose)
        rows += session.scalars(rest.order_by(CaseRow.id.desc()).limit(limit - len(rows)))
    total = session.scalar(select(func.count()).select_from(CaseRow).where(CaseRow.state.in_(WAITING), *whose)) or 0
    return views(session, rows[:limit]), total


def _urgency(row: CaseRow) -> tuple[Any, int]:
    return row.due_at, row.id
