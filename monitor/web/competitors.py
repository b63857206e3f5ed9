"""The page of the competitors, and its figures for programs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from monitor.competition import Finding, Interval
from monitor.trend_figures import COMPARED
from monitor.web.competitors_report import DEFINITIONS, Competitors
from monitor.web.figure_queries import RivalQuery
from monitor.web.figured import Asked, figured
from monitor.web.pages import Pages
from monitor.web.trends_api import FiguresOut, TrendScopeOut, figures_out, scope_out


class IntervalOut(BaseModel):
    value: float
    low: float
    high: float


class BrandOut(BaseModel):
    name: str
    ours: bool = Field(description="whether it is of the side that is compared")
    voice: float | None = Field(description="its share of the mentions of all brands, 0 to 1")
    complaint: float | None = Field(description="its share of the complaints of all brands, 0 to 1")
    net_sentiment: IntervalOut | None = Field(description="-1 to 1")
    figures: FiguresOut
    before: FiguresOut


class TopicOut(BaseModel):
    topic: str
    ours: int = Field(description="complaints")
    theirs: int
    our_rate: float = Field(description="complaints about the topic as a share of all mentions, 0 to 1")
    their_rate: float
    difference: IntervalOut
    finding: Finding


class CompetitorsOut(BaseModel):
    scope: TrendScopeOut
    ours: FiguresOut
    theirs: FiguresOut
    brands: list[BrandOut] = Field(description="all that are watched, the most spoken of first")
    topics: list[TopicOut] = Field(description="our worst first")
    definitions: dict[str, str]


def competitor_routes(pages: Pages, competitors: Competitors) -> APIRouter:
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.get("/competitors")
    def shown(request: Request, wanted: Asked) -> Response:
        more = {"definitions": DEFINITIONS, "compared": COMPARED}
        return figured(pages, request, "competitors.html", competitors.report, wanted, **more)

    return router


def competitors_api_routes(competitors: Competitors) -> APIRouter:
    router = APIRouter(prefix="/api/v1")

    @router.get("/trends/competitors")
    def figures(wanted: Annotated[RivalQuery, Query()]) -> CompetitorsOut:
        found = wanted.of(competitors.report)
        mentions, complaints = (
            sum(getattr(each.all, name) for each in found.standings) for name in ("mentions", "complaints")
        )
        return CompetitorsOut(
            scope=scope_out(found.scope),
            ours=figures_out(found.ours),
            theirs=figures_out(found.theirs),
            brands=[
                BrandOut(
                    name=each.name,
                    ours=each.ours,
                    voice=each.all.mentions / mentions if mentions else None,
                    complaint=each.all.complaints / complaints if complaints else None,
                    net_sentiment=_interval(each.sentiment) if each.sentiment else None,
                    figures=figures_out(each.all),
                    before=figures_out(each.then),
                )
                for each in found.standings
            ],
            topics=[
                TopicOut(
                    topic=each.topic,
                    ours=each.ours,
                    theirs=each.theirs,
                    our_rate=each.our_rate,
                    their_rate=each.their_rate,
                    difference=_interval(each.difference),
                    finding=each.finding,
                )
                for each in found.topics
            ],
            definitions=DEFINITIONS,
        )

    return router


def _interval(of: Interval) -> IntervalOut:
    return IntervalOut(value=of.value, low=of.low, high=of.high)
