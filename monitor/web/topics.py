"""The page of the topics, and its figures for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from monitor.trend_counts import surprise
from monitor.trend_figures import COMPARED
from monitor.web.figure_queries import ScopeQuery
from monitor.web.figured import Asked, figured
from monitor.web.masking import shown
from monitor.web.pages import Pages
from monitor.web.topics_report import DEFINITIONS, Topics
from monitor.web.trends_api import TrendScopeOut, scope_out


class Record(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class ShareOut(BaseModel):
    name: str
    complaints: int
    before: int | None = Field(description="of the period before, up to the same hour")
    share: float = Field(description="of all complaints, 0 to 1")
    share_before: float | None
    surprise: float | None = Field(description="of the count, in standard deviations of what it would differ by chance")


class ExampleOut(Record):
    id: int
    posted_at: datetime
    source: str
    url: str | None
    author: str | None
    text: str
    language: str
    case_id: int | None


class TermOut(Record):
    term: str
    language: str
    count: int = Field(description="people who use it")
    of: int = Field(description="people whose complaints in this language were read")
    before: int
    of_before: int
    rise: float = Field(description="log-odds, in standard deviations")
    topic: str = Field(description="of most of these complaints")
    examples: list[ExampleOut]


class ClusterOut(Record):
    name: list[str] = Field(description="what these people say and others do not")
    count: int
    before: int
    examples: list[ExampleOut]


class ReadOut(Record):
    read: int = Field(description="texts that were read, evenly over the period")
    of: int


class TopicsOut(BaseModel):
    scope: TrendScopeOut
    topics: list[ShareOut]
    read: list[ReadOut] = Field(description="now and before")
    terms: list[TermOut] = Field(description="that rise, the most surprising first")
    read_other: list[ReadOut] = Field(description="now and before, of what no topic covers")
    clusters: list[ClusterOut] = Field(description="of what no topic covers, the largest first")
    definitions: dict[str, str]


def topic_routes(pages: Pages, topics: Topics) -> APIRouter:
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.get("/topics")
    def page(request: Request, wanted: Asked) -> Response:
        more = {"definitions": DEFINITIONS, "compared": COMPARED}
        return figured(pages, request, "topics.html", topics.report, wanted, **more)

    return router


def topics_api_routes(topics: Topics) -> APIRouter:
    router = APIRouter(prefix="/api/v1")

    @router.get("/trends/topics")
    def figures(request: Request, wanted: Annotated[ScopeQuery, Query()]) -> TopicsOut:
        found = wanted.of(topics.report)
        all, _, then = found.complaints
        before = found.scope.before is not None
        return TopicsOut(
            scope=scope_out(found.scope),
            topics=[
                ShareOut(
                    name=each.name,
                    complaints=each.all,
                    before=each.then if before else None,
                    share=each.all / all if all else 0.0,
                    share_before=each.then / then if then else None,
                    surprise=round(surprise(each.compared, each.then), 2) if before else None,
                )
                for each in found.topics
            ],
            read=[ReadOut.model_validate(each) for each in found.read],
            terms=[TermOut.model_validate(each) for each in shown(request, found.terms)],
            read_other=[ReadOut.model_validate(each) for each in found.other],
            clusters=[ClusterOut.model_validate(each) for each in shown(request, found.clusters)],
            definitions=DEFINITIONS,
        )

    return router
