"""Whole tables for programs: the hourly counts a page at a time, and every export as a file, sent as it is read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from monitor import export
from monitor.counted_sql import KEY
from monitor.database import Database
from monitor.errors import ConfigurationError
from monitor.row_files import MEDIA_TYPES, pieces
from monitor.web.gate import visitor
from monitor.web.known import Known
from monitor.web.masking import masked_row
from monitor.web.paging import Span, TrendQuery, following, place

What = Literal["mentions", "cases", "trends"]
Format = Literal["csv", "jsonl", "parquet"]
_SHAPE = (str, int, str, str, str, str, bool)  # of KEY
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "the rows, with the columns of `firsthour export`",
        "content": {name.partition(";")[0]: {"schema": {"type": "string"}} for name in MEDIA_TYPES.values()},
    },
    501: {"description": "this installation writes no Parquet"},
}


class HourOut(BaseModel):
    """Mentions that are alike in all of this, and were posted in the hour that begins at `hour`."""

    brand: str
    hour: datetime
    source: str
    language: str
    sentiment: str
    topic: str
    complaint: bool
    mentions: int
    rated: int = Field(description="how many of them have stars")
    stars: float = Field(description="sum of the stars")


class HourPage(BaseModel):
    hours: list[HourOut]
    next: str | None


def export_routes(db: Database, known: Known) -> APIRouter:
    router = APIRouter(prefix="/api/v1")

    @router.get("/trends/hourly")
    def hourly(wanted: Annotated[TrendQuery, Query()]) -> HourPage:
        """The counts that the trends are drawn from, by brand, then by hour."""
        after = place("hourly", wanted.cursor, *_SHAPE)
        known.check(wanted)
        rows = export.hours(db, wanted.since, wanted.until, wanted.brand, after, wanted.limit + 1)
        more = following("hourly", rows, wanted.limit, lambda row: row[: len(KEY)])
        return HourPage(hours=[HourOut(**export.hour(row)) for row in rows[: wanted.limit]], next=more)

    @router.get("/export/{what}.{format}", response_class=StreamingResponse, responses=_FILE)
    def download(request: Request, what: What, format: Format, wanted: Annotated[Span, Query()]) -> StreamingResponse:
        """Every row posted from `since` (inclusive) to `until` (exclusive), ordered by id; trends by brand and hour."""
        known.check(wanted)
        masked = not visitor(request).personal
        names = ("author_name",) if masked and what == "mentions" else ()  # to find them in the words
        rows: Iterator[dict[str, Any]] = export.rows(db, what, wanted.since, wanted.until, names)
        if masked:
            rows = map(masked_row, rows)
        try:
            file = pieces(rows, export.COLUMNS[what], format)
        except ConfigurationError as error:
            raise HTTPException(501, f"{error}; or ask for csv or jsonl") from None
        headers = {"Content-Disposition": f'attachment; filename="{what}.{format}"'}
        return StreamingResponse(file, media_type=MEDIA_TYPES[format], headers=headers)

    return router
