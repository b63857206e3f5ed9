"""What operators' tools read."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.models import SourceState
from tests.web import town
from tests.web.serving import Desk

PAGE = Path(__file__).parents[2] / "docs" / "monitoring.md"


def figures(desk: Desk) -> dict[str, float]:
    """Samples of /metrics, as `name` or `name{first label's value}`."""
    found = {}
    for family in text_string_to_metric_families(desk.http.get("/metrics").text):
        for sample in family.samples:
            label = next(iter(sample.labels.values()), None)
            found[f"{sample.name}{{{label}}}" if label else sample.name] = sample.value
    return found


def test_the_process_answers_while_it_lives(desk: Desk) -> None:
    assert desk.http.get("/healthz").json()["ok"] is True


def test_ready_names_every_part(desk: Desk) -> None:
    answer = desk.http.get("/readyz")
    assert answer.status_code == 200
    assert {"database", "sources", "slack", "lag"} <= set(answer.json())


def test_a_stage_that_fails_makes_it_503_and_is_named(desk: Desk) -> None:
    desk.health.add_probe("engine", lambda: "classify: no model")
    answer = desk.http.get("/readyz")
    assert answer.status_code == 503
    assert "classify: no model" in answer.text
    assert figures(desk)["firsthour_ready"] == 0


def test_metrics_count_what_waits(desk: Desk) -> None:
    now = desk.clock.now()
    town.settle(desk.db, now)
    with desk.db.write() as session:
        session.add(SourceState(name="reddit", failures=3, last_success_at=now - timedelta(minutes=2)))
    found = figures(desk)
    assert found["firsthour_ready"] == 1
    assert found["firsthour_cases{open}"] == 4
    assert found["firsthour_cases{taken}"] == 2
    assert found["firsthour_clocks_running"] == 6
    assert found["firsthour_clocks_late"] == 1
    assert found["firsthour_mentions_waiting"] == 1
    assert found["firsthour_source_failures{reddit}"] == 3
    assert found["firsthour_source_lag_seconds{reddit}"] == 120


def test_with_the_database_away_it_says_not_ready_and_still_answers(desk: Desk) -> None:
    with desk.db.engine.connect().execution_options(writes=True) as connection:
        connection.exec_driver_sql("DROP TABLE sources")
        connection.commit()
    answer = desk.http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["database"]["ok"] is False
    assert figures(desk)["firsthour_ready"] == 0
    assert desk.http.get("/healthz").status_code == 200
    assert desk.http.get("/").status_code in (200, 503)


def test_two_desks_in_one_process_keep_their_figures_apart(desk: Desk, open_desk: pytest.FixtureRequest) -> None:
    assert figures(open_desk(desk.clock))["firsthour_ready"] == 1  # type: ignore[operator]


def test_the_page_on_monitoring_lists_every_figure_and_no_other(desk: Desk) -> None:
    town.settle(desk.db, desk.clock.now())
    listed = set(re.findall(r"^\| `(firsthour_\w+)`", PAGE.read_text(encoding="utf-8"), re.M))
    given = set(re.findall(r"^# TYPE (firsthour_\w+)", desk.http.get("/metrics").text, re.M))
    assert listed == given
