"""The page of the trends, the mentions behind its points, and what people note beside them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from monitor.access.unsent import sent, unsent
from monitor.annotations import LONGEST, annotate, take_away
from monitor.clock import Clock
from monitor.errors import Refused
from monitor.trend_figures import COMPARED, FIGURES
from monitor.trends import DIMENSIONS
from monitor.web.behind import DrillDown
from monitor.web.figured import Asked, figured
from monitor.web.gate import clean_name, me, visitor
from monitor.web.pages import Pages, nothing, remember
from monitor.web.queries import LARGEST_ID
from monitor.web.trends_report import Trends
from monitor.web.words import harmless

NOTES = "/trends/annotations"
NOTE = "annotation"  # by which one that was sent too late is kept
NOTE_FIELDS = ("text", "at", "until", "brand")
Text = Annotated[str, Form(max_length=1000)]


def trend_routes(pages: Pages, trends: Trends, behind: DrillDown, clock: Clock) -> APIRouter:
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.get("/trends")
    def shown(request: Request, wanted: Asked) -> Response:
        more: dict[str, Any] = {"figures": FIGURES, "compared": COMPARED, "dimensions": DIMENSIONS, "longest": LONGEST}
        with pages.db.read() as session:
            more["unsent"] = dict.fromkeys(NOTE_FIELDS, "") | unsent(session, visitor(request).session, NOTE)
        return figured(pages, request, "trends.html", trends.report, wanted, **more)

    @router.get("/trends/mentions")
    def mentions(request: Request, wanted: Asked) -> Response:
        return figured(pages, request, "behind.html", behind.report, wanted)

    @router.post(NOTES)
    def note(
        request: Request,
        text: Text = "",
        at: Text = "",
        until: Text = "",
        brand: Text = "",
        actor: Text = "",
        back: Text = "",
    ) -> Response:
        name = me(request) or clean_name(actor)
        try:
            if name is None:
                raise Refused("say who you are, so that others know whom to ask")
            with pages.db.write() as session:
                moments = _moment(at, "when", pages.zone), _moment(until, "until", pages.zone) if until else None
                annotate(session, *moments, harmless(text), harmless(brand)[:100] or None, name, clock.now())
                sent(session, visitor(request).session, NOTE)
        except Refused as error:
            return nothing(pages, request, 422, "This was not noted", f"{str(error).capitalize()}.")
        answer = RedirectResponse(trends_page(back), status_code=303)
        remember(request, answer, name)
        return answer

    @router.post("/trends/annotations/{annotation}/remove")
    def forget(request: Request, annotation: int, back: Text = "") -> Response:
        with pages.db.write() as session:
            if not 0 < annotation <= LARGEST_ID or not take_away(session, annotation):
                why = "Somebody else may have removed it already."
                return nothing(pages, request, 404, "There is no such annotation", why)
        return RedirectResponse(trends_page(back), status_code=303)

    return router


def _moment(text: str, name: str, zone: ZoneInfo) -> datetime:
    """A time on the wall, as browsers give it. Raises Refused."""
    try:
        moment = datetime.fromisoformat(text)
        if not 2000 <= moment.year < 9999:
            raise ValueError
    except ValueError:
        raise Refused(f'{name} is "{text[:40]}", which is no time: write it as 2026-11-20T12:00') from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def trends_page(back: str) -> str:
    """The trends page with what was asked before, whatever else the form says."""
    query = urlsplit(back).query if back.isascii() and "\\" not in back else ""
    return f"/trends?{query}#notes" if query.isprintable() and query else "/trends"
