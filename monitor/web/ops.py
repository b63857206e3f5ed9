"""What operators' tools read: is the process alive, does it do its work, and its figures for Prometheus."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest

from monitor.clock import Clock
from monitor.database import Database
from monitor.health import Health
from monitor.web.gate import visitor
from monitor.web.metrics import Figures


def ops_routes(db: Database, clock: Clock, health: Health) -> APIRouter:
    router = APIRouter()
    registry = CollectorRegistry()
    registry.register(Figures(db, clock, health))
    ProcessCollector(registry=registry)

    @router.get("/healthz")
    def healthz() -> dict[str, Any]:
        return health.live()

    @router.get("/readyz", responses={503: {"description": "something does not work; the body says what"}})
    def readyz(request: Request) -> JSONResponse:
        ready, parts = health.ready()
        known = visitor(request).role is not None  # others only learn whether it works
        return JSONResponse(parts if known else {"ready": ready}, status_code=200 if ready else 503)

    @router.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}, "description": "Prometheus figures"}, 401: {}, 403: {}},
    )
    def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router
