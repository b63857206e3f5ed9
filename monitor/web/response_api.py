"""How soon customers are answered, for programs: as JSON, and each table as CSV."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from monitor.breaches import Breach
from monitor.charts.chart import csv_of
from monitor.outcomes import REASONS, Measure
from monitor.response import DEFINITIONS, Bar, Figures
from monitor.web.figure_queries import ResponseQuery
from monitor.web.response_report import Report, Reports

Table = Literal["figures", "distribution", "breaches"]


class TableQuery(ResponseQuery):
    table: Table = Field("figures", description="which one")


class ScopeOut(BaseModel):
    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to")
    timezone: str = Field(description="of the days and of the hours")
    brand: str | None
    source: str | None
    language: str | None
    minutes: Measure = Field(description="in which response times are counted")


class GroupOut(BaseModel):
    name: str
    figures: Figures


class BreachOut(BaseModel):
    case: int
    reason: str
    brand: str
    source: str
    language: str
    person: str
    posted_at: datetime
    due_at: datetime
    answered_at: datetime | None


class ResponseOut(BaseModel):
    scope: ScopeOut
    all: Figures = Field(description="times in seconds, shares from 0 to 1; `definitions` says what each means")
    without_clock: int = Field(description="cases in no figure: too old when first seen, or imported")
    distribution: list[Bar]
    groups: dict[str, list[GroupOut]] = Field(
        description="by source, language, hour, person, and team if anybody is ever on call"
    )
    reasons: dict[str, int] = Field(description="breaches by reason")
    breaches: list[BreachOut] = Field(description="those due last first")
    definitions: dict[str, str]


def response_api_routes(reports: Reports) -> APIRouter:
    router = APIRouter(prefix="/api/v1")

    @router.get("/response")
    def response(wanted: Annotated[ResponseQuery, Query()]) -> ResponseOut:
        report = wanted.of(reports.report)
        chosen = report.scope
        return ResponseOut(
            scope=ScopeOut(
                first=chosen.first,
                last=chosen.last,
                timezone=chosen.zone.key,
                brand=chosen.brand,
                source=chosen.source,
                language=chosen.language,
                minutes=chosen.measure,
            ),
            all=report.all,
            without_clock=report.without_clock,
            distribution=report.bars,
            groups={by: [GroupOut(name=n, figures=of) for n, of in rows] for by, rows in report.groups.items()},
            reasons=dict(report.reasons),
            breaches=[_breach(breach) for breach in report.breaches],
            definitions={name: text for name, (_, text) in {**DEFINITIONS, **REASONS}.items()},
        )

    @router.get(
        "/response.csv",
        response_class=Response,
        responses={200: {"content": {"text/csv": {}}, "description": "a heading and the rows"}},
    )
    def response_csv(wanted: Annotated[TableQuery, Query()]) -> Response:
        report, table = wanted.of(reports.report), wanted.table
        name = f"response-{table}-{report.scope.first}-{report.scope.last}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(csv_of(_rows(report, table)), media_type="text/csv; charset=utf-8", headers=headers)

    return router


def _breach(breach: Breach) -> BreachOut:
    told = asdict(breach)
    return BreachOut(case=told.pop("case_id"), **told)


def _rows(report: Report, table: Table) -> list[list[Any]]:
    """A heading and the rows of a table."""
    if table == "distribution":
        return [[field.name for field in fields(Bar)], *(list(asdict(bar).values()) for bar in report.bars)]
    if table == "breaches":
        return [[*BreachOut.model_fields], *(list(dict(_breach(breach)).values()) for breach in report.breaches)]
    named = [("all", "", report.all), *((by, name, of) for by, rows in report.groups.items() for name, of in rows)]
    heading = ["by", "name", *(field.name for field in fields(Figures))]
    return [heading, *([by, name, *asdict(of).values()] for by, name, of in named)]
