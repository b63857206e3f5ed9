"""What those get who are not let in: the way to sign in, or who can give them the role that they lack.

Whoever was writing when their session grew old finds it in the same form once they are back: a reply becomes their
draft, notes are kept with the session, and neither is shown to anybody else.
"""

from __future__ import annotations

import re
from urllib.parse import urlencode, urlsplit

from fastapi import Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from monitor.access.roles import Role
from monitor.access.sessions import WebSession
from monitor.access.unsent import keep
from monitor.access.users import Users
from monitor.clock import Clock
from monitor.outgoing import Replies
from monitor.storable import storable
from monitor.web import queries
from monitor.web.gate import (
    FOR_PROGRAMS,
    READS,
    Closed,
    ForeignForm,
    Gate,
    LacksScope,
    NoAccess,
    SignInFirst,
    UnknownToken,
    local_path,
    visitor,
)
from monitor.web.pages import Pages, note_form, nothing
from monitor.web.problems import problem
from monitor.web.trends import NOTE, NOTE_FIELDS, NOTES, trends_page

_OF_CASE = re.compile(r"/cases/(\d{1,18})/")
_SIGNED_OUT = {"HX-Trigger": "signedout"}  # the page stays as it is, with what was typed, and shows a hint
_NO_FORM = "This form was made for another session. Load the page again; what you typed is still in it until you do."


class TurnedAway:
    def __init__(self, pages: Pages, gate: Gate, users: Users, replies: Replies, clock: Clock) -> None:
        self._pages, self._gate, self._users, self._replies, self._clock = pages, gate, users, replies, clock

    def answer(self, request: Request, error: Closed) -> Response:
        if request.url.path.startswith(FOR_PROGRAMS):
            return _program(error)
        if isinstance(error, NoAccess):
            return self._no_access(request, error)
        if isinstance(error, ForeignForm):
            if "hx-request" in request.headers:
                return Response(status_code=204, headers=_SIGNED_OUT)
            return nothing(self._pages, request, 403, "That form is from another session", _NO_FORM)
        if isinstance(error, LacksScope):
            return JSONResponse({"detail": "tokens open /api/v1 only"}, 403)
        return self._sign_in(request)

    def _no_access(self, request: Request, error: NoAccess) -> Response:
        values = {"needed": error.needed.word, "admins": self._users.admins()}
        answer = self._pages.draw("no_access.html", request, 403, **values)
        if "hx-request" in request.headers:
            answer.headers.update({"HX-Retarget": "body", "HX-Reswap": "innerHTML"})
        return answer

    def _sign_in(self, request: Request) -> Response:
        part = "hx-request" in request.headers
        if part and request.method in READS:
            return Response(status_code=204, headers=_SIGNED_OUT)
        if "text/event-stream" in request.headers.get("accept", ""):
            return Response(status_code=204)  # by which a browser knows not to ask again
        kept = request.method not in READS and self._keep(request)
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        if request.method not in READS:
            back = _page_of(request)
        to = "/login?" + urlencode({"back": local_path(back)} | ({"kept": "1"} if kept else {}))
        if not part:
            return RedirectResponse(to, status_code=303)
        if not kept or request.url.path.endswith("/weigh"):  # nobody is taken away in the middle of a word
            return Response(status_code=204, headers=_SIGNED_OUT)
        return Response(status_code=204, headers={"HX-Redirect": to})

    def _keep(self, request: Request) -> bool:
        """Keep the words that came too late: only where the session is known, grew old by itself, and the form is its
        own."""
        who, form = visitor(request), _form_of(request)
        if who.session is None or who.session.user.role < Role.AGENT:
            return False
        if not self._gate.form_fits(who, request.headers.get("x-csrf") or form.get("csrf", "")):
            return False
        text = form.get("reply") or form.get("text") or ""
        if not text.strip() or len(text) > queries.READ:
            return False
        if request.url.path == NOTES:
            return self._keep_fields(who.session, NOTE, {name: form.get(name, "") for name in NOTE_FIELDS})
        found = _OF_CASE.match(request.url.path)
        if found is None or self._pages.known(case_id := int(found[1])) is None:
            return False
        if form.get("event") == "note":
            return self._keep_fields(who.session, note_form(case_id), {"text": text})
        if "reply" in form:
            self._replies.compose(case_id, who.session.user.name, self._clock.now(), text=text)
        return "reply" in form

    def _keep_fields(self, found: WebSession, name: str, fields: dict[str, str]) -> bool:
        with self._pages.db.write() as session:
            keep(session, found, name, {each: storable(words, queries.READ) for each, words in fields.items()})
        return True


def _program(error: Closed) -> Response:
    if isinstance(error, (SignInFirst, UnknownToken)):
        why = (
            "this token is unknown, expired or revoked: `firsthour tokens list` shows those there are"
            if isinstance(error, UnknownToken)
            else "send a token as `Authorization: Bearer ...`: `firsthour tokens add` makes one"
        )
        return problem(401, why, {"WWW-Authenticate": "Bearer"})
    if isinstance(error, LacksScope):
        mend = f"make one with `firsthour tokens add NAME --scopes {error.scope}`"
        return problem(403, f"{error}: {mend}")
    if isinstance(error, ForeignForm):
        return problem(403, "send the header X-CSRF with what the page's forms carry, or use a token")
    return problem(403, str(error))


def _form_of(request: Request) -> dict[str, str]:
    """The words of the form, where the gate has read it."""
    form = getattr(request, "_form", None) or {}
    return {name: words.replace("\r\n", "\n") for name, words in form.items() if isinstance(words, str)}


def _page_of(request: Request) -> str:
    """The page that a form stood on."""
    if request.url.path == NOTES:
        return trends_page(_form_of(request).get("back", ""))
    if found := _OF_CASE.match(request.url.path):
        return f"/cases/{found[1]}"
    parts = urlsplit(request.headers.get("hx-current-url") or request.headers.get("referer", ""))
    return parts.path + (f"?{parts.query}" if parts.query else "") if parts.hostname == request.url.hostname else "/"
