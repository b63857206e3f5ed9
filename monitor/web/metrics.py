"""The figures for Prometheus. docs/monitoring.md tells of each; the board and the rules in config/ ask for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from monitor import __version__
from monitor.clock import Clock
from monitor.database import Database
from monitor.health import Health
from monitor.pace import Pace, pace
from monitor.web import queries


class Figures(Collector):
    """Reads the figures when they are asked for. With the database away only whether it works is given."""

    def __init__(self, db: Database, clock: Clock, health: Health) -> None:
        self._db, self._clock, self._health = db, clock, health

    def collect(self) -> Iterator[Metric]:
        ready, parts = self._health.ready()
        yield InfoMetricFamily("firsthour_build", "The version that runs", value={"version": __version__})
        yield _gauge("firsthour_ready", "1 while the service does its work (as /readyz says)", float(ready))
        works = {name: part["ok"] for name, part in parts.items() if isinstance(part, dict)}
        yield _labelled("firsthour_part_ok", "1 while this part of /readyz works", "part", works)
        now = self._clock.now()
        try:
            figures = self._health.figures()
            with self._db.read() as session:
                desk = queries.counts(session, now)
                went = pace(session, now)
                answered, met = queries.past_day(session, now)
        except SQLAlchemyError:
            return
        yield _labelled("firsthour_cases", "Cases not closed, by state", "state", figures["cases"])
        yield _gauge("firsthour_clocks_running", "Cases whose clock runs", desk.waiting)
        yield _gauge("firsthour_clocks_late", "Cases past their time without an answer", desk.late)
        yield _gauge("firsthour_cases_without_owner", "Cases whose clock runs and that nobody has", desk.free)
        yield from _response(answered, met)
        yield _labelled("firsthour_deliveries", "Messages not yet delivered, by state", "state", figures["deliveries"])
        yield _gauge("firsthour_mentions_waiting", "Mentions not yet judged", figures["waiting"])
        yield _gauge("firsthour_mentions_parked", "Mentions set aside after repeated failure", figures["parked"])
        yield _gauge("firsthour_judging_lag_seconds", "Age of the oldest mention that waits", _lag(parts, "judging"))
        yield _gauge("firsthour_delivering_lag_seconds", "Age of the oldest message due", _lag(parts, "delivering"))
        silent = parts["reading"]["silent_seconds"] if "reading" in parts else 0.0
        yield _gauge("firsthour_silent_seconds", "Time since any source was read", silent)
        yield from _pace(went)
        yield from _sources(figures["sources"])


def _lag(parts: Mapping[str, Any], what: str) -> float:
    return float(parts["lag"][f"{what}_seconds"]) if "lag" in parts else 0.0


def _gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_text, value=value)


def _labelled(name: str, help_text: str, label: str, values: Mapping[str, Any]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], float(value))
    return family


def _response(answered: list[float], met: list[bool]) -> Iterator[Metric]:
    """Without a sample where the past day has none."""
    middle = GaugeMetricFamily("firsthour_response_median_seconds", "First response, of cases answered in the past day")
    share = GaugeMetricFamily("firsthour_response_met_ratio", "Answered in time, of cases answered in the past day")
    if answered:
        middle.add_metric([], median(answered))
    if met:
        share.add_metric([], sum(met) / len(met))
    yield from (middle, share)


def _pace(went: Pace) -> Iterator[Metric]:
    yield CounterMetricFamily("firsthour_verdicts", "Verdicts given", value=went.verdicts)
    yield CounterMetricFamily("firsthour_cases_opened", "Cases opened", value=went.cases)
    yield CounterMetricFamily("firsthour_deliveries_made", "Messages put into the outbox", value=went.deliveries)
    yield _gauge("firsthour_breaches_past_day", "Cases that became late within a day", went.breached)
    yield _gauge("firsthour_deliveries_failed_past_day", "Messages of a day that were given up", went.failed)
    yield _gauge("firsthour_corrections_past_day", "Verdicts that people corrected within a day", went.corrected)
    model = None if went.model is None else {"model": went.model}
    yield InfoMetricFamily("firsthour_model", "What gave the newest verdict", value=model)


def _sources(sources: Mapping[str, Mapping[str, Any]]) -> Iterator[Metric]:
    failures = {name: each["failures"] for name, each in sources.items()}
    works = {name: each["ok"] for name, each in sources.items()}
    yield _labelled("firsthour_source_ok", "0 while a source fails or was stopped", "source", works)
    yield _labelled("firsthour_source_failures", "Failed polls in a row", "source", failures)
    lags = {name: each["lag_seconds"] for name, each in sources.items() if each["lag_seconds"] is not None}
    yield _labelled("firsthour_source_lag_seconds", "Time since the last successful poll", "source", lags)
    every = {name: each["interval_seconds"] for name, each in sources.items()}
    yield _labelled("firsthour_source_interval_seconds", "Time between two polls", "source", every)
    newest = {name: each["newest_seconds"] for name, each in sources.items() if each["newest_seconds"] is not None}
    yield _labelled("firsthour_source_newest_seconds", "Age of the newest mention seen", "source", newest)
    labels = ["source", "budget"]
    spent = GaugeMetricFamily("firsthour_budget_spent", "Spent of a budget since its last reset", labels=labels)
    limit = GaugeMetricFamily("firsthour_budget_limit", "What may be spent of it in a day", labels=labels)
    for name, each in sources.items():
        for budget in each["budgets"]:
            spent.add_metric([name, budget["name"]], budget["spent"])
            if budget["daily"] is not None:
                limit.add_metric([name, budget["name"]], budget["daily"])
    yield from (spent, limit)
