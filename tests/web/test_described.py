"""The interface's description says of every question what it may have, and what it does not say is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from monitor.clock import ManualClock
from monitor.database import Database
from monitor.health import Health
from monitor.outcome_days import OutcomeDays
from monitor.settings import Settings
from monitor.web.behind import DrillDown
from monitor.web.competitors_report import Competitors
from monitor.web.corrections_report import CorrectionReports
from monitor.web.response_report import Reports
from monitor.web.sources_report import SourceReports
from monitor.web.staffing_report import Staffings
from monitor.web.topics_report import Topics
from monitor.web.trends_report import Trends
from tests.web import town
from tests.web.serving import Desk

REPORTS: dict[str, Callable[[Database, ManualClock, Settings], Any]] = {
    "/trends": Trends,
    "/trends/mentions": DrillDown,
    "/trends/topics": Topics,
    "/trends/competitors": Competitors,
    "/response": lambda db, clock, settings: Reports(db, clock, settings, OutcomeDays()),
    "/staffing": Staffings,
    "/corrections/figures": CorrectionReports,
    "/corrections/doubtful": CorrectionReports,
    "/sources": lambda db, clock, settings: SourceReports(db, clock, settings, Health(db, clock, settings)),
}


class Noted(Mapping[str, str]):
    """Notes which names are asked for."""

    def __init__(self, names: set[str]) -> None:
        self.names = names

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def asked(desk: Desk, path: str) -> dict[str, Any]:
    """What a question has, by name."""
    found = desk.http.get("/api/openapi.json").json()["paths"][f"/api/v1{path}"]["get"]["parameters"]
    return {each["name"]: each for each in found if each["in"] == "query"}


def test_every_parameter_is_told_of(desk: Desk) -> None:
    paths = desk.http.get("/api/openapi.json").json()["paths"]
    silent = [
        (path, each["name"])
        for path, methods in paths.items()
        for each in methods.get("get", {}).get("parameters", [])
        if each["in"] == "query" and not each.get("description")
    ]
    assert silent == []


@pytest.mark.parametrize("path", REPORTS)
def test_what_figures_can_be_asked_is_all_described(
    desk: Desk, clock: ManualClock, make_settings: Callable[..., Settings], path: str
) -> None:
    town.settle(desk.db, clock.now())
    names: set[str] = set()
    REPORTS[path](desk.db, clock, make_settings()).report(Noted(names))
    of_the_page = {"/trends/mentions": {"after", "from", "to", "grain"}}.get(path, set())
    assert names - of_the_page <= set(asked(desk, path))
    assert names - of_the_page - {"since", "until"} <= set(asked(desk, "/charts/{page}/{name}"))


@pytest.mark.parametrize("path", [*REPORTS, "/charts/overview/volume", "/charts/overview/volume.csv"])
def test_a_slip_of_the_pen_does_not_pass_for_an_answer(desk: Desk, path: str) -> None:
    answer = desk.http.get(f"/api/v1{path}?langauge=et")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["name"] == "langauge"
