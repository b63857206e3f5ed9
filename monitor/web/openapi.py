"""The interface's description of itself: beside what FastAPI finds, who may ask, and how errors look everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from monitor.web.gate import EXPORTS
from monitor.web.problems import MEDIA_TYPE, Problem

ERRORS: dict[int | str, dict[str, Any]] = {
    401: {"description": "no valid token, and nobody is signed in"},
    403: {"description": "the token lacks the scope, or the person the role, that the answer names"},
    422: {"description": "the question does not fit this description, or there cannot be an answer to it"},
    503: {"description": "the database does not answer"},
}
_SCHEMES: dict[str, Any] = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "`firsthour tokens add NAME --scopes read,export,act`",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "firsthour_session",
        "description": "of a person at the desk",
    },
}
_OPEN = ("/healthz", "/readyz")
_PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}


def described(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """What `app.openapi` is to be."""
    found = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _complete(found())
        assert app.openapi_schema is not None
        return app.openapi_schema

    return openapi


def _complete(schema: dict[str, Any]) -> None:
    parts = schema.setdefault("components", {})
    parts["securitySchemes"] = _SCHEMES
    schemas = parts.setdefault("schemas", {})
    told = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(told.pop("$defs"))
    schemas["Problem"] = told
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            _operation(path, method, operation)


def _operation(path: str, method: str, operation: dict[str, Any]) -> None:
    if path in _OPEN:
        operation["security"] = []
        return
    scope = "export" if path.endswith((*EXPORTS, ".{format}")) else "read" if method == "get" else "act"
    operation["security"] = [{"token": [scope]}, {"session": []}]
    if "requestBody" in operation:
        operation["responses"].setdefault("400", {"description": "the body cannot be read"})
    for status, answer in operation["responses"].items():
        if status.startswith(("4", "5")):
            answer.setdefault("content", _PROBLEM)
