"""The figures of the trends for programs, with what each means."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from monitor.annotations import Annotation
from monitor.trend_figures import FIGURES
from monitor.trend_spans import Grain
from monitor.trends import Counts
from monitor.web.behind import DrillDown
from monitor.web.figure_queries import BehindQuery, TrendQuery
from monitor.web.masking import shown
from monitor.web.paging import cursor, place
from monitor.web.trend_scope import TrendScope
from monitor.web.trends_report import Trends


class FiguresOut(BaseModel):
    """One of each of the definitions; null where there is nothing to reckon from."""

    mentions: int
    complaints: int
    complaint_rate: float | None = Field(description="0 to 1")
    net_sentiment: float | None = Field(description="-1 to 1")
    negative: int
    positive: int
    stars: float | None = Field(description="1 to 5")


class PointOut(BaseModel):
    start: datetime
    end: datetime
    figures: FiguresOut


class GroupOut(BaseModel):
    name: str
    figures: FiguresOut
    before: FiguresOut
    surprise: dict[str, float] = Field(
        description="how each figure differs from the period before, in standard deviations of what it would by chance"
    )


class TrendScopeOut(BaseModel):
    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to")
    grain: Grain
    timezone: str
    filters: dict[str, str]
    compared_until: datetime | None = Field(description="the last full hour; null: nothing is compared")


class AnnotationOut(BaseModel):
    id: int
    at: datetime
    until: datetime | None
    text: str
    brand: str | None


class TrendsOut(BaseModel):
    scope: TrendScopeOut
    all: FiguresOut
    before: FiguresOut | None = Field(description="of the period before, up to the same hour; null: it is not known")
    points: list[PointOut]
    groups: list[GroupOut] = Field(description="by what `by` names, the most frequent first")
    annotations: list[AnnotationOut]
    definitions: dict[str, str]


class CountedOut(BaseModel):
    """A mention as it counts in the trends."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    posted_at: datetime
    source: str
    url: str | None
    author: str | None
    text: str
    rating: float | None
    brands: list[str]
    language: str
    sentiment: str
    topic: str
    complaint: bool = Field(description="as people corrected it, else as judged")
    case_id: int | None


class BehindOut(BaseModel):
    since: datetime
    until: datetime
    count: int = Field(description="of the whole hours, as the trends have it")
    mentions: list[CountedOut]
    next: str | None


def trends_api_routes(trends: Trends, behind: DrillDown) -> APIRouter:
    router = APIRouter(prefix="/api/v1")

    @router.get("/trends/mentions")
    def mentions(request: Request, wanted: Annotated[BehindQuery, Query()]) -> BehindOut:
        """The mentions behind a point: as many as it counts, with the same filters."""
        after = place("behind", wanted.cursor, datetime, int)
        found = wanted.of(lambda asked: behind.look(asked, after, wanted.limit))
        return BehindOut(
            since=found.since,
            until=found.until,
            count=found.count,
            mentions=[CountedOut.model_validate(each) for each in shown(request, found.mentions)],
            next=cursor("behind", *found.last) if found.last else None,
        )

    @router.get("/trends")
    def figures(wanted: Annotated[TrendQuery, Query()]) -> TrendsOut:
        found = wanted.of(trends.data)
        axis = found.scope.axis
        return TrendsOut(
            scope=scope_out(found.scope),
            all=figures_out(found.went.all),
            before=figures_out(found.went.then) if found.scope.before else None,
            points=[
                PointOut(start=start, end=end, figures=figures_out(counts))
                for start, end, counts in zip(axis.starts, axis.ends, found.went.points, strict=True)
            ],
            groups=[
                GroupOut(
                    name=group.name,
                    figures=figures_out(group.all),
                    before=figures_out(group.then),
                    surprise={name: round(of.surprise(group.compared, group.then), 2) for name, of in FIGURES.items()},
                )
                for group in found.groups
            ],
            annotations=[_annotation(each) for each in found.notes],
            definitions={name: of.meaning for name, of in FIGURES.items()},
        )

    return router


def scope_out(of: TrendScope) -> TrendScopeOut:
    return TrendScopeOut(
        first=of.first,
        last=of.last,
        grain=of.grain,
        timezone=of.zone.key,
        filters=of.chosen,
        compared_until=of.compared.until if of.compared else None,
    )


def figures_out(of: Counts) -> FiguresOut:
    return FiguresOut.model_validate({name: figure.value(of) for name, figure in FIGURES.items()})


def _annotation(of: Annotation) -> AnnotationOut:
    return AnnotationOut(id=of.id, at=of.at, until=of.until, text=of.text, brand=of.brand)
