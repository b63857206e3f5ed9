"""Replaying the stored past."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from monitor import cli
from monitor.app import App
from monitor.clock import ManualClock
from monitor.database import Database
from tests.spikes.history import DAY, ordinary, say

NOON = datetime.fromisoformat("2026-11-20T12:00Z")


@pytest.fixture
def run(db: Database, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    config = tmp_path / "firsthour.toml"
    config.write_text(f'[database]\nurl = "{db.url}"\n[[brands]]\nname = "Acme"\nmatch = "acme"\n')
    made = App.__init__
    monkeypatch.setattr(App, "__init__", lambda self, settings: made(self, settings, clock))
    return lambda *words: CliRunner().invoke(cli.app, ["trends", "spikes", "-c", str(config), *words])


def test_the_peaks_of_the_past_are_listed_as_they_would_have_been_told(db: Database, run: Any) -> None:
    ordinary(db, NOON, weeks=6)
    start = NOON - 5 * DAY
    say(db, [start + n * timedelta(minutes=1) for n in range(100)])
    said = run("--since", "7d").output.splitlines()
    assert len(said) == 2
    assert said[0].startswith("Sun 2026-11-15 12:00 - Sun 14:00  Acme, ")
    assert "once in 10 years" in said[0]
    assert said[1] == "1 peak since 2026-11-13"
    assert run("--since", "3d").output == "0 peaks since 2026-11-17\n"
    assert run("--since", "7d", "--minimum", "500").output == "0 peaks since 2026-11-13\n"
    assert run("--since", "soon").exit_code == 2
