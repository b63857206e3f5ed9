"""What is one's own: the browsers that one is signed in with, and the password."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from monitor.access.passwords import LONGEST, SHORTEST
from monitor.access.roles import Role
from monitor.errors import Refused
from monitor.web.gate import Visitor, address_of, by, needs
from monitor.web.login import WRONG, Desk, wait_words
from monitor.web.pages import nothing
from monitor.web.queries import LARGEST_ID

Somebody = Annotated[Visitor, Depends(needs(Role.VIEWER))]
Secret = Annotated[str, Form(max_length=LONGEST * 4)]


def account_routes(desk: Desk) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    def page(request: Request, who: Visitor, status: int = 200, **said: Any) -> Response:
        if who.session is None:
            why = "The desk asks nobody who they are. docs/login.md says how to change that."
            return nothing(desk.pages, request, 404, "There are no accounts here", why)
        shown = {"flash": None, "refused": None, "user": who.session.user, "this": who.session.id, "shortest": SHORTEST}
        sessions = desk.sessions.of(who.session.user, desk.clock.now())
        return desk.pages.draw("account.html", request, status, sessions=sessions, **shown | said)

    @router.get("/account")
    def own(request: Request, who: Somebody) -> Response:
        return page(request, who)

    @router.post("/account/sessions")
    def end(request: Request, who: Somebody, one: Annotated[int | None, Form(ge=1, le=LARGEST_ID)] = None) -> Response:
        """Ends one session, or all but this."""
        if who.session is not None:
            but = who.session.id if one is None else None
            desk.sessions.end_of(who.session.user, by(request), desk.clock.now(), only=one, but=but)
        return RedirectResponse("/account", status_code=303)

    @router.post("/account/password")
    def password(request: Request, who: Somebody, now: Secret = "", new: Secret = "", again: Secret = "") -> Response:
        if who.session is None or not who.session.user.has_password:
            return page(request, who, 409, refused="You do not sign in with a password.")
        user, at, address = who.session.user, desk.clock.now(), address_of(request)
        if new != again:
            return page(request, who, 422, refused="The new password was not typed alike twice.")
        until = desk.attempts.begin(user.name, address, at)
        if until is not None:
            return page(request, who, 429, refused=wait_words(until, at))
        if desk.users.check(user.name, now) is None:
            return page(request, who, 422, refused=WRONG)
        desk.attempts.forgive(user.name, address)
        try:
            desk.users.set_password(user.name, new, by(request), at, keep_session=who.session.id)
        except Refused as error:
            return page(request, who, 422, refused=f"{str(error)[0].upper()}{str(error)[1:]}.")
        return page(request, who, flash="Your password is changed, and you are signed out everywhere else.")

    return router
