"""Signing in with a password, and signing out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from monitor.access.attempts import Attempts
from monitor.access.audit import By, record
from monitor.access.passwords import LONGEST
from monitor.access.sessions import Sessions
from monitor.access.users import User, Users
from monitor.clock import Clock
from monitor.database import Database
from monitor.settings import Settings
from monitor.web.gate import Gate, address_of, by, local_path, visitor
from monitor.web.pages import Pages
from monitor.web.words import long_span

Back = Annotated[str, Query(max_length=2000)]
WRONG = "That name and password do not belong together."


@dataclass(frozen=True)
class Desk:
    """What signing in takes."""

    db: Database
    clock: Clock
    settings: Settings
    users: Users
    sessions: Sessions
    attempts: Attempts
    gate: Gate
    pages: Pages

    def page(self, request: Request, status: int = 200, **values: Any) -> Response:
        login = self.settings.login
        shown = {
            "local": login.local,
            "slack": login.slack_client_id is not None,
            "oidc": login.oidc_name if login.oidc_issuer is not None else None,
            "back": "/",
            "kept": False,
            "refused": None,
            "typed": "",
            "nobody": login.local and self.users.none(),
        }
        return self.pages.draw("login.html", request, status, **shown | values)

    def enter(self, request: Request, user: User, how: str, back: str) -> Response:
        """Begin a session for `user`, who has proved who they are, and go `back`."""
        now, name = self.clock.now(), self.gate.cookie(request)
        origin, agent = By(user.name, address_of(request)), request.headers.get("user-agent")
        token = self.sessions.begin(user, origin, agent, now, how=how, instead_of=request.cookies.get(name))
        answer = RedirectResponse(local_path(back), status_code=303)
        age = int(self.settings.login.lifetime.total_seconds())
        secure = self.gate.encrypted(request)
        answer.set_cookie(name, token, max_age=age, path="/", secure=secure, httponly=True, samesite="lax")
        return answer


def login_routes(desk: Desk) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/login")
    def ask(request: Request, back: Back = "/", kept: bool = False) -> Response:
        if not desk.settings.login.on:
            return RedirectResponse("/", status_code=303)
        return desk.page(request, back=local_path(back), kept=kept)

    @router.post("/login")
    def enter(
        request: Request,
        name: Annotated[str, Form(max_length=1000)] = "",
        password: Annotated[str, Form(max_length=LONGEST * 4)] = "",
        back: Annotated[str, Form(max_length=2000)] = "/",
        kept: Annotated[bool, Form()] = False,
    ) -> Response:
        now, address = desk.clock.now(), address_of(request)
        again = {"back": local_path(back), "kept": kept, "typed": name[:100]}
        if not desk.settings.login.local:
            return desk.page(request, 403, refused="Passwords are switched off here.", **again)
        until = desk.attempts.begin(name, address, now)
        if until is not None:
            return _wait(desk, request, until, now, again)
        user = desk.users.check(name, password)
        if user is None:
            _failed(desk, name, address, now)
            return desk.page(request, 401, refused=WRONG, **again)
        desk.attempts.forgive(name, address)
        return desk.enter(request, user, "password", back)

    @router.post("/logout")
    def leave(request: Request, everywhere: Annotated[bool, Form()] = False) -> Response:
        who, now = visitor(request), desk.clock.now()
        if who.session is not None:
            desk.sessions.end(who.session, by(request), now)
            if everywhere:
                desk.sessions.end_of(who.session.user, by(request), now)
        answer = RedirectResponse("/signed-out", status_code=303)
        answer.delete_cookie(desk.gate.cookie(request), path="/", secure=desk.gate.encrypted(request), httponly=True)
        return answer

    @router.get("/signed-out")
    def gone(request: Request) -> Response:
        return desk.pages.draw("signed_out.html", request)

    return router


def _failed(desk: Desk, name: str, address: str | None, now: datetime) -> None:
    """A line in the audit log. A name that nobody has is not written down: people type passwords there."""
    known = desk.users.known_as(name)
    with desk.db.write() as session:
        record(session, "sign_in_failed", By(known or "somebody unknown", address), now, how="password")


def _wait(desk: Desk, request: Request, until: datetime, now: datetime, again: dict[str, Any]) -> Response:
    answer = desk.page(request, 429, refused=wait_words(until, now), **again)
    answer.headers["Retry-After"] = str(ceil((until - now).total_seconds()))
    return answer


def wait_words(until: datetime, now: datetime) -> str:
    return f"Too many attempts: wait {long_span(max(1.0, (until - now).total_seconds()))} before the next."
