from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from monitor import rejects
from monitor.brands import Brands
from monitor.cli import app
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.errors import RetryLater
from monitor.mentions import store_page
from monitor.models import MentionRow
from monitor.settings import BrandSettings, SourceSettings
from monitor.sources.base import Capabilities, Item, Page, Reject, Source

BRANDS = Brands([BrandSettings(name="Acme", match="acme")])
BEFORE = """# ours
[database]
url = "sqlite:///{path}"  # here

[[brands]]
name = "Acme"
match = "acme"
"""

Run = Callable[..., Result]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "firsthour.toml"
    path.write_text(BEFORE.format(path=tmp_path / "firsthour.sqlite"))
    return path


@pytest.fixture
def run(config: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("FIRSTHOUR_CONFIG", str(config))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str, code: int = 0, given: str | None = None) -> Result:
        result = CliRunner().invoke(app, ["sources", *arguments], input=given)
        assert result.exit_code == code, result.output
        return result

    return run


def lines(tmp_path: Path, text: str) -> str:
    path = tmp_path / "mentions.jsonl"
    path.write_text(text)
    return str(path)


def test_a_source_is_tried_and_added_and_the_rest_of_the_file_stays(run: Run, config: Path, tmp_path: Path) -> None:
    before = config.read_text()
    path = lines(tmp_path, '{"text": "acme"}\n')
    said = run("add", "replay", "--name", "past", given=f"{path}\n")
    assert "mentions.jsonl, 17 bytes" in said.stdout
    assert config.read_text().startswith(before)
    assert tomllib.loads(config.read_text())["sources"] == [{"name": "past", "type": "replay", "path": path}]
    run("add", "replay", "--no-input", "--set", f"path={path}", "--set", "page=7", "--set", "loop=true")
    added = tomllib.loads(config.read_text())["sources"][1]
    assert added == {"name": "replay", "type": "replay", "path": path, "page": 7, "loop": True}


def test_secrets_are_asked_for_and_stay_out_of_the_file(run: Run, config: Path) -> None:
    said = run("add", "x", "--no-check", "--set", "queries=acme, #acme", given="very-secret\n")
    assert "FIRSTHOUR_SOURCES__X__BEARER_TOKEN" in said.stdout
    assert "very-secret" not in said.output + config.read_text()
    assert tomllib.loads(config.read_text())["sources"][0]["queries"] == ["acme", "#acme"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("replay", "--no-input"), "this type needs it"),
        (("replay", "--no-input", "--set", "paht=x"), "no such key"),
        (("replay", "--no-input", "--set", "path"), "key=value"),
        (("replay", "--no-input", "--set", "path=x", "--set", "page=many", "--no-check"), "page"),
        (("replay", "--no-input", "--set", "path=nowhere.jsonl"), "No such file"),
        (("repaly", "--no-input"), 'did you mean "replay"'),
    ],
)
def test_what_cannot_work_is_explained_and_changes_nothing(
    run: Run, config: Path, arguments: tuple[str, ...], told: str
) -> None:
    before = config.read_text()
    assert told in run("add", *arguments, code=2).output
    assert config.read_text() == before


def test_what_could_not_be_read_is_shown_with_its_reason(run: Run, config: Path, tmp_path: Path) -> None:
    path = lines(tmp_path, '{"text": "acme"}\n{"broken\n{"id": 3}\n')
    run("add", "replay", "--no-input", "--set", f"path={path}")
    CliRunner().invoke(app, ["poll", "--source", "replay", "--once"])
    shown = run("errors").stdout
    assert "line 3: text is missing" in shown
    assert '{"broken' in shown
    found = json.loads(run("errors", "--source", "replay", "--json").stdout)
    assert {each["reason"] for each in found} > {"line 3: text is missing"}
    assert "cannot be asked for one item" in run("errors", "--retry").stdout
    assert run("errors", "--clear").stdout == "2 forgotten\n"
    assert run("errors").stdout == "everything could be read\n"


class Mended:
    """A source that can now read what it could not."""

    capabilities = Capabilities(look_up=100)
    items: tuple[Item, ...] = ()
    error: RetryLater | None = None

    def look_up(self, external_ids: tuple[str, ...]) -> tuple[Item, ...]:
        if self.error is not None:
            raise self.error
        return tuple(item for item in self.items if item.external_id in external_ids)


def test_what_can_be_read_by_now_is_stored_and_is_no_error_any_more(any_db: Database, clock: ManualClock) -> None:
    source = Mended()
    unread = [Reject("a rating of 11", "{}", "1"), Reject("no date", "{}", "2"), Reject("no text", "{}")]
    with any_db.write() as session:
        store_page(session, "wall", Page((), {}, rejects=tuple(unread)), BRANDS, (), clock.now())
    pair: Any = {"wall": (cast(Source, source), SourceSettings(name="wall", type="wall"))}
    source.error = RetryLater("the wall is down", timedelta(minutes=1))
    assert {each.why for each in rejects.retry(any_db, pair, BRANDS, clock.now())} == {"the wall is down"}
    source.error, source.items = None, (Item("1", "acme is late", clock.now()),)
    told = {each.reject.reason: each.read for each in rejects.retry(any_db, pair, BRANDS, clock.now())}
    assert told == {"a rating of 11": True, "no date": False, "no text": False}
    with any_db.read() as session:
        assert session.scalars(select(MentionRow.text)).all() == ["acme is late"]
        assert {each.reason for each in rejects.rejects(session)} == {"no date", "no text"}
    gone = rejects.retry(any_db, {}, BRANDS, clock.now())
    assert {each.why for each in gone} == {"there is no source of this name any more"}
