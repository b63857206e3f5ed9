"""Whole tables over HTTP: the files that `firsthour export` writes, sent piece by piece to those who may have them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from monitor import export, row_files
from monitor.access.audit import entries
from monitor.access.tokens import Tokens
from monitor.clock import ManualClock
from monitor.recount import rebuild
from tests.web import town
from tests.web.people import US, browser
from tests.web.serving import Desk


@pytest.fixture
def desk(open_desk: Callable[..., Desk], clock: ManualClock) -> Desk:
    desk = open_desk(clock, login={"local": True})
    town.settle(desk.db, desk.clock.now())
    rebuild(desk.db, desk.clock.now())
    return desk


def program(desk: Desk, *scopes: str) -> httpx2.Client:
    _, secret = Tokens(desk.db).add("-".join(scopes), scopes, US, desk.clock.now())
    return browser(desk, Authorization=f"Bearer {secret}").http


@pytest.mark.parametrize("what", export.COLUMNS)
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_download_is_the_file_that_the_command_writes(desk: Desk, tmp_path: Path, what: str, kind: str) -> None:
    answer = program(desk, "export", "personal").get(f"/api/v1/export/{what}.{kind}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == row_files.MEDIA_TYPES[kind]
    assert answer.headers["content-disposition"] == f'attachment; filename="{what}.{kind}"'
    export.write(desk.db, what, kind, tmp_path / "file", None, None)
    assert answer.content == (tmp_path / "file").read_bytes()


def test_a_span_can_be_asked_for(desk: Desk) -> None:
    since = (desk.clock.now() - timedelta(hours=1)).isoformat()
    answer = program(desk, "export").get("/api/v1/export/cases.jsonl", params={"since": since})
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert len(rows) == 5
    assert all(row["posted_at"] >= "2026-11-20T11" for row in rows)


def test_it_takes_the_scope_export_and_is_noted(desk: Desk) -> None:
    refused = program(desk, "read").get("/api/v1/export/cases.csv")
    assert refused.status_code == 403
    assert "this needs the scope export" in refused.json()["detail"]
    program(desk, "export").get("/api/v1/export/cases.csv")
    with desk.db.read() as session:
        noted = entries(session, 1)[0]
    assert (noted.kind, noted.actor, noted.detail["path"]) == ("exported", "token export", "/api/v1/export/cases.csv")


def test_without_the_scope_personal_customers_are_masked(desk: Desk) -> None:
    with desk.db.write() as session:
        said = town.Said("ann.b", "x", "en", "I am ann.b, write to ann@example.com or @ann_b", 0.9)
        town.mention(session, said, desk.clock.now())
    text = program(desk, "export").get("/api/v1/export/mentions.csv").text
    row = list(csv.DictReader(io.StringIO(text)))[-1]
    assert (row["author"], row["url"], row["external_id"]) == ("", "", "")
    assert row["text"] == "I am [name], write to [e-mail] or [name]"
    assert "ann" not in text
    whole = program(desk, "export", "personal").get("/api/v1/export/mentions.csv").text
    assert "ann@example.com" in whole


def test_without_pyarrow_another_format_is_offered(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    answer = program(desk, "export").get("/api/v1/export/cases.parquet")
    assert answer.status_code == 501
    assert answer.json()["detail"].endswith("or ask for csv or jsonl")


@pytest.mark.parametrize("kind", row_files.FORMATS)
def test_rows_are_read_only_as_they_are_sent(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_files, "GROUP", row_files.PIECE)
    read = 0

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal read
        for read in range(1, 10 * row_files.PIECE):
            yield {"id": read, "text": "x"}

    file = row_files.pieces(rows(), ("id", "text"), kind)
    for taken in range(4):
        assert read <= taken * row_files.PIECE
        next(file)
