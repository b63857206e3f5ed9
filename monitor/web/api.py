"""Cases, mentions, and what people did about them, for programs. Lists come newest first, a page at a time: pass `next`
of one answer as `cursor` of the following question; `next` is null at the end. Rows have the names of `firsthour
export`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from monitor.database import Database
from monitor.web import listing, queries
from monitor.web.known import Known
from monitor.web.masking import shown
from monitor.web.paging import CaseQuery, MentionQuery, PastQuery, following, place
from monitor.web.paging import Word as Word


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


class CorrectionOut(Row):
    id: int
    mention_id: int
    source: str
    author: str | None
    text: str
    language: str | None
    topic: str | None
    complaint: bool = Field(description="what the person said")
    judged_complaint: bool | None = Field(description="what the verdict on the present text says")
    complaint_score: float | None
    model: str | None
    actor: str
    at: datetime


class ReplyOut(Row):
    id: int
    case_id: int
    mention_id: int
    source: str
    kind: str = Field(description="reply: a person wrote it; auto_ack, status, follow_up: nobody did")
    state: str
    actor: str
    origin: str
    text: str
    created_at: datetime
    sent_at: datetime | None


class CorrectionPage(BaseModel):
    corrections: list[CorrectionOut]
    next: str | None


class ReplyPage(BaseModel):
    replies: list[ReplyOut]
    next: str | None


def api_routes(db: Database, known: Known) -> APIRouter:
    router = APIRouter(prefix="/api/v1")

    @router.get("/cases")
    def list_cases(request: Request, wanted: Annotated[CaseQuery, Query()]) -> CasePage:
        """Those opened last first."""
        after = place("cases", wanted.cursor, int)
        known.check(wanted)
        with db.read() as session:
            rows = shown(request, listing.cases(session, wanted.limit + 1, wanted, after))
        more = following("cases", rows, wanted.limit, lambda row: [row.id])
        return CasePage(cases=[CaseOut.model_validate(row) for row in rows[: wanted.limit]], next=more)

    @router.get("/cases/{case_id}", responses={404: {"description": "no such case"}})
    def one_case(request: Request, case_id: int) -> CaseDetail:
        """One case with its mentions, its history, and the customer's other cases."""
        with db.read() as session:
            found = queries.case_file(session, case_id) if abs(case_id) <= queries.LARGEST_ID else None
        if found is None:
            raise HTTPException(404, f"there is no case {str(case_id)[:30]}: /api/v1/cases lists those there are")
        found = shown(request, found)
        return CaseDetail(
            **CaseOut.model_validate(found.case).model_dump(),
            mentions=[MentionOut.model_validate(m) for m in found.mentions],
            history=[EventOut.model_validate(e) for e in found.events],
            others=[CaseOut.model_validate(c) for c in found.others],
        )

    @router.get("/mentions")
    def list_mentions(request: Request, wanted: Annotated[MentionQuery, Query()]) -> MentionPage:
        """Those posted last first."""
        after = place("mentions", wanted.cursor, datetime, int)
        known.check(wanted)
        with db.read() as session:
            found = listing.mentions(session, wanted.limit + 1, wanted, after)
        more = following("mentions", found, wanted.limit, lambda row: [row.posted_at, row.id])
        rows = shown(request, found[: wanted.limit])
        return MentionPage(mentions=[MentionOut.model_validate(row) for row in rows], next=more)

    @router.get("/mentions/{mention_id}", responses={404: {"description": "no such mention"}})
    def one_mention(request: Request, mention_id: int) -> MentionOut:
        with db.read() as session:
            found = listing.mention(session, mention_id) if abs(mention_id) <= queries.LARGEST_ID else None
        if found is None:
            raise HTTPException(
                404, f"there is no mention {str(mention_id)[:30]}: /api/v1/mentions lists those there are"
            )
        return MentionOut.model_validate(shown(request, found))

    @router.get("/corrections")
    def list_corrections(request: Request, wanted: Annotated[PastQuery, Query()]) -> CorrectionPage:
        """What people said against verdicts, the newest first."""
        after = place("corrections", wanted.cursor, int)
        known.check(wanted)
        with db.read() as session:
            rows = shown(request, listing.corrections(session, wanted.limit + 1, wanted, after))
        more = following("corrections", rows, wanted.limit, lambda row: [row.id])
        return CorrectionPage(
            corrections=[CorrectionOut.model_validate(row) for row in rows[: wanted.limit]], next=more
        )

    @router.get("/replies")
    def list_replies(request: Request, wanted: Annotated[PastQuery, Query()]) -> ReplyPage:
        """What was said to customers, the newest first; drafts are not among it."""
        after = place("replies", wanted.cursor, int)
        known.check(wanted)
        with db.read() as session:
            rows = shown(request, listing.replies(session, wanted.limit + 1, wanted, after))
        more = following("replies", rows, wanted.limit, lambda row: [row.id])
        return ReplyPage(replies=[ReplyOut.model_validate(row) for row in rows[: wanted.limit]], next=more)

    return router
