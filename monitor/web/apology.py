"""What is answered when there is nothing to answer: to people as a page, to programs as JSON."""

from __future__ import annotations

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from monitor.database import trouble
from monitor.web.gate import Closed, Gate
from monitor.web.guard import PUBLIC
from monitor.web.pages import Pages, nothing
from monitor.web.problems import not_fitting, problem
from monitor.web.survey import lost
from monitor.web.turned_away import TurnedAway

_MENDS = {
    "Not Found": "there is nothing at this address; /api/openapi.json lists what there is",
    "Method Not Allowed": "this address does not take that method; /api/openapi.json says which it takes",
    "There was an error parsing the body": "the body is no JSON that can be read; /api/openapi.json says what it has",
}

log = structlog.stdlib.get_logger(__name__)


def apologise(app: FastAPI, pages: Pages, gate: Gate, turned_away: TurnedAway) -> None:
    """Register the handlers."""

    @app.exception_handler(Closed)
    async def closed(request: Request, error: Closed) -> Response:
        return await run_in_threadpool(turned_away.answer, request, error)

    @app.exception_handler(HTTPException)
    async def not_so(request: Request, error: HTTPException) -> Response:
        if _for_programs(request):
            return problem(error.status_code, _said(error), error.headers)
        if not hasattr(request.state, "visitor"):  # an address that is none comes by no gate
            request.state.visitor = await run_in_threadpool(gate.identify, request)
        if request.url.path.startswith(PUBLIC):
            return lost(request, error.status_code)
        what = "There is no such page" if error.status_code == 404 else str(error.detail)
        return nothing(pages, request, error.status_code, what, "The address may be mistyped.")

    @app.exception_handler(RequestValidationError)
    async def unfit(request: Request, error: RequestValidationError) -> Response:
        if _for_programs(request):
            return not_fitting(error)
        if request.url.path.startswith(PUBLIC):
            return lost(request, 422)
        wrong = ", ".join(str(each["loc"][-1]) for each in error.errors())
        return nothing(pages, request, 422, "That cannot be shown", f"Not as it should be: {wrong}.")

    @app.exception_handler(SQLAlchemyError)
    async def no_database(request: Request, error: SQLAlchemyError) -> Response:
        log.error("a page could not be read", path=request.url.path, error=trouble(error) or type(error).__name__)
        if _for_programs(request):
            return problem(503, "the database does not answer; /readyz says more")
        why = "Nothing is lost. The operator finds the reason under /readyz. Try again in a moment."
        return nothing(pages, request, 503, "The database does not answer", why)


def _for_programs(request: Request) -> bool:
    return request.url.path.startswith(("/api/", "/hooks/", "/metrics", "/readyz", "/healthz", "/static/"))


def _said(error: HTTPException) -> str:
    """A sentence, also where others say two words."""
    return _MENDS.get(str(error.detail), str(error.detail))
