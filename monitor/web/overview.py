"""The page that opens with how it stands: what is said, how it sounds, who waits, what is unusual."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from monitor.trend_figures import COMPARED, FIGURES
from monitor.web.figured import Asked, figured
from monitor.web.overview_report import Overviews
from monitor.web.pages import Pages


def overview_routes(pages: Pages, overviews: Overviews) -> APIRouter:
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.get("/overview")
    def overview(request: Request, wanted: Asked) -> Response:
        return figured(pages, request, "overview.html", overviews.report, wanted, figures=FIGURES, compared=COMPARED)

    return router
