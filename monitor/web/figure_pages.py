"""All pages that are made of figures and charts, put together."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from monitor.cases import Cases
from monitor.clock import Clock
from monitor.database import Database
from monitor.health import Health
from monitor.outcome_days import OutcomeDays
from monitor.settings import Settings
from monitor.web.behind import DrillDown
from monitor.web.chart_files import chart_routes
from monitor.web.competitors import competitor_routes, competitors_api_routes
from monitor.web.competitors_report import Competitors
from monitor.web.corrections import correction_routes, corrections_api_routes
from monitor.web.corrections_report import CorrectionReports
from monitor.web.overview import overview_routes
from monitor.web.overview_report import Overviews
from monitor.web.pages import Pages
from monitor.web.response import response_routes
from monitor.web.response_api import response_api_routes
from monitor.web.response_cases import CaseDrillDown
from monitor.web.response_report import Reports
from monitor.web.sources import Retry, source_routes, sources_api_routes
from monitor.web.sources_report import SourceReports
from monitor.web.staffing import staffing_api_routes, staffing_routes
from monitor.web.staffing_report import Staffings
from monitor.web.topics import topic_routes, topics_api_routes
from monitor.web.topics_report import Topics
from monitor.web.trends import trend_routes
from monitor.web.trends_api import trends_api_routes
from monitor.web.trends_report import Trends


def add_figures(
    app: FastAPI,
    pages: Pages,
    db: Database,
    clock: Clock,
    cases: Cases,
    settings: Settings,
    health: Health,
    retry: Retry | None,
    api: dict[str, Any],
) -> None:
    """`api` is what addresses for programs are included with. Into the app itself: FastAPI builds each route anew at
    every router that it comes through."""
    overviews = Overviews(db, clock, settings)
    trends = Trends(db, clock, settings)
    behind = DrillDown(db, clock, settings)
    topics = Topics(db, clock, settings)
    competitors = Competitors(db, clock, settings)
    sources = SourceReports(db, clock, settings, health)
    days = OutcomeDays()
    responses = Reports(db, clock, settings, days)
    staffings = Staffings(db, clock, settings)
    corrections = CorrectionReports(db, clock, settings)
    charts = {
        "overview": overviews.charts,
        "trends": trends.charts,
        "topics": topics.charts,
        "competitors": competitors.charts,
        "response": responses.charts,
        "staffing": staffings.charts,
        "sources": sources.charts,
        "corrections": corrections.charts,
    }
    app.include_router(chart_routes(charts), tags=["data"], **api)
    app.include_router(trends_api_routes(trends, behind), tags=["data"], **api)
    app.include_router(topics_api_routes(topics), tags=["data"], **api)
    app.include_router(competitors_api_routes(competitors), tags=["data"], **api)
    app.include_router(sources_api_routes(sources), tags=["operation"], **api)
    app.include_router(response_api_routes(responses), tags=["data"], **api)
    app.include_router(staffing_api_routes(staffings), tags=["data"], **api)
    app.include_router(corrections_api_routes(corrections, cases, clock), tags=["data"], **api)
    app.include_router(overview_routes(pages, overviews))
    app.include_router(trend_routes(pages, trends, behind, clock))
    app.include_router(topic_routes(pages, topics))
    app.include_router(competitor_routes(pages, competitors))
    app.include_router(response_routes(pages, responses, CaseDrillDown(db, clock, settings, days)))
    app.include_router(staffing_routes(pages, staffings))
    app.include_router(source_routes(pages, sources, retry))
    app.include_router(correction_routes(pages, corrections, cases, clock))
