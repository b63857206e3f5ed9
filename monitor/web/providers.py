"""To the identity provider and back."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import quote, unquote

import structlog
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from monitor.access.audit import By, record
from monitor.access.entry import admit
from monitor.access.identity import Flow, Provider, ProviderTrouble
from monitor.errors import Refused
from monitor.web.gate import address_of, local_path
from monitor.web.login import Back, Desk
from monitor.web.pages import nothing

COOKIE = "firsthour_login"
LASTS = 600  # seconds to sign in at the provider

log = structlog.stdlib.get_logger(__name__)


def provider_routes(desk: Desk, providers: Mapping[str, Provider]) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/login/{kind}")
    def go(request: Request, kind: str, back: Back = "/") -> Response:
        provider, flow = providers.get(kind), Flow(secrets.token_urlsafe(32))
        if provider is None:
            return nothing(desk.pages, request, 404, "There is no such way to sign in", "The address may be mistyped.")
        try:
            address = provider.address(flow, _return(request, kind), desk.clock.now())
        except ProviderTrouble as error:
            return _failed(request, str(error), 503, back)
        answer = RedirectResponse(address, status_code=303)
        secure, shown = desk.gate.encrypted(request), quote(f"{flow.secret} {local_path(back)}")
        answer.set_cookie(COOKIE, shown, LASTS, path="/login", secure=secure, httponly=True, samesite="lax")
        return answer

    @router.get("/login/{kind}/back")
    def come_back(
        request: Request,
        kind: str,
        code: Annotated[str, Query(max_length=4000)] = "",
        state: Annotated[str, Query(max_length=200)] = "",
        error: Annotated[str, Query(max_length=200)] = "",
    ) -> Response:
        provider, (secret, back) = providers.get(kind), _shown(request)
        flow = Flow(secret)
        if provider is None or not secret or not secrets.compare_digest(flow.state, state):
            why = "That sign-in was not begun in this browser, or too long ago: begin again."
            return _failed(request, why, 400, back)
        if error or not code:
            return _failed(request, "You did not sign in there.", 401, back)
        now, address = desk.clock.now(), address_of(request)
        try:
            identity = provider.identity(flow, code, _return(request, kind), now)
            user = admit(desk.db, desk.settings.login, identity, address, now)
        except ProviderTrouble as trouble:
            return _failed(request, str(trouble), 503, back)
        except Refused as refused:
            with desk.db.write() as session:
                record(session, "sign_in_failed", By("somebody unknown", address), now, how=kind, why=str(refused))
            return _failed(request, str(refused), 403, back)
        return _over(desk.enter(request, user, kind, back))

    def _return(request: Request, kind: str) -> str:
        """Where the provider sends the browser back to: registered there beforehand."""
        own = desk.settings.web.url if request.url.hostname not in ("127.0.0.1", "localhost", "::1") else None
        return f"{own or str(request.base_url).rstrip('/')}/login/{kind}/back"

    def _failed(request: Request, why: str, status: int, back: str) -> Response:
        said = why if why.endswith(".") else f"{why[0].upper()}{why[1:]}. Try again in a moment."
        return _over(desk.page(request, status, refused=said, back=local_path(back)))

    return router


def _shown(request: Request) -> tuple[str, str]:
    """The secret of the sign-in under way in this browser, and where it was to lead; empty where there is none."""
    secret, _, back = unquote(request.cookies.get(COOKIE, "")).partition(" ")
    return secret, back or "/"


def _over(answer: Response) -> Response:
    """Each sign-in serves once."""
    answer.delete_cookie(COOKIE, path="/login", httponly=True, samesite="lax")
    return answer
