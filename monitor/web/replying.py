"""Replies written on the desk. They take the same way as those from Slack: stored, approved where a rule asks for it,
then sent once by the reply stage."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.exc import OperationalError

from monitor.clock import Clock
from monitor.composing import begun, offered, with_template
from monitor.errors import Refused
from monitor.outgoing import Replies
from monitor.storable import storable
from monitor.web import queries
from monitor.web.actions import BUSY
from monitor.web.gate import clean_name, me
from monitor.web.pages import Pages, missing, remember, whole_case
from monitor.web.writing import weigh

LONGEST = 20_000  # characters of a form's field
Nonce = Annotated[str, Form(pattern="^[0-9a-f]{0,40}$")]
Name = Annotated[str, Form(max_length=1000)]
Reply = Annotated[str, Form(max_length=LONGEST)]
NOBODY = "Say who you are first, so that the others know who answers."


def reply_routes(pages: Pages, replies: Replies, clock: Clock) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.post("/cases/{case_id}/reply")
    def reply(
        request: Request,
        case_id: int,
        do: Annotated[Literal["send", "elsewhere", "template", "weigh"], Form()] = "send",
        nonce: Nonce = "",
        actor: Name = "",
        reply: Reply = "",
        template: Annotated[str, Form(max_length=300)] = "",
    ) -> Response:
        name, text = me(request) or clean_name(actor), _plain(reply)
        case = pages.known(case_id)
        if case is None:
            return missing(pages, request, case_id)
        status = 422
        refused: str | None = None
        done: str | None = None
        try:
            if do == "template":
                texts = dict(offered(replies, case, name or ""))
                text = with_template(texts.get(template, ""), text, list(texts.values()), LONGEST).strip()
            elif name is None and do != "weigh":
                refused = NOBODY
            elif name is not None and do == "elsewhere":
                key, detail = _key(nonce, "elsewhere", text), {"text": text.strip()} if text.strip() else {}
                replies.cases.act(case_id, "reply", name, "web", clock.now(), key, **detail)
                replies.stop_composing(case_id, name)
                done = "Noted as answered."
            elif name is not None and do == "send":
                key = _key(nonce, "reply", text) or f"web:{case_id}:{clock.now().isoformat()}"
                sent = replies.submit(case_id, text, name, "web", clock.now(), key)
                waits = sent.state == "awaiting_approval"
                done = "Somebody else has to approve it now." if waits else "It goes out now."
        except Refused as error:
            refused, status = str(error), 409
        except OperationalError:
            refused, status = BUSY, 503
        return _answer(pages, request, case_id, name, refused, done, status, None if done else text)

    @router.post("/cases/{case_id}/reply/words")
    def words(
        request: Request,
        case_id: int,
        like: Annotated[int, Form()],
        actor: Name = "",
        reply: Annotated[str | None, Form(max_length=LONGEST)] = None,
    ) -> Response:
        """What was answered in a case like this one is put above what was typed, or in place of another such answer."""
        name, now, case = me(request) or clean_name(actor), clock.now(), pages.known(case_id)
        if case is None:
            return missing(pages, request, case_id)
        with pages.db.read() as session:
            found = {each.id: each.words for each in pages.solved.like(session, case_id, now)}
            text = begun(session, replies, case, name or "", now).text if reply is None else _plain(reply)
        if like not in found:
            return _answer(pages, request, case_id, name, "That case is none of those like this one.", None, 409, text)
        chosen = with_template(found[like], text, list(found.values()), LONGEST)
        return _answer(pages, request, case_id, name, None, None, 200, chosen)

    @router.post("/cases/{case_id}/reply/weigh")
    def typed(request: Request, case_id: int, reply: Reply = "") -> Response:
        """A part of the page: the count and the hints. What was typed is kept as its writer's draft."""
        case, name, text = pages.known(case_id), me(request), _plain(reply)
        if case is None:
            return Response(status_code=204)
        if name is not None:
            replies.compose(case_id, name, clock.now(), text=text)
        return pages.draw("weighed.html", request, weighed=weigh(text, case, replies.route(case)))

    @router.post("/cases/{case_id}/replies/{reply_id}")
    def decide(
        request: Request,
        case_id: int,
        reply_id: int,
        decision: Annotated[Literal["approve", "decline"], Form()],
        actor: Name = "",
        reason: Annotated[str, Form(max_length=500)] = "",
    ) -> Response:
        name = me(request) or clean_name(actor)
        if pages.known(case_id) is None or not 0 < reply_id <= queries.LARGEST_ID:
            return missing(pages, request, case_id)
        refused = NOBODY if name is None else None
        done: str | None = None
        try:
            if name is not None and decision == "approve":
                replies.approve(reply_id, name, clock.now())
                done = "Approved: it goes out now."
            elif name is not None:
                replies.decline(reply_id, name, clock.now(), reason=_plain(reason).strip())
                done = "Given back to its author."
        except Refused as error:
            refused = str(error)
        return _answer(pages, request, case_id, name, refused, done, 409 if name else 422)

    return router


def _plain(field: str) -> str:
    """A form's field as it is stored and sent: browsers write line breaks in another way than everybody else."""
    return storable(field.replace("\r\n", "\n"), LONGEST)


def _key(nonce: str, what: str, text: str) -> str | None:
    """The same press twice is one reply; without a nonce (a form from elsewhere) every press counts."""
    said = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]
    return f"web:{nonce}:{what}:{said}" if nonce else None


def _answer(
    pages: Pages,
    request: Request,
    case_id: int,
    name: str | None,
    refused: str | None,
    done: str | None,
    status: int,
    text: str | None = None,
) -> Response:
    """The case again. `text` stands in the field; None: what its writer has begun."""
    said = {"refused": refused, "flash": done, "me": name}
    status = status if refused else 200
    if "hx-request" in request.headers:
        with pages.db.read() as session:
            values = pages.case(session, request, case_id, name, text) or {}
        status = 409 if status > 499 else status  # htmx shows no answers above 499
        values |= said | {"fresh": refused is None}
        answer: Response = pages.draw("case.html", request, status, **values)
        answer.headers["HX-Trigger"] = "changed"
    elif done:
        answer = RedirectResponse(f"/cases/{case_id}", status_code=303)
    else:
        answer = whole_case(pages, request, case_id, status, text=text, **said)
    if name is not None:
        remember(request, answer, name)
    return answer
