"""The Grafana board and the Prometheus rules ask for nothing that /metrics does not give, and say what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import httpx2
import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from monitor.cases import Cases
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.health import Health
from monitor.settings import Settings
from monitor.web import DeskServer, build_web
from tests.test_collect_turns import UNITS, Tap, stage
from tests.web import town

ROOT = Path(__file__).parents[2]
BOARD = json.loads((ROOT / "config" / "grafana-board.json").read_text(encoding="utf-8"))
(GROUP,) = yaml.safe_load((ROOT / "config" / "prometheus-rules.yaml").read_text(encoding="utf-8"))["groups"]
RULES = GROUP["rules"]
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
ASKED = [(panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]]
ASKED += [(rule["alert"], rule["expr"]) for rule in RULES]
BY_PROMETHEUS = {"job", "instance"}  # labels that it adds itself


@pytest.fixture
def printed(db: Database, clock: ManualClock, make_settings: Callable[..., Settings]) -> dict[str, frozenset[str]]:
    """The labels of every figure that /metrics prints after a small run."""
    settings = make_settings(sources=[{"name": "tap", "type": "rss", "url": "https://tap.example/feed"}])
    tap = Tap("tap", UNITS)
    tap.gives = lambda now: 1
    stage(db, clock, tap).poll("tap")
    town.settle(db, clock.now())
    health = Health(db, clock, settings, lambda: {"tap": (tap, settings.sources[0])})
    server = DeskServer(build_web(db, clock, Cases(db, settings), settings, health), port=0)
    server.start()
    text = httpx2.get(f"{server.address}/metrics", trust_env=False).text
    server.stop()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {sample.name: frozenset(sample.labels) for sample in samples}


def selectors(expression: Any) -> Iterator[tuple[str, set[str]]]:
    """Each figure that an expression asks for, with the labels that it is asked by."""
    labels: list[str] = []
    names: list[str] = []

    def look(node: Any) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            names.append(node.name)
            labels.extend(matcher.name for matcher in node.matchers.matchers)
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
            labels.extend(node.modifier.labels)
        return True

    promql_parser.walk(promql_parser.parse(expression), look)
    return ((name, set(labels)) for name in names)


def test_every_figure_that_is_asked_for_is_printed_with_its_labels(printed: dict[str, frozenset[str]]) -> None:
    missing = [
        (where, name, labels)
        for where, expression in ASKED
        for name, labels in selectors(expression)
        if name not in printed or not labels <= printed[name] | BY_PROMETHEUS
    ]
    assert missing == []


def test_every_figure_of_ours_is_on_the_board_or_in_the_rules(printed: dict[str, frozenset[str]]) -> None:
    asked = {name for _, expression in ASKED for name, _ in selectors(expression)}
    assert {name for name in printed if name.startswith("firsthour_")} - asked == set()


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_every_panel_says_what_it_shows_in_which_unit(panel: dict[str, Any]) -> None:
    assert len(panel["title"]) > 3
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"]["uid"] == "${datasource}"
    labels = {name for target in panel["targets"] for _, found in selectors(target["expr"]) for name in found}
    named = {name for target in panel["targets"] for name in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])}
    assert named <= labels | BY_PROMETHEUS


def test_panels_neither_overlap_nor_leave_the_board() -> None:
    places = [panel["gridPos"] for panel in BOARD["panels"]]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 for place in places)
    for a, b in combinations(places, 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        assert beside or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_says_what_is_wrong_and_what_to_do(rule: dict[str, Any]) -> None:
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in ("critical", "warning")
    summary, mend = rule["annotations"]["summary"], rule["annotations"]["description"]
    assert summary
    assert re.search(r"/readyz|`firsthour|docs/|log|the desk", mend), mend
    for page in re.findall(r"docs/\w+\.md", mend):
        assert (ROOT / page).exists()
    by = {name for _, labels in selectors(rule["expr"]) for name in labels}
    assert set(re.findall(r"\$labels\.(\w+)", summary + mend)) <= by
