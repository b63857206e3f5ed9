"""What programs are told when there is nothing to answer: problem details (RFC 9457), whose `detail` is a sentence that
says the mend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"
_SHOWN = 60


class Misfit(BaseModel):
    name: str = Field(description="of the parameter, or where in the body")
    detail: str = Field(description="what is wrong with it")


class Problem(BaseModel):
    """What is wrong, and what to do about it."""

    type: str = Field(description="about:blank: the status says it all")
    title: str = Field(description="the status in words")
    status: int
    detail: str = Field(description="what is wrong, and the mend")
    errors: list[Misfit] = Field(description="where the question does not fit the description of the interface")


def problem(
    status: int, detail: str, headers: Mapping[str, str] | None = None, errors: Sequence[Misfit] = ()
) -> JSONResponse:
    title = HTTPStatus(status).phrase
    told = Problem(type="about:blank", title=title, status=status, detail=detail, errors=list(errors))
    return JSONResponse(told.model_dump(), status, headers, media_type=MEDIA_TYPE)


def not_fitting(error: RequestValidationError) -> JSONResponse:
    """For a question that does not fit the description."""
    misfits = [_misfit(each) for each in error.errors()]
    return problem(422, "; ".join(f"{misfit.name}: {misfit.detail}" for misfit in misfits), errors=misfits)


def _misfit(error: Mapping[str, Any]) -> Misfit:
    place = [str(part) for part in error["loc"][1:]] or [str(error["loc"][0])]
    if error["type"] == "extra_forbidden":
        return Misfit(name=".".join(place), detail="there is no such parameter; /api/openapi.json lists them")
    if error["type"] == "json_invalid":
        return Misfit(name="body", detail="is no JSON; /api/openapi.json says what it has")
    if error["type"] == "missing":
        return Misfit(name=".".join(place), detail="is missing")
    wrong = str(error["msg"]).removeprefix("Value error, ").replace("Input should", "it should", 1)
    given = str(error.get("input", ""))
    short = given if len(given) <= _SHOWN else given[:_SHOWN] + "..."
    return Misfit(name=".".join(place), detail=f'"{short}" does not fit: {wrong}')
