"""`/hooks/NAME`: where services call. What is answered with 2xx is stored; anything else says what was wrong.

A call that is refused touches nothing. 503 means that the database is away: the same call will do later.
"""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from monitor.database import trouble
from monitor.hooks import Hooks, Received
from monitor.sources.hooks import LARGEST_CALL, Call, CallRefused
from monitor.web.guard import HOOKS

MOST_REASONS = 20  # of items that could not be read, in one answer

log = structlog.stdlib.get_logger(__name__)


def hook_routes(hooks: Hooks) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.api_route(f"{HOOKS}{{name}}", methods=["GET", "POST"])
    async def hear(request: Request, name: str) -> Response:
        try:
            call = Call(request.method, dict(request.headers.items()), dict(request.query_params), await _body(request))
            return _answer(await run_in_threadpool(hooks.receive, name, call))
        except CallRefused as error:
            log.warning("a call to a hook was refused", source=name, status=error.status, error=str(error))
            return JSONResponse({"error": str(error)}, error.status)
        except SQLAlchemyError as error:
            log.error("a call to a hook could not be stored", source=name, error=trouble(error) or type(error).__name__)
            later = {"error": "it could not be stored just now; send it again"}
            return JSONResponse(later, 503, {"Retry-After": "30"})

    return router


async def _body(request: Request) -> bytes:
    """The body, read no further than it may be long: its length need not be told beforehand."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_CALL:
            raise CallRefused(413, f"a call may have {LARGEST_CALL:,} bytes; send several")
    return bytes(body)


def _answer(received: Received) -> Response:
    heard, stored = received.heard, received.stored
    if heard.answer is not None:
        return PlainTextResponse(heard.answer)
    said: dict[str, Any] = {
        "new": stored.new,
        "changed": stored.changed,
        "removed": stored.removed,
        "unmatched": stored.unmatched,
        "repeated": received.repeated,
        "rejected": [reject.reason for reject in heard.rejects[:MOST_REASONS]],
    }
    return JSONResponse(said, 422 if heard.rejects and not heard.items else 200)
