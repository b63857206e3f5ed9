"""What operators' tools read: is the process alive, does it do its work, and its figures for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from monitor.clock import Clock
from monitor.database import Database
from monitor.health import Health
from monitor.web import queries
from monitor.web.gate import visitor


class Figures(Collector):
    """Reads the figures when they are asked for. With the database away only `firsthour_ready 0` is given."""

    def __init__(self, db: Database, clock: Clock, health: Health) -> None:
        self._db, self._clock, self._health = db, clock, health

    def collect(self) -> Iterator[GaugeMetricFamily]:
        ready, _ = self._health.ready()
        yield _gauge("firsthour_ready", "1 while the service does its work (as /readyz says)", float(ready))
        try:
            figures = self._health.figures()
            with self._db.read() as session:
                desk = queries.counts(session, self._clock.now())
        except SQLAlchemyError:
            return
        yield _labelled("firsthour_cases", "Cases not closed, by state", "state", figures["cases"])
        yield _labelled("firsthour_deliveries", "Messages not yet delivered, by state", "state", figures["deliveries"])
        yield _gauge("firsthour_mentions_waiting", "Mentions not yet judged", figures["waiting"])
        yield _gauge("firsthour_mentions_parked", "Mentions set aside after repeated failure", figures["parked"])
        yield _gauge("firsthour_clocks_running", "Cases whose clock runs", desk.waiting)
        yield _gauge("firsthour_clocks_late", "Cases past their time without an answer", desk.late)
        sources: dict[str, dict[str, Any]] = figures["sources"]
        failures = {name: each["failures"] for name, each in sources.items()}
        lags = {name: each["lag_seconds"] for name, each in sources.items() if each["lag_seconds"] is not None}
        yield _labelled("firsthour_source_failures", "Failed polls in a row", "source", failures)
        yield _labelled("firsthour_source_lag_seconds", "Time since the last successful poll", "source", lags)
        newest = {name: each["newest_seconds"] for name, each in sources.items() if each["newest_seconds"] is not None}
        yield _labelled("firsthour_source_newest_seconds", "Age of the newest mention seen", "source", newest)
        yield from _budgets(sources)


def _gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_text, value=value)


def _labelled(name: str, help_text: str, label: str, values: dict[str, Any]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], float(value))
    return family


def _budgets(sources: dict[str, dict[str, Any]]) -> Iterator[GaugeMetricFamily]:
    labels = ["source", "budget"]
    spent = GaugeMetricFamily("firsthour_budget_spent", "Spent of a budget since its last reset", labels=labels)
    limit = GaugeMetricFamily("firsthour_budget_limit", "What may be spent of it in a day", labels=labels)
    for name, each in sources.items():
        for budget in each["budgets"]:
            spent.add_metric([name, budget["name"]], budget["spent"])
            if budget["daily"] is not None:
                limit.add_metric([name, budget["name"]], budget["daily"])
    yield from (spent, limit)


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

    @router.get("/metrics", response_class=Response)
    def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router
