from __future__ import annotations

import json
import random
import re
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select
from test_daemon import Service, wait_until

from monitor import recount
from monitor.app import App
from monitor.brands import Brands
from monitor.clock import ManualClock, SystemClock
from monitor.database import Database
from monitor.demo import filling, settings, welcome
from monitor.demo.filling import fill
from monitor.demo.past import STRIKE, STRUCK, TROUBLE, Handled, Said
from monitor.demo.voices import SOURCES, voices
from monitor.models import AnnotationRow, CaseRow, CorrectionRow, DeliveryRow, MentionRow, SpikeRow
from monitor.sources.base import Item

ROOT = Path(__file__).parent.parent / "monitor" / "demo"
NOW = datetime(2026, 11, 20, 14, 22, tzinfo=UTC)

pytestmark = pytest.mark.xdist_group("demo")  # whose past is written once


def lines() -> list[tuple[str, dict[str, Any]]]:
    files = [ROOT / f"{source}.jsonl" for source in SOURCES]
    return [(file.stem, json.loads(line)) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    app = App(settings(tmp_path_factory.mktemp("demo") / "demo.sqlite", 0, 20.0), ManualClock(NOW))
    app.open(create=True)
    assert 3000 <= fill(app.db, app.settings, NOW) <= 6000
    yield app.db
    app.close()


def count(db: Database, what: Any, *where: Any) -> int:
    with db.read() as session:
        return session.scalar(select(func.count()).select_from(what).where(*where)) or 0


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


def test_every_invented_mention_has_a_voice_in_the_past_about_the_brands_that_it_names() -> None:
    brands = Brands(settings(Path("demo.sqlite"), 0, 20.0).brands)
    found = voices()
    assert {(voice.source, voice.id) for voice in found} == {(source, line["id"]) for source, line in lines()}
    for voice in found:
        named = brands.names(Item(voice.id, voice.text, NOW, rating=voice.rating), voice.source)
        assert set(named) == set(voice.brands), voice.text
    assert (ROOT / "voices.jsonl").stat().st_size < 150_000


def test_the_past_runs_no_clock_and_tells_nobody(filled: Database) -> None:
    assert count(filled, CaseRow) > 500
    assert count(filled, CaseRow, (CaseRow.clock != "stopped") | CaseRow.next_step_at.is_not(None)) == 0
    assert count(filled, CaseRow, CaseRow.brand == "Ozmira") == 0
    assert count(filled, MentionRow, (MentionRow.judging != "judged") | (MentionRow.posted_at >= NOW)) == 0
    assert count(filled, DeliveryRow) == count(filled, SpikeRow) == 0


def test_the_past_has_breaches_answers_stars_corrections_and_what_people_noted(filled: Database) -> None:
    cases = count(filled, CaseRow)
    assert 0.05 < count(filled, CaseRow, CaseRow.breached_at.is_not(None)) / cases < 0.3
    assert count(filled, CaseRow, CaseRow.met) / cases > 0.6
    assert count(filled, CaseRow, CaseRow.satisfaction.is_not(None)) > 30
    assert count(filled, CorrectionRow) >= 8
    with filled.read() as session:
        assert set(session.scalars(select(AnnotationRow.text))) == {"Autumn campaign", "Courier strike"}


def test_most_complaints_about_parcels_came_in_the_strike(filled: Database) -> None:
    parcels = (CaseRow.brand == STRUCK, CaseRow.topic == TROUBLE)
    struck = CaseRow.posted_at.between(NOW - STRIKE[0], NOW - STRIKE[1])
    assert count(filled, CaseRow, *parcels, struck) > 0.5 * count(filled, CaseRow, *parcels)


def test_the_past_is_counted_for_the_trends(filled: Database) -> None:
    assert recount.check(filled) == 0


def test_a_second_start_fills_nothing(filled: Database) -> None:
    before = count(filled, MentionRow)
    assert fill(filled, settings(Path("demo.sqlite"), 0, 20.0), NOW) == 0
    assert count(filled, MentionRow) == before


def test_an_answer_a_moment_too_late_comes_after_its_breach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def a_moment_late(complaint: Said, now: datetime, lot: random.Random) -> Handled:
        return Handled("Priya", complaint.at, complaint.at + timedelta(hours=1, seconds=0.95), None, False, None)

    monkeypatch.setattr(filling, "handled", a_moment_late)
    app = App(settings(tmp_path / "demo.sqlite", 0, 20.0), ManualClock(NOW))
    app.open(create=True)
    fill(app.db, app.settings, NOW)
    assert count(app.db, CaseRow, CaseRow.breached_at > CaseRow.first_response_at) == 0
    assert count(app.db, CaseRow, CaseRow.breached_at.is_not(None)) > 500
    app.close()


def test_the_same_moment_has_the_same_past(filled: Database, tmp_path: Path) -> None:
    app = App(settings(tmp_path / "demo.sqlite", 0, 20.0), ManualClock(NOW))
    app.open(create=True)
    fill(app.db, app.settings, NOW)
    columns = (CaseRow.id, CaseRow.author, CaseRow.posted_at, CaseRow.first_response_at, CaseRow.satisfaction)
    with app.db.read() as again, filled.read() as first:
        statement = select(*columns).order_by(CaseRow.id)
        assert again.execute(statement).all() == first.execute(statement).all()
    app.close()


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
