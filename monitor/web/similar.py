"""Answered cases like one that is open, on the desk and for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Request, Response
from pydantic import BaseModel, Field

from monitor.clock import Clock
from monitor.database import Database
from monitor.models import CaseRow
from monitor.similar import SolvedCases
from monitor.web.api import Row
from monitor.web.masking import shown
from monitor.web.pages import Pages, missing
from monitor.web.queries import LARGEST_ID

CaseId = Annotated[int, Path(ge=1, le=LARGEST_ID)]


class SimilarOut(Row):
    id: int
    brand: str
    source: str
    language: str
    topic: str
    state: str
    author: str | None
    text: str = Field(description="its first complaint, the first 3,000 characters")
    answered: str = Field(description="our last words in it")
    posted_at: datetime
    calendar_seconds: float | None
    satisfaction: int | None = Field(description="what the customer said of our help, 1 (worst) to 5")
    likeness: float = Field(description="a cosine; with `by_words`, the share of the complaint's rare words in it")
    by_words: bool = Field(description="found by words, since of the case asked for the model saw nothing that is kept")


class SimilarList(BaseModel):
    cases: list[SimilarOut]


def similar_routes(db: Database, clock: Clock, solved: SolvedCases) -> APIRouter:
    router = APIRouter(prefix="/api/v1")

    @router.get("/cases/{case_id}/similar", responses={404: {"description": "no such case"}})
    def similar_cases(request: Request, case_id: CaseId) -> SimilarList:
        """Answered cases that are like this one, with what was answered, the most useful first."""
        with db.read() as session:
            if session.get(CaseRow, case_id) is None:
                raise HTTPException(404, f"there is no case {case_id}: /api/v1/cases lists those there are")
            found = shown(request, solved.like(session, case_id, clock.now()))
        return SimilarList(cases=[SimilarOut.model_validate(each) for each in found])

    return router


def similar_pages(pages: Pages, clock: Clock) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/cases/{case_id}/similar")
    def page(request: Request, case_id: CaseId) -> Response:
        return _drawn(pages, request, case_id, clock.now(), "similar_page.html")

    @router.get("/parts/cases/{case_id}/similar")
    def part(request: Request, case_id: CaseId) -> Response:
        return _drawn(pages, request, case_id, clock.now(), "similar.html")

    return router


def _drawn(pages: Pages, request: Request, case_id: int, now: datetime, template: str) -> Response:
    with pages.db.read() as session:
        if session.get(CaseRow, case_id) is None:
            return missing(pages, request, case_id)
        found = pages.solved.like(session, case_id, now)
    return pages.draw(template, request, case_id=case_id, similar=found)
