"""The page that says how soon customers are answered."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from monitor.outcomes import REASONS
from monitor.response import DEFINITIONS
from monitor.web.figured import Asked
from monitor.web.pages import Pages
from monitor.web.response_report import Reports
from monitor.web.scope import Impossible

LISTED = 50  # breaches on the page; the CSV has all


def response_routes(pages: Pages, reports: Reports) -> APIRouter:
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.get("/response")
    def response(request: Request, wanted: Asked) -> Response:
        words: dict[str, Any] = {"definitions": DEFINITIONS, "reasons": REASONS}
        try:
            report = reports.report(wanted, LISTED)
        except Impossible as error:
            usual = reports.report({}, LISTED)
            return pages.draw("response.html", request, 422, report=usual, why=str(error), **words)
        return pages.draw("response.html", request, report=report, why=None, **words)

    return router
