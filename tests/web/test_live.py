"""Server-sent events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest

from monitor.web import queries
from tests.web.serving import Desk
from tests.web.town import AYSE, case, mention


@contextmanager
def listening(desk: Desk) -> Iterator[Iterator[tuple[str, dict[str, object]]]]:
    with httpx2.stream("GET", f"{desk.address}/events", timeout=20, trust_env=False, verify=False) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        yield events(answer)


def events(answer: httpx2.Response) -> Iterator[tuple[str, dict[str, object]]]:
    kind = ""
    for line in answer.iter_lines():
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield kind, json.loads(line.removeprefix("data: "))


def until(stream: Iterator[tuple[str, dict[str, object]]], kind: str) -> dict[str, object]:
    return next(data for found, data in stream if found == kind)


def test_a_page_hears_the_time_first_and_then_of_every_change(desk: Desk) -> None:
    with listening(desk) as stream:
        assert next(stream) == ("time", {"now": "2026-11-20T12:00:00.000Z", "speed": 1.0})
        until(stream, "changed")
        with desk.db.write() as session:
            case_id = case(session, AYSE, desk.clock.now()).id
        opened = until(stream, "changed")
        desk.cases.act(case_id, "take", "Mari", "slack", desk.clock.now())
        assert until(stream, "changed") != opened


def test_every_page_hears_and_one_look_at_the_database_serves_all(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    look = queries.version

    def counted(session: object) -> str:
        looks.append(1)
        return look(session)  # type: ignore[arg-type]

    monkeypatch.setattr(queries, "version", counted)
    with listening(desk) as one, listening(desk) as two, listening(desk) as three:
        for stream in (one, two, three):
            next(stream)
        with desk.db.write() as session:
            case(session, AYSE, desk.clock.now())
        told = {until(stream, "changed")["version"] for stream in (one, two, three)}
        assert told
        before = len(looks)
        with desk.db.write() as session:
            mention(session, AYSE, desk.clock.now())
        until(one, "changed")
        assert len(looks) - before <= 3  # the looks of one loop, not of three


def test_streams_end_when_the_desk_stops(desk: Desk) -> None:
    with listening(desk) as stream:
        next(stream)
        desk.server.stop()
        assert [kind for kind, _ in stream if kind not in ("changed", "time")] == []


def test_the_version_changes_with_what_was_committed_late_under_a_lower_id(desk: Desk) -> None:
    with desk.db.write() as session:
        mention(session, AYSE, desk.clock.now(), judged=False, id=10)
    with desk.db.read() as session:
        first = queries.version(session)
    with desk.db.write() as session:
        mention(session, AYSE, desk.clock.now(), judged=False, id=9, external_id="late")
    with desk.db.read() as session:
        assert queries.version(session) != first
