"""The pages and the parts of pages that are drawn again as things change.

A part carries the digest of what it shows. The page sends it back when it asks again: 204 while it still holds.
"""

from __future__ import annotations

import secrets
from functools import cache
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from sqlalchemy.orm import Session

from monitor.access.unsent import unsent
from monitor.alerts.blocks import permalink
from monitor.cases import TRANSITIONS, Case
from monitor.charts import DARK, LIGHT, config
from monitor.charts.picture import available
from monitor.clock import Clock
from monitor.database import Database
from monitor.errors import Refused
from monitor.health import Health
from monitor.incidents import under_way
from monitor.models import MentionRow, VerdictRow
from monitor.outgoing import Replies
from monitor.settings import Settings
from monitor.similar import SolvedCases
from monitor.web import queries, story, words
from monitor.web.api import Word
from monitor.web.areas import AREAS
from monitor.web.gate import ME, me, visitor
from monitor.web.masking import masked
from monitor.web.searching import LONGEST, search
from monitor.web.writing import writing

HEARD = 40
ON_PAGE = 50
TABLE_ROWS = 400  # of a chart's figures on its page
Before = Annotated[int | None, Query(ge=0, le=queries.LARGEST_ID)]


def note_form(case_id: int) -> str:
    """By which a note that was sent too late is kept."""
    return f"note {case_id}"


class Pages:
    """Draws. `speed` is how many seconds of the service's clock pass in one of the wall's."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        settings: Settings,
        health: Health,
        speed: float,
        replies: Replies,
        solved: SolvedCases,
    ) -> None:
        self.db, self.zone, self._replies, self.solved = db, settings.clock.zone, replies, solved
        self._clock, self._settings, self._health, self._speed = clock, settings, health, speed
        self._templates = templates()

    def draw(self, template: str, request: Request, status: int = 200, **values: Any) -> HTMLResponse:
        who = visitor(request)
        shared = {
            "now": self._clock.now(),
            "speed": self._speed,
            "me": who.name,
            "visitor": who,
            "csrf_field": who.csrf_field,
            "nonce": secrets.token_hex(8),
            "zone": self._settings.clock.timezone,
            "pictures": available(),
            "brands": [b.name for b in self._settings.brands if not b.competitor],
        }
        seen = values if who.personal else masked(values)
        return HTMLResponse(self._templates.get_template(template).render(shared | seen), status_code=status)

    def board(self, session: Session, request: Request) -> dict[str, Any]:
        """What board.html shows."""
        now = self._clock.now()
        show, brand = request.query_params.get("show", "all"), words.harmless(request.query_params.get("brand")) or None
        wanted = queries.Filter(
            mine=(me(request) or "") if show == "mine" else None,
            free=show == "free",
            urgent=show == "urgent",
            brand=brand,
        )
        desk = queries.desk(session, now, wanted)
        storms = [each for each in under_way(session, now) if brand in (None, each.brand)]
        headline = words.headline(desk.counts.waiting, desk.counts.late, desk.counts.soon)
        sources = self._health.ready()[1].get("sources", {}).get("each", {})
        query = urlencode({k: v for k, v in (("show", show if show != "all" else ""), ("brand", brand)) if v})
        shown = (
            desk,
            storms,
            headline,
            sources and {n: (s["ok"], s["error"]) for n, s in sources.items()},
            me(request),
        )
        return {
            "desk": desk,
            "storms": storms,
            "headline": headline,
            "show": show,
            "brand": brand,
            "query": query,
            "sources": sources,
            "board_digest": queries.digest(shown),
        }

    def heard(self, session: Session) -> dict[str, Any]:
        """What heard.html shows."""
        mentions = queries.mentions(session, HEARD)
        languages = queries.languages(session)
        return {
            "mentions": mentions,
            "languages": languages,
            "heard_digest": queries.digest(mentions, languages),
            "reading": [s.name for s in self._settings.sources],
        }

    def known(self, case_id: int) -> Case | None:
        """The case as those who reply to it see it."""
        with self.db.read() as session:
            return self._known(session, case_id) if 0 < case_id <= queries.LARGEST_ID else None

    def case(
        self, session: Session, request: Request, case_id: int, name: str | None = None, text: str | None = None
    ) -> dict[str, Any] | None:
        """What case.html shows; None if there is no such case. `name` is that of the reader, where the request does not
        carry it yet; `text` stands in the reply, by default what they have begun."""
        found = queries.case_file(session, case_id) if 0 < case_id <= queries.LARGEST_ID else None
        case = self._known(session, case_id) if found is not None else None
        if found is None or case is None:
            return None
        reader, now = name or me(request), self._clock.now()
        acts = visitor(request).acts
        reply = writing(session, self._replies, case, reader, now, text) if acts else None
        return {
            "file": found,
            "can": {event for state, event in TRANSITIONS if state == found.case.state},
            "reply": reply,
            "note": unsent(session, visitor(request).session, note_form(case_id)).get("text", "") if acts else "",
            "asked_solved": story.asked_solved(found.events),
            "muted": case.muted(now),
            "flash": None,
            "refused": None,
            "noted": False,
            "fresh": False,
            "case_digest": queries.digest(found, me(request), reply.standing if reply else None, case.muted(now)),
        }

    def _known(self, session: Session, case_id: int) -> Case | None:
        try:
            return self._replies.cases.get(session, case_id)
        except Refused:
            return None


@cache
def templates() -> Environment:
    """Compiled once in a process: they hold nothing of one desk."""
    environment = Environment(
        loader=PackageLoader("monitor.web"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=_shown,
    )
    environment.filters.update(words.FILTERS)
    environment.globals.update(clock_of=story.clock_of, told=story.told, permalink=permalink)
    environment.globals.update(areas=AREAS)
    environment.globals.update(table_rows=TABLE_ROWS, chart_themes={"light": config(LIGHT), "dark": config(DARK)})
    return environment


def _shown(value: Any) -> Any:
    """Whatever a template prints is made harmless, also where nobody thought of it: names, errors, settings."""
    return words.harmless(value) if type(value) is str else value


def remember(request: Request, response: Response, name: str) -> None:
    """Keep the name that somebody gave, where the desk asks for no proof of it."""
    if visitor(request).login:
        return
    response.set_cookie(ME, quote(name), max_age=365 * 86400, path="/", httponly=True, samesite="strict")


def page_routes(pages: Pages) -> APIRouter:
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.get("/")
    def desk(request: Request) -> Response:
        with pages.db.read() as session:
            values = pages.board(session, request) | pages.heard(session)
        return pages.draw("desk.html", request, **values, file=None)

    @router.get("/cases/{case_id}")
    def case(request: Request, case_id: int) -> Response:
        return whole_case(pages, request, case_id)

    @router.get("/mentions")
    def mentions(
        request: Request, before: Before = None, language: Word = None, q: str = "", cases: bool = False
    ) -> Response:
        typed = words.harmless(q)[:LONGEST].strip()
        with pages.db.read() as session:
            languages = queries.languages(session)
            if typed:
                conditions = [VerdictRow.language == language] if language else []
                conditions += [MentionRow.case_id.is_not(None)] if cases else []
                looked = search(session, request, typed, ON_PAGE, before, conditions)
                found, older, unread = looked.mentions, looked.further, looked.unread
            else:
                found, unread = queries.mentions(session, ON_PAGE + 1, before, language=language or None), 0
                older = found[ON_PAGE - 1].id if len(found) > ON_PAGE else None
        return pages.draw(
            "mentions.html",
            request,
            typed=typed,
            cases=cases,
            unread=unread,
            mentions=found[:ON_PAGE],
            languages=languages,
            language_shown=language,
            older=older,
        )

    @router.get("/parts/board")
    def board_part(request: Request) -> Response:
        with pages.db.read() as session:
            values = pages.board(session, request)
        return _part(pages, "board.html", request, values, values["board_digest"])

    @router.get("/parts/heard")
    def heard_part(request: Request) -> Response:
        with pages.db.read() as session:
            values = pages.heard(session)
        return _part(pages, "heard.html", request, values, values["heard_digest"])

    @router.get("/parts/cases/{case_id}")
    def case_part(request: Request, case_id: int) -> Response:
        with pages.db.read() as session:
            values = pages.case(session, request, case_id)
        if values is None:
            return Response(status_code=204)
        return _part(pages, "case.html", request, values, values["case_digest"])

    return router


def whole_case(
    pages: Pages, request: Request, case_id: int, status: int = 200, text: str | None = None, **said: Any
) -> Response:
    """The desk with one case open, `text` in its reply; `said` is what the reader is told about it (`flash`, `refused`,
    `noted`)."""
    with pages.db.read() as session:
        case = pages.case(session, request, case_id, said.get("me"), text)
        values = {} if case is None else pages.board(session, request) | pages.heard(session) | case | said
    if case is None:
        return missing(pages, request, case_id)
    return pages.draw("desk.html", request, status, **values)


def missing(pages: Pages, request: Request, case_id: int) -> Response:
    return nothing(
        pages, request, 404, f"There is no case {case_id}", "It may have been purged, or the address is mistyped."
    )


def nothing(pages: Pages, request: Request, status: int, what: str, why: str) -> Response:
    """A page that says why there is nothing to show."""
    return pages.draw("nothing.html", request, status, what=what, why=why)


def _part(pages: Pages, template: str, request: Request, values: dict[str, Any], digest: str) -> Response:
    if request.headers.get("x-seen") == digest:
        return Response(status_code=204)
    return pages.draw(template, request, **values)
