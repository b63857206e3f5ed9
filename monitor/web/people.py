"""For admins: who there is and in which role, and the audit log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from monitor.access.audit import KINDS, entries, record
from monitor.access.roles import ROLES, Role
from monitor.access.tokens import Tokens
from monitor.errors import Refused
from monitor.web.api import Word
from monitor.web.gate import Visitor, by, needs
from monitor.web.login import Desk
from monitor.web.pages import Before

LISTED = 100
Admin = Annotated[Visitor, Depends(needs(Role.ADMIN))]
Name = Annotated[str, Form(max_length=200)]
ROLE_MEANINGS = {
    Role.VIEWER: "reads the desk and the trends, with personal data masked",
    Role.AGENT: "sees whom a case is about, and acts on cases",
    Role.ADMIN: "also sees people, tokens and the audit log, and gives roles",
}


def people_routes(desk: Desk, tokens: Tokens) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    def page(request: Request, status: int = 200, refused: str | None = None) -> Response:
        known: dict[str, Any] = {"roles": list(ROLES.values()), "meanings": ROLE_MEANINGS, "login": desk.settings.login}
        known |= {"users": desk.users.all(), "tokens": tokens.all(), "refused": refused}
        return desk.pages.draw("people.html", request, status, **known)

    def change(request: Request, do: Callable[[], Any]) -> Response:
        try:
            do()
        except Refused as error:
            return page(request, 409, f"{str(error)[0].upper()}{str(error)[1:]}.")
        return RedirectResponse("/people", status_code=303)

    @router.get("/people")
    def people(request: Request, who: Admin) -> Response:
        with desk.db.write() as session:
            record(session, "settings_seen", by(request), desk.clock.now(), page="people and tokens")
        return page(request)

    @router.post("/people/role")
    def role(
        request: Request, who: Admin, name: Name, role: Annotated[Literal["viewer", "agent", "admin"], Form()]
    ) -> Response:
        return change(request, lambda: desk.users.set_role(name, ROLES[role], by(request), desk.clock.now()))

    @router.post("/people/access")
    def access(
        request: Request, who: Admin, name: Name, do: Annotated[Literal["disable", "enable"], Form()]
    ) -> Response:
        act = desk.users.disable if do == "disable" else desk.users.enable
        return change(request, lambda: act(name, by(request), desk.clock.now()))

    @router.post("/people/tokens")
    def revoke(request: Request, who: Admin, token: Name) -> Response:
        return change(request, lambda: tokens.revoke(token, by(request), desk.clock.now()))

    @router.get("/audit")
    def audit(
        request: Request,
        who: Admin,
        before: Before = None,
        kind: Annotated[str, Query(max_length=30)] = "",
        actor: Word = None,
    ) -> Response:
        chosen = kind if kind in KINDS else None
        with desk.db.write() as session:
            if before is None:
                record(session, "settings_seen", by(request), desk.clock.now(), page="audit log")
            found = entries(session, LISTED + 1, before, chosen, actor or None)
        older = found[LISTED - 1].id if len(found) > LISTED else None
        query = urlencode({k: v for k, v in (("kind", chosen), ("actor", actor)) if v})
        shown: dict[str, Any] = {"kinds": KINDS, "kind": chosen, "actor": actor or "", "query": query}
        return desk.pages.draw("audit.html", request, entries=found[:LISTED], older=older, **shown)

    return router
