from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert
from typer.testing import CliRunner

from monitor.cli import app
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.errors import AuthError, RetryLater
from monitor.health import Health
from monitor.models import SourceState
from monitor.settings import Settings, SourceSettings
from monitor.source_health import BudgetHealth, SourceHealth, source_health
from monitor.source_words import budget as in_words
from monitor.source_words import next_poll, span, stream
from monitor.sources.budget import Budget, owner
from tests.test_collect_turns import HOUR, MINUTE, UNITS, Tap, run, stage

ARCHIVE = Budget("posts", owner("tap", "t"))


def health(db: Database, clock: ManualClock, *taps: Tap) -> dict[str, SourceHealth]:
    made = {
        tap.name: (tap, SourceSettings(name=tap.name, type="rss", url=f"https://{tap.name}.example/f")) for tap in taps
    }
    with db.read() as session:
        found = source_health(session, [settings for _, settings in made.values()], made, clock.now())
    return {one.name: one for one in found}


def test_a_source_tells_how_far_behind_it_is_and_when_it_is_polled_next(any_db: Database, clock: ManualClock) -> None:
    tap, new = Tap("tap"), Tap("new")
    tap.gives = lambda now: 1
    stage(any_db, clock, tap).poll("tap")
    clock.move(20 * MINUTE / 60)
    found = health(any_db, clock, tap, new)
    one = found["tap"]
    assert (one.state, one.lag_seconds, one.newest_seconds, one.interval_seconds) == ("ok", 20, 20, 60)
    assert one.next_poll_at == clock.now() + timedelta(seconds=40)
    assert (found["new"].state, found["new"].lag_seconds, found["new"].next_poll_at) == ("new", None, None)


def test_failing_and_stopped_sources_say_why(db: Database, clock: ManualClock) -> None:
    failing, stopped = Tap("failing"), Tap("stopped")
    failing.error, stopped.error = RetryLater("503"), AuthError("sources.stopped", "401")
    run(stage(db, clock, failing, stopped), clock, MINUTE)
    found = health(db, clock, failing, stopped)
    assert (found["failing"].state, found["failing"].error) == ("failing", "503")
    assert (found["stopped"].state, found["stopped"].next_poll_at) == ("stopped", None)
    assert not found["failing"].ok


def test_a_budget_shows_what_is_left_and_when_it_will_be_spent(any_db: Database, clock: ManualClock) -> None:
    clock.set(datetime.fromisoformat("2026-11-20T00:00Z"))
    tap = Tap("tap", UNITS, ARCHIVE, cost=1)
    run(stage(any_db, clock, tap, every="10m"), clock, 3 * HOUR, 10 * MINUTE)
    one = health(any_db, clock, tap)["tap"]
    units, posts = one.budgets
    assert units.daily == 48
    assert units.spent + (units.left or 0) == 48
    assert units.lasts_until is not None
    assert clock.now() < units.lasts_until < units.resets_at
    assert (posts.spent, posts.daily, posts.left, posts.lasts_until) == (0, None, None, None)
    assert one.waits_for == "budget"
    assert one.next_poll_at is not None
    assert one.next_poll_at > clock.now()


def test_readyz_and_metrics_tell_the_same(db: Database, clock: ManualClock) -> None:
    tap = Tap("tap", UNITS, cost=4)
    stage(db, clock, tap).poll("tap")
    settings = Settings.model_validate({"sources": [{"name": "tap", "type": "rss", "url": "https://tap.example/f"}]})
    told = Health(db, clock, settings, lambda: {"tap": (tap, settings.sources[0])}).figures()["sources"]["tap"]
    assert told["ok"]
    assert [(budget["name"], budget["spent"], budget["daily"]) for budget in told["budgets"]] == [("units", 4, 48)]
    json.dumps(told)


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        (BudgetHealth("posts", 1234, None, None, None, None), "1,234 posts today"),  # type: ignore[arg-type]
        (BudgetHealth("USD", 1.255, 5, 3.745, None, None), "1.255 of 5 USD"),  # type: ignore[arg-type]
        (
            BudgetHealth("USD", 4, 5, 1, datetime(2026, 1, 1, 17, 40), datetime(2026, 1, 2)),  # noqa: DTZ001
            "4 of 5 USD, at this rate spent at 17:40 UTC",
        ),
        (
            BudgetHealth("units", 10_000, 10_000, 0, None, datetime(2026, 1, 2, 8)),  # noqa: DTZ001
            "10,000 of 10,000 units, begins anew at 08:00 UTC",
        ),
    ],
)
def test_a_budget_in_words(budget: BudgetHealth, words: str) -> None:
    assert in_words(budget) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (200_000, "2 d")]
)
def test_a_span_in_words(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_the_command_prints_a_table_or_json(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    with db.write() as session:
        row = {
            "name": "news",
            "failures": 3,
            "attempt": 9,
            "error": "the service answered 503",
            "next_poll_at": clock.now(),
        }
        session.execute(insert(SourceState), [row])
    config = tmp_path / "firsthour.toml"
    config.write_text(
        f'[database]\nurl = "{db.url}"\n[[brands]]\nname = "Acme"\nmatch = "acme"\n'
        '[[sources]]\nname = "news"\ntype = "rss"\nurl = "https://a.example/f"\n'
    )
    shown = CliRunner().invoke(app, ["sources", "--config", str(config)], env={"COLUMNS": "200"})
    assert shown.exit_code == 0, shown.output
    words = " ".join(shown.output.splitlines()[1].split())
    assert words == "news rss failing never never 60 s now the service answered 503"
    (told,) = json.loads(CliRunner().invoke(app, ["sources", "--json", "--config", str(config)]).output)
    assert (told["name"], told["state"], told["failures"]) == ("news", "failing", 3)
    assert told["next_poll_at"] == "2026-11-20T12:00:00Z"


def test_what_holds_a_source_back_is_named(clock: ManualClock) -> None:
    held = SourceHealth("x", "x", "ok", 0, None, None, None, None, None, 60, clock.now() + 5 * MINUTE, "rate limit", ())
    assert next_poll(held, clock.now()) == "in 5 min (rate limit)"


def test_a_stream_in_words(clock: ManualClock) -> None:
    polled = SourceHealth("x", "x", "ok", 0, None, None, None, None, None, 60, None, None, ())
    live = replace(polled, stream="connected", connected_at=clock.now() - 5 * MINUTE)
    shown = [stream(each, clock.now()) for each in (polled, live, replace(polled, stream="broken off"))]
    assert shown == ["", "for 5 min", "broken off"]
