from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from test_daemon import Service, wait_until

from monitor.brands import Brands
from monitor.clock import SystemClock
from monitor.demo import settings, welcome
from monitor.sources.base import Item

ROOT = Path(__file__).parent.parent / "monitor" / "demo"


def lines() -> list[tuple[str, dict[str, Any]]]:
    files = sorted(ROOT.glob("*.jsonl"))
    return [(file.stem, json.loads(line)) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def test_every_invented_mention_is_about_an_invented_brand_and_leads_nowhere() -> None:
    brands = Brands(settings(Path("demo.sqlite"), 0, 20.0).brands)
    now = datetime(2026, 11, 20, tzinfo=UTC)
    found = lines()
    assert len(found) >= 250
    assert len({(source, line["id"]) for source, line in found}) == len(found)
    for source, line in found:
        assert brands.names(Item(line["id"], line["text"], now, rating=line.get("rating")), source), line["text"]
        for url in (line["url"], line["author"]["url"]):
            assert url.startswith("https://example.com/")


def test_the_demo_listens_to_nobodys_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTHOUR_SLACK__BOT_TOKEN", "xoxb-real")
    monkeypatch.setenv("FIRSTHOUR_SLACK__CHANNEL", "C0REAL")
    assert settings(Path("demo.sqlite"), 0, 20.0).slack.bot_token is None


def test_the_welcome_says_how_fast_the_clock_runs() -> None:
    words = welcome("http://127.0.0.1:1", SystemClock(20.0), settings(Path("demo.sqlite"), 0, 20.0))
    assert "http://127.0.0.1:1" in words
    assert "20 times faster" in words
    assert "3.0 minutes" in words


@pytest.fixture
def running() -> Iterator[Service]:
    service = Service("demo", "--port", "0")
    yield service
    service.kill()


def test_the_demo_shows_many_languages_cases_and_running_clocks_and_stops(running: Service) -> None:
    printed: list[str] = []
    assert running.process.stdout is not None
    for line in running.process.stdout:
        printed.append(line)
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            break
    else:
        pytest.fail("".join(running.lines))
    address = found.group()

    def get(path: str) -> Any:
        return httpx2.get(address + path, timeout=30.0).raise_for_status().json()

    def languages() -> set[str]:
        mentions = get("/api/v1/mentions?limit=100")["mentions"]
        return {m["language"] for m in mentions if m["language"] not in (None, "und")}

    wait_until(lambda: len(languages()) >= 8, running)
    wait_until(lambda: any(case["clock"] == "running" for case in get("/api/v1/cases")["cases"]), running)
    assert get("/readyz")["ok"] is True
    assert running.end(signal.SIGINT) == 0
    printed += running.process.stdout.readlines()
    assert any(re.match(r"\[case \d+\]", line) for line in printed)
    assert not any("Traceback" in line for line in running.lines)
