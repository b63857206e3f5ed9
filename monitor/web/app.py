"""Puts the desk together. Everything that it needs is handed in."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI
from fastapi.staticfiles import StaticFiles

from monitor import __version__
from monitor.access.attempts import Attempts
from monitor.access.identity import providers_of
from monitor.access.passwords import Passwords
from monitor.access.sessions import Sessions
from monitor.access.tokens import Tokens
from monitor.access.users import Users
from monitor.cases import Cases
from monitor.clock import Clock
from monitor.database import Database
from monitor.health import Health
from monitor.hooks import Hooks
from monitor.outgoing import Replies
from monitor.settings import Settings
from monitor.similar import SolvedCases
from monitor.survey import Survey
from monitor.web.account import account_routes
from monitor.web.acting_api import acting_routes
from monitor.web.actions import action_routes
from monitor.web.api import api_routes
from monitor.web.apology import apologise
from monitor.web.export_api import export_routes
from monitor.web.figure_pages import add_figures
from monitor.web.gate import Gate
from monitor.web.guard import Guard
from monitor.web.hooks import hook_routes
from monitor.web.known import Known
from monitor.web.live import Live, live_routes
from monitor.web.login import Desk, login_routes
from monitor.web.openapi import ERRORS, described
from monitor.web.ops import ops_routes
from monitor.web.pages import Pages, page_routes
from monitor.web.people import people_routes
from monitor.web.providers import provider_routes
from monitor.web.proxied import Proxied
from monitor.web.replying import reply_routes
from monitor.web.searching import search_routes
from monitor.web.similar import similar_pages, similar_routes
from monitor.web.sources import Retry
from monitor.web.survey import survey_routes
from monitor.web.turned_away import TurnedAway


def build_web(
    db: Database,
    clock: Clock,
    cases: Cases,
    settings: Settings,
    health: Health,
    hooks: Hooks | None = None,
    replies: Replies | None = None,
    retry: Retry | None = None,
    solved: SolvedCases | None = None,
) -> FastAPI:
    """The web side as one ASGI application, without `hooks` one that services cannot call, without `replies` one that
    only records what was posted, without `retry` one that asks no source again. `app.state.live.close()` ends its event
    streams; DeskServer does so."""
    replies = replies or Replies(db, cases, settings, lambda name: None)
    login = settings.login
    sessions, tokens, users = Sessions(db, login.idle, login.lifetime), Tokens(db), Users(db, Passwords())
    gate = Gate(db, settings, sessions, tokens, clock)
    app = FastAPI(
        title="firsthour",
        version=__version__,
        description="Cases, mentions and figures as JSON, and whole tables as files. Times are ISO 8601 in UTC, scores "
        "are probabilities from 0 to 1. docs/api.md",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(gate)],
    )
    live = Live(db, clock)
    solved = solved or SolvedCases(settings.classifier)
    pages = Pages(db, clock, settings, health, live.speed, replies, solved)
    app.state.live = live
    app.include_router(ops_routes(db, clock, health), tags=["operation"])
    known = Known(db, clock, settings)
    api: dict[str, Any] = {"responses": ERRORS}
    app.include_router(api_routes(db, known), tags=["data"], **api)
    app.include_router(search_routes(db, known), tags=["data"], **api)
    app.include_router(similar_routes(db, clock, pages.solved), tags=["cases"], **api)
    app.include_router(similar_pages(pages, clock))
    app.include_router(acting_routes(db, cases, clock), tags=["cases"], **api)
    app.include_router(export_routes(db, known), tags=["data"], **api)
    app.include_router(live_routes(live))
    app.include_router(page_routes(pages))
    add_figures(app, pages, db, clock, cases, settings, health, retry, api)
    app.include_router(action_routes(pages, cases, clock))
    app.include_router(reply_routes(pages, replies, clock))
    app.include_router(survey_routes(Survey(db, cases, settings), clock))
    if hooks is not None:
        app.include_router(hook_routes(hooks))
    door = Desk(db, clock, settings, users, sessions, Attempts(db), gate, pages)
    app.include_router(login_routes(door))
    app.include_router(provider_routes(door, providers_of(login)))
    app.include_router(account_routes(door))
    app.include_router(people_routes(door, tokens))
    apologise(app, pages, gate, TurnedAway(pages, gate, users, replies, clock))
    app.openapi = described(app)  # type: ignore[method-assign]
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    public = [name] if (name := urlsplit(settings.web.public_url or "").hostname) else []
    app.add_middleware(Guard, hosts=[settings.web.host], public=public, own=settings.web.url)
    app.add_middleware(Proxied, web=settings.web)  # added last, so it comes first
    return app
