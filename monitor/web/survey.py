"""The customer's page: one question, five buttons, no script, no login. The signed link says whose it is.

Looking at it stores nothing, since programs follow links too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import structlog
from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import FileResponse, HTMLResponse
from sqlalchemy.exc import SQLAlchemyError

from monitor.clock import Clock
from monitor.database import trouble
from monitor.errors import Refused
from monitor.survey import SCORES, Answer, Survey
from monitor.web.guard import PUBLIC
from monitor.web.pages import templates
from monitor.web.survey_words import Words, words_accepted, words_for

STYLE = "-/survey.css"  # below PUBLIC, so that a proxy need pass on nothing else, whatever it calls that
ICON = "-/icon"
_STATIC = Path(__file__).parent / "static"

log = structlog.stdlib.get_logger(__name__)


def survey_routes(survey: Survey, clock: Clock) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get(PUBLIC + STYLE)
    def style() -> Response:
        return FileResponse(_STATIC / "survey.css", media_type="text/css")

    @router.get(PUBLIC + ICON)
    def icon() -> Response:
        return Response(status_code=204)  # the page is the brand's, not ours

    @router.get(f"{PUBLIC}{{token}}")
    def ask(request: Request, token: str) -> Response:
        return _answered(request, token, "")

    @router.post(f"{PUBLIC}{{token}}")
    def answer(request: Request, token: str, score: Annotated[str, Form()] = "") -> Response:
        return _answered(request, token, score)

    def _answered(request: Request, token: str, chosen: str) -> Response:
        now = clock.now()
        case_id = survey.read(token, now)
        try:
            before = survey.look(case_id, now) if case_id is not None else None
            if case_id is None or before is None:
                return lost(request, 404)
            words = words_for(before.language, before.words)
            if request.method != "POST":
                return _page(200, words, before)
            if chosen not in map(str, SCORES):
                return _page(422, words, before, said=words.choose)
            try:
                return _page(200, words, survey.answer(case_id, int(chosen), now), said=words.thanks)
            except Refused:
                return _page(409, words, before)
        except SQLAlchemyError as error:
            log.error("a customer's answer could not be stored or shown", error=trouble(error) or type(error).__name__)
            return lost(request, 503)

    return router


def lost(request: Request, status: int) -> HTMLResponse:
    """What a customer sees where nothing else can be shown: never a page of the desk."""
    words = words_accepted(request.headers.get("accept-language", ""))
    return _page(status, words, said=words.gone if status < 500 else words.later)


def _page(status: int, words: Words, answer: Answer | None = None, said: str | None = None) -> HTMLResponse:
    template = templates().get_template("survey.html")
    shown = template.render(words=words, answer=answer, said=said, style=STYLE, icon=ICON)
    return HTMLResponse(shown, status_code=status, headers={"X-Robots-Tag": "noindex"})
