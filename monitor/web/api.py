"""The JSON interface, read only. Lists come newest first, a page at a time: pass `next` of one answer as `cursor` of
the following question; `next` is null at the end. Rows have the names of `firsthour export`."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from monitor.database import Database
from monitor.web import queries
from monitor.web.masking import shown

Limit = Annotated[int, Query(ge=1, le=200, description="rows in one answer")]
State = Literal["open", "taken", "replied", "reopened", "snoozed", "resolved", "dismissed"]
Word = Annotated[str | None, Query(max_length=100, pattern=r"^[^\x00]*$")]
Cursor = Annotated[str | None, Query(max_length=64, description="`next` of the answer before")]


class Row(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class CaseOut(Row):
    id: int
    state: str
    owner: str | None
    brand: str
    source: str
    severity: str
    topic: str
    language: str
    author: str | None
    text: str = Field(description="the first 20,000 characters; the export has all")
    url: str | None
    rating: float | None
    opened_at: datetime
    posted_at: datetime
    clock: str
    clock_kind: str
    due_at: datetime | None
    seconds_left: float | None
    snoozed_until: datetime | None
    first_response_at: datetime | None
    met: bool | None
    breached_at: datetime | None
    resolved_at: datetime | None
    calendar_seconds: float | None
    business_seconds: float | None
    satisfaction: int | None = Field(description="what the customer said of our help, 1 (worst) to 5")


class MentionOut(Row):
    id: int
    source: str
    external_id: str
    url: str | None
    author: str | None
    text: str = Field(description="the first 20,000 characters; the export has all")
    rating: float | None
    own: bool
    brands: list[str]
    posted_at: datetime
    seen_at: datetime
    removed_at: datetime | None
    judging: str
    language: str | None
    sentiment: str | None
    negative: float | None
    neutral: float | None
    positive: float | None
    complaint: bool | None
    complaint_score: float | None
    severity: str | None
    topic: str | None
    topic_score: float | None
    model: str | None
    case_id: int | None


class EventOut(Row):
    id: int
    kind: str
    actor: str
    origin: str
    at: datetime
    detail: dict[str, Any]


class CasePage(BaseModel):
    cases: list[CaseOut]
    next: str | None


class MentionPage(BaseModel):
    mentions: list[MentionOut]
    next: str | None


class CaseDetail(CaseOut):
    mentions: list[MentionOut]
    history: list[EventOut]
    others: list[CaseOut]


def api_routes(db: Database) -> APIRouter:
    router = APIRouter(prefix="/api/v1")

    @router.get("/cases")
    def list_cases(
        request: Request,
        limit: Limit = 50,
        cursor: Cursor = None,
        state: Annotated[list[State] | None, Query(description="one or several; none: all")] = None,
        brand: Word = None,
    ) -> CasePage:
        with db.read() as session:
            rows = shown(request, queries.cases(session, limit + 1, _before(cursor), state or (), brand))
        more = _after(rows[limit - 1].id) if len(rows) > limit else None
        return CasePage(cases=[CaseOut.model_validate(row) for row in rows[:limit]], next=more)

    @router.get("/cases/{case_id}", responses={404: {"description": "no such case"}})
    def one_case(request: Request, case_id: int) -> CaseDetail:
        with db.read() as session:
            found = queries.case_file(session, case_id) if case_id <= queries.LARGEST_ID else None
        if found is None:
            raise HTTPException(404, f"there is no case {case_id}")
        found = shown(request, found)
        return CaseDetail(
            **CaseOut.model_validate(found.case).model_dump(),
            mentions=[MentionOut.model_validate(m) for m in found.mentions],
            history=[EventOut.model_validate(e) for e in found.events],
            others=[CaseOut.model_validate(c) for c in found.others],
        )

    @router.get("/mentions")
    def list_mentions(
        request: Request,
        limit: Limit = 50,
        cursor: Cursor = None,
        source: Word = None,
        language: Word = None,
        complaint: Annotated[bool | None, Query(description="as judged")] = None,
    ) -> MentionPage:
        with db.read() as session:
            found = queries.mentions(session, limit + 1, _before(cursor), source, language, complaint)
        rows = shown(request, found)
        more = _after(rows[limit - 1].id) if len(rows) > limit else None
        return MentionPage(mentions=[MentionOut.model_validate(row) for row in rows[:limit]], next=more)

    return router


def _after(last_id: int) -> str:
    return base64.urlsafe_b64encode(str(last_id).encode()).decode().rstrip("=")


def _before(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    try:
        value = int(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        value = -1
    if not 0 <= value <= queries.LARGEST_ID:
        raise HTTPException(422, "cursor: not one that this interface gave; leave it out to begin again")
    return value
