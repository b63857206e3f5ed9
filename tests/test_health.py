from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event
from stored import complain

from monitor.clock import ManualClock
from monitor.database import Database
from monitor.health import Health
from monitor.models import DeliveryRow, MentionRow, SourceState
from monitor.settings import Settings

SOURCES = [{"name": name, "type": "replay", "path": "x"} for name in ("a", "b")]
LATE = timedelta(minutes=5)  # as by default
SLACK = {"channel": "C1", "bot_token": "xoxb-1"}


def test_an_empty_service_is_ready(db: Database, clock: ManualClock, make_settings: Callable[..., Settings]) -> None:
    ready, parts = Health(db, clock, make_settings(sources=SOURCES)).ready()
    assert ready
    assert parts["sources"]["each"]["a"]["state"] == "new"
    assert parts["slack"] == {"ok": True, "configured": False}


def test_one_failing_source_shows_and_all_failing_make_it_unready(
    db: Database, clock: ManualClock, make_settings: Callable[..., Settings]
) -> None:
    health = Health(db, clock, make_settings(sources=SOURCES))
    with db.write() as session:
        session.add(SourceState(name="a", failures=3, error="no answer", last_success_at=clock.now()))
        session.add(SourceState(name="b", last_success_at=clock.now()))
    clock.move(timedelta(seconds=90))
    ready, parts = health.ready()
    assert ready
    assert not parts["sources"]["ok"]
    assert parts["sources"]["each"]["a"] | {"lag_seconds": 90.0, "error": "no answer"} == parts["sources"]["each"]["a"]
    with db.write() as session:
        session.get_one(SourceState, "b").stopped_for = "fingerprint"
    ready, parts = health.ready()
    assert not ready
    assert parts["sources"]["each"]["b"]["state"] == "stopped"


def test_work_that_waits_too_long_makes_it_unready(
    db: Database, clock: ManualClock, make_settings: Callable[..., Settings]
) -> None:
    health, now = Health(db, clock, make_settings()), clock.now()
    with db.write() as session:
        session.add(MentionRow(source="s", external_id="1", text="x", brands=[], posted_at=now, seen_at=now))
    clock.move(LATE)
    assert health.ready()[0]
    clock.move(timedelta(seconds=1))
    ready, parts = health.ready()
    assert not ready
    assert parts["lag"] == {"ok": False, "judging_seconds": 301.0, "delivering_seconds": 0.0}


def test_slack_that_does_not_take_messages_shows_with_its_error(
    db: Database, clock: ManualClock, make_settings: Callable[..., Settings]
) -> None:
    health, now = Health(db, clock, make_settings(slack=SLACK)), clock.now()
    with db.write() as session:
        session.add(
            DeliveryRow(
                key="k",
                kind="ops",
                transport="slack",
                target="C1",
                payload={},
                created_at=now,
                not_before=now,
                error="not_in_channel",
            )
        )
    clock.move(LATE + timedelta(seconds=1))
    ready, parts = health.ready()
    assert not ready
    assert parts["slack"] == {"ok": False, "configured": True, "waiting": 1, "error": "not_in_channel"}


def test_a_part_of_the_process_that_is_broken_shows(
    db: Database, clock: ManualClock, make_settings: Callable[..., Settings]
) -> None:
    health = Health(db, clock, make_settings())
    health.add_probe("engine", lambda: "classify: out of memory")
    ready, parts = health.ready()
    assert not ready
    assert parts["stages"]["failing"] == {"engine": "classify: out of memory"}


def test_a_database_that_is_gone_is_said_in_words(
    clock: ManualClock, make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    ready, parts = Health(Database(f"sqlite:///{tmp_path}/no/such.sqlite"), clock, make_settings()).ready()
    assert not ready
    assert "cannot be opened" in parts["database"]["error"]


def test_live_touches_no_database(clock: ManualClock, make_settings: Callable[..., Settings]) -> None:
    health = Health(Database("sqlite:////no/such/place"), clock, make_settings())
    clock.move(timedelta(seconds=5))
    assert health.live()["uptime_seconds"] == 5.0


def test_figures_count_cases_deliveries_and_mentions_by_state(
    any_db: Database, clock: ManualClock, make_settings: Callable[..., Settings]
) -> None:
    settings = make_settings(sources=SOURCES)
    for _ in range(3):
        complain(any_db, settings, clock.now())
    figures = Health(any_db, clock, settings).figures()
    assert figures["cases"]["open"] == 3
    assert figures["cases"]["taken"] == 0
    assert figures["waiting"] == 0
    assert set(figures["sources"]) == {"a", "b"}


def test_a_service_that_has_read_nothing_for_an_hour_is_not_ready(
    db: Database, clock: ManualClock, make_settings: Callable[..., Settings]
) -> None:
    health = Health(db, clock, make_settings(sources=SOURCES))
    with db.write() as session:
        session.add(SourceState(name="a", last_success_at=clock.now() + timedelta(minutes=10)))
    clock.move(timedelta(minutes=70))
    assert health.ready()[0]
    clock.move(timedelta(seconds=1))
    ready, parts = health.ready()
    assert not ready
    assert parts["reading"] == {
        "ok": False,
        "silent_seconds": 3601.0,
        "last_read_at": "2026-11-20T12:10:00+00:00",
    }


def test_how_long_is_too_long_is_a_matter_of_the_settings(
    db: Database, clock: ManualClock, make_settings: Callable[..., Settings]
) -> None:
    rare = [{"name": "a", "type": "replay", "path": "x", "every": "2h"}]
    health = Health(db, clock, make_settings(sources=rare, ops={"judging_after": "1m"}))
    clock.move(timedelta(hours=4))
    assert health.ready()[0]
    with db.write() as session:
        now = clock.now() - timedelta(seconds=61)
        session.add(MentionRow(source="a", external_id="1", text="x", brands=[], posted_at=now, seen_at=now))
    assert not health.ready()[0]


def test_what_operators_look_at_every_minute_is_read_from_indexes(
    db: Database, clock: ManualClock, make_settings: Callable[..., Settings]
) -> None:
    scans: list[str] = []

    def look(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        if statement.lstrip().startswith("SELECT"):
            plan = connection.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            scans.extend(step[3] for step in plan if re.match(r"SCAN (mentions|deliveries|cases|verdicts)$", step[3]))

    event.listen(db.engine, "before_cursor_execute", look)
    health = Health(db, clock, make_settings(sources=SOURCES, slack=SLACK))
    assert health.ready()[0]
    health.figures()
    event.remove(db.engine, "before_cursor_execute", look)
    assert scans == []
