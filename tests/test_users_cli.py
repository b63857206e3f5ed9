"""users, tokens, audit on the command line."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner, Result

from monitor.cli import app
from monitor.database import Database

Firsthour = Callable[..., Result]


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, ours = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**ours)


@pytest.fixture
def firsthour(tmp_path: Path, db: Database, monkeypatch: pytest.MonkeyPatch) -> Firsthour:
    config = tmp_path / "firsthour.toml"
    config.write_text(f'[database]\nurl = "sqlite:///{tmp_path / "firsthour.sqlite"}"\n')
    (tmp_path / "password").write_text("four words of nobody's business\n")
    monkeypatch.setenv("FIRSTHOUR_CONFIG", str(config))
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result

    return call


def test_a_person_is_made_listed_changed_and_shut_out(firsthour: Firsthour) -> None:
    made = firsthour("users", "add", "Mari", "--role", "admin", "--password-file", "password")
    assert made.stdout == "Mari: admin\n"
    assert "set `local = true` in [login]" in made.stderr
    firsthour("users", "add", "Ann", "--email", "ann@acme.example", "--no-password")
    firsthour("users", "role", "Ann", "viewer")
    firsthour("users", "disable", "Ann")
    rows = json.loads(firsthour("users", "list", "--json").stdout)
    assert [(r["name"], r["role"], r["signs_in"], r["disabled"]) for r in rows] == [
        ("Ann", "viewer", "", True),
        ("Mari", "admin", "password", False),
    ]
    assert "ann@acme.example" in firsthour("users", "list").stdout
    firsthour("users", "disable", "Ann", "--undo")
    firsthour("users", "password", "Mari", "--password-file", "password")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["users", "add", "Mari", "--role", "boss", "--password-file", "password"], 2, "there is no role"),
        (["users", "add", "Mari", "--no-password"], 2, "--email: is missing"),
        (["users", "add", "Mari"], 2, "no terminal to ask"),
        (["users", "add", "Mari", "--password-file", "none"], 1, "none: No such file"),
        (["users", "role", "Nobody", "admin"], 1, "there is nobody called Nobody"),
        (["tokens", "add", "x", "--scopes", "write"], 1, "there is no scope write"),
        (["tokens", "add", "x", "--expires", "soon"], 2, "not a duration"),
        (["tokens", "revoke", "x"], 1, "there is no token called x"),
        (["audit", "--kind", "x"], 2, 'there is no "x"'),
    ],
)
def test_a_mistake_is_one_line(firsthour: Firsthour, arguments: list[str], code: int, words: str) -> None:
    result = firsthour(*arguments, code=code)
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_token_is_shown_once_and_listed_by_its_first_letters(firsthour: Firsthour) -> None:
    secret = firsthour("tokens", "add", "grafana", "--scopes", "read, export", "--expires", "90d").stdout.strip()
    assert secret.startswith("fh_")
    table = firsthour("tokens", "list").stdout
    assert secret[:9] in table
    assert secret not in table
    firsthour("tokens", "revoke", secret[:9])
    (row,) = json.loads(firsthour("tokens", "list", "--json").stdout)
    assert (row["name"], row["scopes"], row["state"]) == ("grafana", "export, read", "revoked")


def test_what_operators_do_is_in_the_audit_log(firsthour: Firsthour) -> None:
    firsthour("users", "add", "Mari", "--role", "admin", "--password-file", "password")
    secret = firsthour("tokens", "add", "grafana").stdout.strip()
    firsthour("export", "cases", "--output", "cases.csv")
    firsthour("author", "export", "ann", "--source", "x")
    firsthour("author", "erase", "ann", "--source", "x", "--yes")
    firsthour("db", "purge", "--older-than", "365d")
    firsthour("db", "purge", "--older-than", "365d", "--dry-run")
    rows = json.loads(firsthour("audit", "--json").stdout)
    assert [row["kind"] for row in rows] == ["purged", "erased", "exported", "exported", "token_added", "user_added"]
    assert all(row["actor"].endswith(" on the server") and row["address"] is None for row in rows)
    said = firsthour("audit").stdout
    assert "erased what was kept about an author" in said
    for hidden in (secret, "four words", "ann"):
        assert hidden not in said
    assert len(json.loads(firsthour("audit", "--json", "--kind", "exported", "--limit", "1").stdout)) == 1
