"""The page of the corrections, on which doubtful verdicts are answered with one key each; and the same for programs."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import OperationalError

from monitor.cases import Cases
from monitor.clock import Clock
from monitor.errors import Refused
from monitor.labelling import Labelled, label
from monitor.web.actions import BUSY
from monitor.web.corrections_report import BY, DEFINITIONS, CorrectionReports, Score
from monitor.web.figure_queries import CorrectionsQuery
from monitor.web.figured import Asked, figured
from monitor.web.gate import clean_name, local_path, me
from monitor.web.masking import shown
from monitor.web.pages import Pages, nothing, remember
from monitor.web.queries import LARGEST_ID

Mention = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Revision = Annotated[int, Form(ge=0, le=2**31 - 1)]
Text = Annotated[str, Form(max_length=1000)]


class ScoreOut(BaseModel):
    judged: int
    false_alarms: int
    missed: int
    confirmed: int
    precision: float | None
    of_reviewed: float | None


class PrecisionOut(BaseModel):
    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to")
    timezone: str
    filters: dict[str, str]
    by: str
    threshold: float = Field(description="the probability from which a mention is taken for a complaint")
    all: ScoreOut
    before: ScoreOut | None
    groups: dict[str, ScoreOut] = Field(description="the most wrong first")
    definitions: dict[str, str]


class DoubtfulOut(BaseModel):
    mention_id: int
    revision: int
    source: str
    author: str | None
    text: str
    language: str
    topic: str
    judged: bool = Field(description="what the verdict says")
    score: float
    posted_at: datetime
    case_id: int | None


class SaidIn(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)  # else `false` is a revision, and "off" a verdict

    complaint: bool
    revision: int | None = Field(None, ge=0, le=2**31 - 1, description="of the text that was read; none: the present")


class LabelledOut(BaseModel):
    mention_id: int
    complaint: bool
    case_id: int | None
    done: str | None = Field(description="to the case: opened, joined, reopened, dismissed, or null")


def correction_routes(pages: Pages, reports: CorrectionReports, cases: Cases, clock: Clock) -> APIRouter:
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.get("/corrections")
    def corrections(request: Request, wanted: Asked) -> Response:
        told: dict[str, Any] = {"definitions": DEFINITIONS, "dimensions": BY}
        return figured(pages, request, "corrections.html", reports.report, wanted, **told)

    @router.post("/corrections/{mention_id}")
    def say(
        request: Request,
        mention_id: Mention,
        revision: Revision,
        answer: Annotated[Literal["yes", "no"], Form()],
        actor: Text = "",
        back: Text = "",
    ) -> Response:
        name = me(request) or clean_name(actor)
        said: Labelled | None = None
        refused, status = "Say who you are first, so that others know whom to ask.", 422
        if name is not None:
            try:
                said = label(cases, mention_id, revision, answer == "yes", name, "web", clock.now())
            except Refused as error:
                refused, status = f"{str(error).capitalize()}.", 409
            except OperationalError:
                refused, status = BUSY, 503
        if "hx-request" in request.headers:
            told = {"said": said, "refused": None if said else refused, "mention_id": mention_id, "revision": revision}
            # htmx shows no answers above 499
            answered: Response = pages.draw("labelled.html", request, 200 if said else min(status, 409), **told)
        elif said is None:
            return nothing(pages, request, status, "This was not stored", refused)
        else:
            answered = RedirectResponse(f"{local_path(back)}#doubtful", status_code=303)
        if name is not None:
            remember(request, answered, name)
        return answered

    return router


def corrections_api_routes(reports: CorrectionReports, cases: Cases, clock: Clock) -> APIRouter:
    router = APIRouter(prefix="/api/v1")

    @router.get("/corrections/figures")
    def figures(wanted: Annotated[CorrectionsQuery, Query()]) -> PrecisionOut:
        """How far verdicts stood, and where they were wrong."""
        found = wanted.of(reports.report)
        return PrecisionOut(
            first=found.scope.first,
            last=found.scope.last,
            timezone=found.scope.zone.key,
            filters=found.scope.chosen,
            by=found.by,
            threshold=found.threshold,
            all=_score(found.all),
            before=_score(found.then) if found.then else None,
            groups={name: _score(each) for name, each in found.groups.items()},
            definitions={name: meaning for name, (_, meaning) in DEFINITIONS.items()},
        )

    @router.get("/corrections/doubtful")
    def doubtful(request: Request, wanted: Annotated[CorrectionsQuery, Query()]) -> list[DoubtfulOut]:
        """Verdicts near the threshold on which nobody has said a word, the most doubtful first."""
        found = shown(request, wanted.of(reports.report).doubtful)
        return [DoubtfulOut(**{name: getattr(each, name) for name in DoubtfulOut.model_fields}) for each in found]

    @router.post(
        "/mentions/{mention_id}/corrections",
        responses={409: {"description": "it cannot be corrected, or was changed meanwhile; nothing was stored"}},
    )
    def say(request: Request, mention_id: Mention, asked: SaidIn) -> LabelledOut:
        """Say whether a mention is a complaint; its case follows. The same again changes nothing."""
        actor = me(request) or "the interface"
        try:
            said = label(cases, mention_id, asked.revision, asked.complaint, actor, "api", clock.now())
        except Refused as error:
            raise HTTPException(409, str(error)) from None
        return LabelledOut(mention_id=said.mention_id, complaint=said.complaint, case_id=said.case_id, done=said.done)

    return router


def _score(of: Score) -> ScoreOut:
    return ScoreOut(**{name: getattr(of, name) for name in ScoreOut.model_fields})
