"""The page of the sources: how each is doing, and what could not be read, to try again or to forget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Path, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from monitor import rejects
from monitor import source_words as words
from monitor.rejects import Rejected, Retried
from monitor.source_health import SourceHealth
from monitor.web.figure_queries import SourceQuery
from monitor.web.figured import Asked, figured
from monitor.web.gate import visitor
from monitor.web.masking import shown
from monitor.web.pages import Pages, nothing
from monitor.web.queries import LARGEST_ID
from monitor.web.sources_report import LISTED, SourceReports

Retry = Callable[[Rejected], Retried]  # asks the source for it once more
Id = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Name = Annotated[str, Form(max_length=100)]


class UnreadOut(BaseModel):
    id: int
    source: str
    reason: str
    at: datetime
    raw: str | None = Field(description="what came; null for those who may not see whom it is about")


class SourcesOut(BaseModel):
    sources: list[SourceHealth]
    unread: dict[str, int] = Field(description="by source; `/api/v1/sources/unread` has the newest of them")
    definitions: dict[str, str]


def source_routes(pages: Pages, reports: SourceReports, retry: Retry | None) -> APIRouter:
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    def drawn(request: Request, wanted: Mapping[str, str], said: str | None = None) -> Response:
        told: dict[str, Any] = {"words": words, "listed": LISTED, "retries": retry is not None, "said": said}
        return figured(pages, request, "sources.html", reports.report, wanted, **told)

    @router.get("/sources")
    def sources(request: Request, wanted: Asked) -> Response:
        return drawn(request, wanted)

    @router.post("/sources/unread/{reject_id}/retry")
    def again(request: Request, reject_id: Id, source: Name = "") -> Response:
        with pages.db.read() as session:
            reject = rejects.reject(session, reject_id)
        if reject is None or retry is None:
            return _gone(pages, request)
        return drawn(request, {"source": source}, f"Item {reject_id} of {reject.source}: {retry(reject).why}.")

    @router.post("/sources/unread/{reject_id}/forget")
    def forget(request: Request, reject_id: Id, source: Name = "") -> Response:
        with pages.db.write() as session:
            if not rejects.forget(session, reject_id):
                return _gone(pages, request)
        said = (
            f"Item {reject_id} is forgotten. If its service still lists it and it still cannot be read, it comes again."
        )
        return drawn(request, {"source": source}, said)

    return router


def sources_api_routes(reports: SourceReports) -> APIRouter:
    router = APIRouter(prefix="/api/v1")

    @router.get("/sources")
    def sources(wanted: Annotated[SourceQuery, Query()]) -> SourcesOut:
        found = wanted.of(reports.report)
        meanings = {name: meaning for name, (_, meaning) in words.MEANINGS.items()}
        return SourcesOut(sources=found.sources, unread=found.counts, definitions=meanings)

    @router.get("/sources/unread")
    def unread(request: Request, wanted: Annotated[SourceQuery, Query()]) -> list[UnreadOut]:
        found = shown(request, wanted.of(reports.report).unread)
        personal = visitor(request).personal
        return [
            UnreadOut(id=each.id, source=each.source, reason=each.text, at=each.at, raw=each.raw if personal else None)
            for each in found
        ]

    return router


def _gone(pages: Pages, request: Request) -> Response:
    why = "Somebody else may have read or forgotten it already."
    return nothing(pages, request, 404, "There is no such item", why)
