"""What people do on the desk. Every change goes through `Cases.act`, as from Slack or the command line."""

from __future__ import annotations

import hashlib
from datetime import datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.exc import OperationalError

from monitor.access.unsent import sent
from monitor.cases import Cases
from monitor.clock import Clock
from monitor.errors import Refused
from monitor.solved import PRESSES
from monitor.web import queries, words
from monitor.web.gate import clean_name, local_path, me, visitor
from monitor.web.pages import Pages, missing, note_form, remember, whole_case

NOTE_LENGTH = 4000
OFFERED = (
    "take",
    "hand_over",
    "release",
    "reply",
    "note",
    "snooze",
    "unsnooze",
    "mute",
    "unmute",
    "resolve",
    "dismiss",
    "escalate",
    "reopen",
    *PRESSES,
)
SNOOZES = {"30m": timedelta(minutes=30), "1h": timedelta(hours=1), "3h": timedelta(hours=3)}
MORNING = time(9)
FOR_GOOD = "good"  # a mute without an end
BUSY = "The database is busy or full: nothing was changed. Try again in a moment."
_DONE = {
    "take": "It is yours now.",
    "hand_over": "Handed over.",
    "escalate": "Escalated: the lead is being told.",
    "release": "Given back to the group.",
    "reply": "Noted as answered.",
    "note": "Note saved.",
    "snooze": "Snoozed.",
    "unsnooze": "Back on the list.",
    "mute": "Its reminders are silent now. The clock goes on.",
    "unmute": "You will be reminded again.",
    "resolve": "Resolved.",
    "dismiss": "Marked as not a complaint.",
    "reopen": "Open again.",
    "solved_yes": "Resolved.",
    "solved_no": "Noted: not solved yet.",
    "solved_later": "You are asked again in a day.",
}


def action_routes(pages: Pages, cases: Cases, clock: Clock) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.post("/cases/{case_id}/act")
    def act(
        request: Request,
        case_id: int,
        event: Annotated[str, Form(max_length=30)],
        nonce: Annotated[str, Form(pattern="^[0-9a-f]{0,40}$")] = "",
        actor: Annotated[str, Form(max_length=1000)] = "",
        text: Annotated[str, Form(max_length=20_000)] = "",
        until: Annotated[str, Form(max_length=10)] = "1h",
        silent: Annotated[str, Form(max_length=10)] = "1h",
        to: Annotated[str, Form(max_length=1000)] = "",
    ) -> Response:
        name = me(request) or clean_name(actor)
        with pages.db.read() as session:
            if not 0 < case_id <= queries.LARGEST_ID or queries.case_file(session, case_id) is None:
                return missing(pages, request, case_id)
        now = clock.now()
        refused = _unfit(event, name, text)
        status = 422
        if refused is None and name is not None:
            try:
                what, more = PRESSES.get(event, (event, {}))
                length = silent if event == "mute" else until
                detail = {**_detail(event, text, length, clean_name(to) or name, now, pages.zone), **more}
                cases.act(
                    case_id,
                    what,
                    name,
                    "web",
                    now,
                    key=_key(nonce, event, text + to),
                    **detail,
                )
                if event == "note":
                    with pages.db.write() as session:
                        sent(session, visitor(request).session, note_form(case_id))
            except Refused as error:
                refused, status = str(error), 409
            except OperationalError:
                refused, status = BUSY, 503
        if refused is None and "hx-request" not in request.headers:
            answer: Response = RedirectResponse(f"/cases/{case_id}", status_code=303)
        else:
            answer = _answer(pages, request, case_id, status if refused else 200, name, refused, _DONE.get(event))
        if name is not None:
            remember(request, answer, name)
        return answer

    @router.post("/me")
    def who(
        request: Request,
        actor: Annotated[str, Form(max_length=1000)] = "",
        back: Annotated[str, Form(max_length=200)] = "/",
    ) -> Response:
        answer = RedirectResponse(local_path(back), status_code=303)
        name = clean_name(actor)
        if name is not None:
            remember(request, answer, name)
        return answer

    return router


def _answer(
    pages: Pages, request: Request, case_id: int, status: int, name: str | None, refused: str | None, done: str | None
) -> Response:
    noted = refused is None and done == _DONE["note"]
    said: dict[str, Any] = {"refused": refused, "flash": None if refused else done, "noted": noted, "me": name}
    if "hx-request" not in request.headers:
        return whole_case(pages, request, case_id, status, **said)
    with pages.db.read() as session:
        values = pages.case(session, request, case_id) or {}
    # The part is drawn for the name just given, which the request's cookie does not carry yet.
    # htmx shows no answers above 499: what was refused for the service's sake goes as a conflict.
    answer = pages.draw("case.html", request, min(status, 409) if status > 499 else status, **values | said)
    answer.headers["HX-Trigger"] = "changed"
    return answer


def _unfit(event: str, name: str | None, text: str) -> str | None:
    if event not in OFFERED:
        return f"The desk has no action {words.shortened(event, 30)!r}."
    if name is None:
        return "Say who you are first, so that the others know who has it."
    if event == "note" and not words.harmless(text).strip():
        return "The note is empty."
    if len(text) > NOTE_LENGTH:
        return f"The note has {len(text)} characters; {NOTE_LENGTH} fit."
    return None


def _key(nonce: str, event: str, text: str) -> str | None:
    """The same press twice is one event; without a nonce (a form from elsewhere) every press counts."""
    if not nonce:
        return None
    return f"web:{nonce}:{event}:{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:12]}"


def _detail(event: str, text: str, until: str, to: str, now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    if event == "note":
        return {"text": words.harmless(text).strip()}
    if event == "mute" and until == FOR_GOOD:
        return {}
    if event in ("snooze", "mute"):
        return {"until": now + SNOOZES[until] if until in SNOOZES else _morning(now, zone)}
    if event == "hand_over":  # nobody named: the one who asks takes it over
        return {"to": to}
    return {}


def _morning(now: datetime, zone: ZoneInfo) -> datetime:
    """The next nine o'clock where the team works."""
    here = now.astimezone(zone)
    day = here.date() if here.time() < MORNING else here.date() + timedelta(days=1)
    return datetime.combine(day, MORNING, zone)
