"""The figures of the trends for programs, with what each means."""

from __future__ import annotations

from datetime import date, datetime

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from monitor.annotations import Annotation
from monitor.trend_figures import FIGURES
from monitor.trend_spans import Grain
from monitor.trends import Counts
from monitor.web.chart_files import Asked
from monitor.web.scope import Impossible
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


def trends_api_routes(trends: Trends) -> APIRouter:
    router = APIRouter(prefix="/api/v1")

    @router.get("/trends")
    def figures(wanted: Asked) -> TrendsOut:
        try:
            found = trends.data(wanted)
        except Impossible as error:
            raise HTTPException(422, str(error)) from None
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
