"""The page that says how soon customers are answered."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from monitor.outcomes import REASONS
from monitor.response import DEFINITIONS
from monitor.waits import DEFINITIONS as WAITED
from monitor.web.figured import Asked, figured
from monitor.web.pages import Pages
from monitor.web.response_cases import CaseDrillDown
from monitor.web.response_report import Reports

LISTED = 20  # breaches on the page; the CSV has all


def response_routes(pages: Pages, reports: Reports, behind: CaseDrillDown) -> APIRouter:
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.get("/response")
    def response(request: Request, wanted: Asked) -> Response:
        told = {"definitions": {**DEFINITIONS, **WAITED}, "reasons": REASONS}
        return figured(pages, request, "response.html", lambda each: reports.report(each, LISTED), wanted, **told)

    @router.get("/response/cases")
    def cases(request: Request, wanted: Asked) -> Response:
        return figured(pages, request, "response_cases.html", behind.report, wanted)

    return router
