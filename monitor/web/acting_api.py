"""What programs do to cases: the same as people on the desk, under the token's name."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from monitor.cases import Cases
from monitor.clock import Clock
from monitor.database import Database
from monitor.errors import Refused
from monitor.storable import storable
from monitor.web import queries
from monitor.web.api import CaseOut
from monitor.web.gate import me
from monitor.web.masking import shown
from monitor.web.paging import Moment

Act = Literal[
    "take",
    "hand_over",
    "release",
    "note",
    "snooze",
    "unsnooze",
    "mute",
    "unmute",
    "resolve",
    "dismiss",
    "escalate",
    "reopen",
]
_REFUSED: dict[int | str, dict[str, Any]] = {
    404: {"description": "no such case"},
    409: {"description": "the case's state does not allow it; nothing was changed"},
}


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")

    event: Act
    text: str | None = Field(None, min_length=1, max_length=4000, description="of a note")
    to: str | None = Field(None, min_length=1, max_length=60, description="to whom it is handed over")
    until: Moment | None = Field(None, description="end of a snooze or a mute; a mute without one is for good")
    key: str | None = Field(
        None, min_length=1, max_length=60, description="the same key again is the same event, and happens once"
    )


def acting_routes(db: Database, cases: Cases, clock: Clock) -> APIRouter:
    router = APIRouter(prefix="/api/v1")

    @router.post("/cases/{case_id}/events", responses=_REFUSED)
    def act(request: Request, case_id: Annotated[int, Path(ge=1, le=queries.LARGEST_ID)], asked: Asked) -> CaseOut:
        detail, actor = _detail(asked, clock.now()), me(request) or "the interface"
        key = f"api:{actor}:{asked.key}" if asked.key is not None else None
        try:
            with db.read() as session:
                cases.get(session, case_id)
        except Refused as error:
            raise HTTPException(404, str(error)) from None
        try:
            cases.act(case_id, asked.event, actor, "api", clock.now(), key, **detail)
        except Refused as error:
            raise HTTPException(409, str(error)) from None
        with db.read() as session:
            found = queries.case_file(session, case_id)
        if found is None:
            raise HTTPException(404, f"there is no case {case_id}")
        return CaseOut.model_validate(shown(request, found).case)

    return router


def _detail(asked: Asked, now: datetime) -> dict[str, Any]:
    """What the event needs. Raises HTTPException where it is missing."""
    needed = {"note": "text", "hand_over": "to", "snooze": "until"}.get(asked.event)
    if needed is not None and getattr(asked, needed) is None:
        raise HTTPException(422, f"{needed}: is missing for {asked.event}")
    if asked.until is not None and asked.until <= now:
        raise HTTPException(422, "until: is over already")
    given = {"note": ("text",), "hand_over": ("to",), "snooze": ("until",), "mute": ("until",)}.get(asked.event, ())
    values = {name: getattr(asked, name) for name in given if getattr(asked, name) is not None}
    return {name: storable(value) if isinstance(value, str) else value for name, value in values.items()}
