"""The page of the staffing, and the same for programs."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from monitor.forecast import BackTest, Expected
from monitor.staffing import DEFINITIONS, Planned
from monitor.web.figure_queries import StaffingQuery
from monitor.web.figured import Asked, figured
from monitor.web.pages import Pages
from monitor.web.staffing_report import Staffings
from monitor.web.staffing_scope import LIMITS


class StaffingScopeOut(BaseModel):
    first: date = Field(serialization_alias="from", description="of the past that is learnt from")
    last: date = Field(serialization_alias="to", description="of the week to come")
    timezone: str
    brand: str | None
    source: str | None
    language: str | None
    handling: int = Field(description="minutes for one case")
    within: int = Field(description="minutes in which it is to be taken up")
    share: int = Field(description="per cent of the cases that are to be")
    group: int = Field(description="people that a user group of the rota stands for")


class HourOut(BaseModel):
    start: datetime
    expected: Expected
    open: bool
    load: float
    needed: int
    needed_busy: int
    on_call: int
    who: list[str] = Field(description="users and user groups of Slack, by id")
    short: int


class DayOut(BaseModel):
    day: date
    expected: Expected
    person_hours: int


class GapOut(BaseModel):
    starts_at: datetime
    ends_at: datetime
    needed: int
    on_call: int


class StaffingOut(BaseModel):
    scope: StaffingScopeOut
    by_weekday: list[list[float | None]] = Field(description="Monday to Sunday, the mean of each hour")
    cases: int = Field(description="that these are made of")
    week: Expected | None = Field(description="null: the past is too short for a forecast")
    growth: float | None = Field(description="of a week, 0.05 for 5 %")
    back_test: BackTest | None
    days: list[DayOut]
    hours: list[HourOut]
    names: dict[str, str] = Field(description="of those on call, by the ids in `who`, as far as they are known")
    gaps: list[GapOut] = Field(description="where the rota is short, of the hours that are not over")
    definitions: dict[str, str]


def staffing_routes(pages: Pages, staffings: Staffings) -> APIRouter:
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.get("/staffing")
    def staffing(request: Request, wanted: Asked) -> Response:
        told = {"definitions": DEFINITIONS, "limits": LIMITS}
        return figured(pages, request, "staffing.html", staffings.report, wanted, **told)

    return router


def staffing_api_routes(staffings: Staffings) -> APIRouter:
    router = APIRouter(prefix="/api/v1")

    @router.get("/staffing")
    def staffing(wanted: Annotated[StaffingQuery, Query()]) -> StaffingOut:
        found = wanted.of(staffings.report)
        scope = found.scope
        return StaffingOut(
            scope=StaffingScopeOut(
                first=found.past.first,
                last=scope.last,
                timezone=scope.zone.key,
                brand=scope.brand,
                source=scope.source,
                language=scope.language,
                handling=scope.handling,
                within=scope.within,
                share=scope.share,
                group=scope.group,
            ),
            by_weekday=found.past.by_weekday(),
            cases=found.past.cases,
            week=found.week.all if found.week else None,
            growth=found.week.growth if found.week else None,
            back_test=found.tested,
            days=[DayOut(day=day, expected=of, person_hours=hours) for day, of, hours in found.days],
            hours=[_hour(hour) for hour in found.hours],
            names=dict(found.names),
            gaps=[
                GapOut(starts_at=gap.starts_at, ends_at=gap.ends_at, needed=gap.needed, on_call=gap.on_call)
                for gap in found.gaps
            ],
            definitions={name: meaning for name, (_, meaning) in DEFINITIONS.items()},
        )

    return router


def _hour(of: Planned) -> HourOut:
    return HourOut(
        start=of.starts_at,
        expected=of.expected,
        open=of.open,
        load=of.load,
        needed=of.needed,
        needed_busy=of.needed_busy,
        on_call=of.on_call,
        who=list(of.who),
        short=of.short,
    )
