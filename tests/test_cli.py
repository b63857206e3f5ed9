from __future__ import annotations

import json
import logging
import sqlite3
import textwrap
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from pytest_httpserver import HTTPServer
from sqlalchemy import text
from stored import complain
from typer.testing import CliRunner, Result

from monitor.cli import app
from monitor.database import Database
from monitor.settings import Settings

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
def config(tmp_path: Path) -> Path:
    """A configuration over the database of the `db` fixture, with one replay source."""
    (tmp_path / "mentions.jsonl").write_text(
        '{"id": "1", "text": "acme lost my parcel", "author": "jo"}\n{"id": "2", "text": "nothing to see"}\n{"broken\n'
    )
    path = tmp_path / "firsthour.toml"
    path.write_text(
        f"""
        [database]
        url = "sqlite:///{tmp_path / "firsthour.sqlite"}"
        [[brands]]
        name = "Acme"
        match = "acme"
        [[sources]]
        name = "file"
        type = "replay"
        path = "{tmp_path / "mentions.jsonl"}"
        [classifier]
        learned = "{tmp_path / "learned.json"}"
        [log]
        level = "error"
        """
    )
    return path


@pytest.fixture
def firsthour(config: Path, monkeypatch: pytest.MonkeyPatch) -> Firsthour:
    """Runs the command line as a person would, with the configuration above."""
    monkeypatch.setenv("FIRSTHOUR_CONFIG", str(config))
    monkeypatch.setenv("COLUMNS", "160")

    def call(*arguments: str, code: int = 0, given: str | None = None) -> Result:
        result = CliRunner().invoke(app, arguments, input=given)
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result

    return call


def case(db: Database, make_settings: Callable[..., Settings], words: str = "My parcel never came.") -> int:
    return complain(db, make_settings(), datetime.now(UTC), text=words)


def test_wrong_settings_are_one_line_each_and_exit_2(firsthour: Firsthour, config: Path) -> None:
    config.write_text('[slack]\nchanel = "C1"\n[clock]\ntarget = "soon"\n[databas]\n')
    result = firsthour("check", code=2)
    assert sorted(line.split(":")[1].strip() for line in result.stderr.splitlines()) == [
        "clock.target",
        "databas",
        "slack.chanel",
    ]
    assert 'did you mean "channel"?' in result.stderr


def test_a_missing_configuration_is_one_line_and_exit_2(firsthour: Firsthour, tmp_path: Path) -> None:
    result = firsthour("run", "--config", str(tmp_path / "none.toml"), code=2)
    assert result.stderr.count("\n") == 1
    assert "no such file" in result.stderr


def test_run_refuses_to_watch_nothing_and_roles_that_do_not_exist(firsthour: Firsthour, config: Path) -> None:
    assert "there is no role" in firsthour("run", "--role", "colect", code=2).stderr
    config.write_text("")
    assert "nothing to watch" in firsthour("run", code=2).stderr


def test_poll_stores_what_is_new_and_says_what_came(firsthour: Firsthour, tmp_path: Path) -> None:
    first = json.loads(firsthour("poll", "--source", "file", "--once", "--json").stdout)
    assert (first["new"], first["unmatched"], first["rejected"]) == (1, 1, 1)
    again = json.loads(firsthour("poll", "--source", "file", "--once", "--json").stdout)
    assert again["new"] == 0
    with sqlite3.connect(tmp_path / "firsthour.sqlite") as connection:
        assert connection.execute("SELECT text FROM mentions").fetchall() == [("acme lost my parcel",)]
    assert 'did you mean "file"?' in firsthour("poll", "--source", "fil", "--once", code=2).stderr


def test_cases_are_listed_taken_answered_and_resolved(
    firsthour: Firsthour, db: Database, make_settings: Callable[..., Settings]
) -> None:
    number = str(case(db, make_settings))
    table = firsthour("cases", "list").stdout
    assert "My parcel never came." in table
    assert "min left" in table
    assert "taken now, owned by maya" in firsthour("cases", "take", number, "--as", "maya").stdout
    refused = firsthour("cases", "take", number, "--as", "tom", code=1)
    assert "maya" in refused.stderr
    assert json.loads(firsthour("cases", "reply", number, "--as", "maya", "--json").stdout)["case"]["met"] is True
    firsthour("cases", "resolve", number, "--as", "maya")
    assert "No open cases." in firsthour("cases", "list").stdout
    shown = json.loads(firsthour("cases", "show", number, "--json").stdout)
    assert [event["kind"] for event in shown["history"]] == ["opened", "take", "reply", "resolve"]
    assert shown["state"] == "resolved"
    assert "resolve" in firsthour("cases", "show", number).stdout


def test_dismissing_a_case_is_a_correction(
    firsthour: Firsthour, db: Database, make_settings: Callable[..., Settings]
) -> None:
    firsthour("cases", "dismiss", str(case(db, make_settings)), "--as", "maya")
    with db.read() as session:
        assert session.execute(text("SELECT actor, complaint FROM corrections")).all() == [("maya", 0)]


def test_answered_cases_like_another_are_shown_with_what_was_answered(
    firsthour: Firsthour, db: Database, make_settings: Callable[..., Settings]
) -> None:
    solved, asked = (str(case(db, make_settings, f"The courier left it with a neighbour {n}")) for n in "ab")
    assert firsthour("cases", "similar", asked).stdout == "No answered case is like it.\n"
    firsthour("cases", "reply", solved, "--text", "We fetch it.", "--elsewhere")
    firsthour("db", "index", "--anew")
    shown = firsthour("cases", "similar", asked).stdout
    assert f"case {solved}, " in shown
    assert "  they: The courier left it with a neighbour a\n  we:   We fetch it.\n" in shown
    (one,) = json.loads(firsthour("cases", "similar", asked, "--json").stdout)
    assert (one["id"], one["answered"], one["by_words"]) == (int(solved), "We fetch it.", True)
    assert firsthour("cases", "similar", "77", code=1).stderr == "firsthour: there is no case 77\n"


def test_a_case_that_does_not_exist_is_refused_in_one_line(firsthour: Firsthour, db: Database) -> None:
    result = firsthour("cases", "show", "77", code=1)
    assert result.stderr == "firsthour: there is no case 77\n"


def test_hostile_text_is_inert_in_the_terminal(
    firsthour: Firsthour, db: Database, make_settings: Callable[..., Settings]
) -> None:
    number = case(db, make_settings, "[bold red]acme[/] \x1b[2Jgone\x07 \u202etxt")
    for output in (firsthour("cases", "list").stdout, firsthour("cases", "show", str(number)).stdout):
        assert "[bold red]acme[/]" in output
        assert "\x1b[2J" not in output
        assert "\x07" not in output
        assert "\u202e" not in output


def test_a_reply_is_sent_where_the_source_takes_it(
    firsthour: Firsthour, db: Database, make_settings: Callable[..., Settings], config: Path, tmp_path: Path
) -> None:
    config.write_text(
        config.read_text().replace("[classifier]", f'replies = "{tmp_path / "sent.jsonl"}"\n[classifier]')
    )
    number = str(complain(db, make_settings(), datetime.now(UTC), source="file"))
    assert "Too long for file by 1" in firsthour("cases", "reply", number, "--text", "x" * 10_001, code=1).stderr
    assert firsthour("cases", "reply", number, "--text", "We are on it", "--as", "maya").stdout == "Sent to file.\n"
    (line,) = map(json.loads, (tmp_path / "sent.jsonl").read_text().splitlines())
    assert (line["text"], line["author"]) == ("We are on it", "acme")
    shown = json.loads(firsthour("cases", "show", number, "--json").stdout)
    assert (shown["state"], shown["owner"], shown["met"]) == ("replied", "maya", True)
    again = json.loads(firsthour("cases", "reply", number, "--text", "Found it", "--as", "maya", "--json").stdout)
    assert (again["reply"]["state"], again["case"]["state"]) == ("sent", "replied")


def test_a_reply_waits_for_a_second_person_where_a_rule_says_so(
    firsthour: Firsthour, db: Database, make_settings: Callable[..., Settings], config: Path
) -> None:
    config.write_text(config.read_text() + "[[replies.approval]]\n")
    number = str(complain(db, make_settings(), datetime.now(UTC), source="file"))
    assert "when somebody else has approved it" in firsthour("cases", "reply", number, "--text", "We are on it").stdout


def test_a_reply_given_elsewhere_is_only_recorded(
    firsthour: Firsthour, db: Database, make_settings: Callable[..., Settings]
) -> None:
    number = str(complain(db, make_settings(), datetime.now(UTC), source="file"))
    result = firsthour("cases", "reply", number, "--text", "We are on it", "--elsewhere", "--as", "maya")
    assert result.stdout == f"Case {number} is replied now, owned by maya.\n"
    other = str(case(db, make_settings))
    result = firsthour("cases", "reply", other, "--text", "We are on it", "--as", "maya")
    assert "news is not among the configured sources. Recorded as a reply that was given there." in result.stderr
    assert "is replied now" in result.stdout


def test_a_reply_cannot_be_in_the_future_or_without_a_zone(
    firsthour: Firsthour, db: Database, make_settings: Callable[..., Settings]
) -> None:
    number = str(case(db, make_settings))
    assert "future" in firsthour("cases", "reply", number, "--at", "2999-01-01T00:00Z", code=1).stderr
    assert "no time zone" in firsthour("cases", "reply", number, "--at", "2026-01-01T00:00", code=2).stderr
    assert "is no time" in firsthour("cases", "reply", number, "--at", "noon", code=2).stderr


def test_the_clock_is_explained_as_the_contract_says(firsthour: Firsthour) -> None:
    told = json.loads(
        firsthour(
            "clock",
            *("--posted", "2026-11-20T16:45+02:00", "--event", "2026-11-20T17:05+02:00 reply"),
            *("--now", "2026-11-20T18:00+02:00", "--json"),
        ).stdout
    )
    assert list(told) == [
        *("policy", "why", "starts_at", "due_at", "steps", "met", "first_response_at", "calendar_seconds"),
        *("business_seconds", "next"),
    ]
    assert (told["met"], told["calendar_seconds"]) == (True, 1200)
    assert [step["after"] for step in told["steps"]] == ["20m", "45m", "1h"]
    people = firsthour("clock", "--posted", "2026-11-20T16:45+02:00").stdout
    assert "due" in people
    assert "KIND" in firsthour("clock", "--posted", "2026-11-20T16:45Z", "--event", "later reply?", code=2).stderr
    assert "calendar" in firsthour("clock", "--posted", "9999-12-31T23:59Z", code=2).stderr


def test_export_writes_rows_and_says_how_many(
    firsthour: Firsthour, db: Database, make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    case(db, make_settings)
    result = firsthour("export", "mentions", "--format", "jsonl")
    assert json.loads(result.stdout)["text"] == "My parcel never came."
    assert "1 mentions" in result.stderr
    firsthour("export", "cases", "--output", str(tmp_path / "cases.csv"), "--since", "2020-01-01")
    assert (tmp_path / "cases.csv").read_text().startswith("id,state,owner")
    assert "cannot be exported" in firsthour("export", "secrets", code=2).stderr
    assert "no format" in firsthour("export", "cases", "--format", "xls", code=2).stderr


def test_the_database_is_created_backed_up_and_purged(firsthour: Firsthour, tmp_path: Path) -> None:
    assert "there is no such database yet" in firsthour("cases", "list", code=2).stderr
    assert "schema" in firsthour("db", "upgrade").stdout
    firsthour("db", "backup", str(tmp_path / "copy.sqlite"))
    assert "exists already" in firsthour("db", "backup", str(tmp_path / "copy.sqlite"), code=1).stderr
    assert json.loads(firsthour("db", "purge", "--older-than", "365d", "--json").stdout)["mentions"] == 0
    assert "not a duration" in firsthour("db", "purge", "--older-than", "a year", code=2).stderr


def test_a_newer_schema_than_the_code_is_refused_in_one_line(firsthour: Firsthour, db: Database) -> None:
    with db.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for command in (["cases", "list"], ["run"], ["db", "upgrade"], ["poll", "--source", "file", "--once"]):
        result = firsthour(*command, code=2)
        assert result.stderr.count("\n") == 1
        assert "upgrade firsthour" in result.stderr


def test_a_file_that_is_no_database_is_said_in_one_line(firsthour: Firsthour, tmp_path: Path) -> None:
    (tmp_path / "firsthour.sqlite").write_bytes(b"this is a diary, not a database" * 100)
    for command in (["cases", "list"], ["run"]):
        result = firsthour(*command, code=2)
        assert result.stderr.count("\n") == 1
        assert "database" in result.stderr


def test_a_full_disk_is_one_line_and_nothing_is_lost(
    firsthour: Firsthour, db: Database, make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    number = str(case(db, make_settings))
    db.close()
    make = Database.__init__

    def small(self: Database, url: str) -> None:
        from sqlalchemy import event

        make(self, url)

        @event.listens_for(self.engine, "connect")
        def _limit(connection: sqlite3.Connection, _record: object) -> None:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages}")

    with monkeypatch.context() as patch:
        patch.setattr(Database, "__init__", small)
        result = firsthour("cases", "reply", number, "--text", "x" * 100_000, code=1)
    assert result.stderr == "firsthour: the disk is full: make room, nothing stored so far is lost\n"
    assert json.loads(firsthour("cases", "show", number, "--json").stdout)["state"] == "open"


def test_check_reaches_every_part_and_says_what_it_found(firsthour: Firsthour, config: Path, tmp_path: Path) -> None:
    (tmp_path / "mentions.jsonl").write_text('{"text": "acme"}\n')
    found = {(part["part"], part["name"]): part for part in json.loads(firsthour("check", "--json").stdout)}
    assert all(part["ok"] for part in found.values())
    assert found["source", "file"]["detail"].startswith("mentions.jsonl")
    assert any("not there yet" in part["detail"] for part in found.values())
    assert "ok" in firsthour("check").stdout
    (tmp_path / "mentions.jsonl").unlink()
    failed = firsthour("check", code=1).stdout
    assert "FAILED" in failed
    assert "No such file" in firsthour("check", "--json", code=1).stdout
    config.write_text(config.read_text().replace("firsthour.sqlite", "nowhere/firsthour.sqlite"))
    assert "no such directory" in firsthour("check", "--json", code=1).stdout


def test_check_warns_where_a_source_is_to_tell_customers_what_it_cannot(
    firsthour: Firsthour, config: Path, httpserver: HTTPServer
) -> None:
    feed = '<rss version="2.0"><channel><title>News</title></channel></rss>'
    httpserver.expect_request("/feed").respond_with_data(feed, content_type="application/rss+xml")
    opts = "auto_ack = true\nfollow_up = true\n"
    text = config.read_text().replace('type = "replay"\n', f'type = "replay"\n{opts}')
    news = f'\n[[sources]]\nname = "news"\ntype = "rss"\nurl = "{httpserver.url_for("/feed")}"\n{opts}'
    config.write_text(textwrap.dedent(text) + news)
    parts = json.loads(firsthour("check", "--json").stdout)
    warned = {part["name"]: part["detail"].partition("; warning: ")[2] for part in parts if part["part"] == "source"}
    assert warned == {
        "file": "",
        "news": "auto_ack, follow_up are on, but it takes no replies: customers are told nothing",
    }


def test_check_shows_no_secret(firsthour: Firsthour, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTHOUR_SLACK__BOT_TOKEN", "xoxb-secret-token")
    monkeypatch.setenv("FIRSTHOUR_SLACK__CHANNEL", "C1")
    monkeypatch.setenv("FIRSTHOUR_SLACK__BASE_URL", "http://127.0.0.1:1/api/")
    monkeypatch.setenv("FIRSTHOUR_DATABASE__URL", "postgresql+psycopg://me:hunter22@127.0.0.1:1/x")
    for arguments in (["check"], ["check", "--json"]):
        result = firsthour(*arguments, code=1)
        assert "secret-token" not in result.output
        assert "hunter22" not in result.output
        assert "FAILED" in result.output or '"ok": false' in result.output


def test_settings_prints_the_reference(firsthour: Firsthour) -> None:
    assert firsthour("settings").stdout.startswith("# Settings\n")


def test_version_and_help_need_no_configuration(firsthour: Firsthour, config: Path) -> None:
    config.unlink()
    assert firsthour("--version").stdout.startswith("firsthour ")
    assert "demo" in firsthour("--help").stdout


def test_classify_answers_every_line_in_order_and_goes_on_after_a_bad_one(firsthour: Firsthour, tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    good = '{"id": "a", "text": "third day without internet and nobody answers"}\n'
    source.write_bytes(
        good.encode()
        + b'{"broken\n{"id": 3, "text": ""}\n{"id": 4, "text": "caf\xe9"}\n{"id": 5, "text": "thanks!", "rating": 5}\n'
    )
    firsthour("classify", "--input", str(source), "--output", str(target))
    answers = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert [answer["id"] for answer in answers] == ["a", None, 3, 4, 5]
    assert ["error" in answer for answer in answers] == [False, True, True, False, False]
    assert list(answers[0]) == [
        *("id", "language", "sentiment", "sentiment_scores", "complaint", "complaint_score", "severity", "topic"),
        *("topic_score", "model"),
    ]
    piped = firsthour("classify", given=good)
    assert json.loads(piped.stdout) == answers[0]
    assert "is the input file" in firsthour("classify", "-i", str(source), "-o", str(source), code=2).stderr
    assert "no such file" in firsthour("classify", "-i", str(tmp_path / "none"), code=2).stderr


def test_learning_needs_corrections_and_undoing_a_lesson(firsthour: Firsthour, db: Database, tmp_path: Path) -> None:
    assert "nothing was learned" in firsthour("learn", "--undo", code=1).stderr
    assert "too few" in firsthour("learn", code=1).stderr


def test_the_counts_behind_the_trends_are_compared_and_mended(
    firsthour: Firsthour, db: Database, make_settings: Callable[..., Settings]
) -> None:
    case(db, make_settings)  # put there behind the back of whoever counts
    assert "1 rows differ" in firsthour("trends", "rebuild", "--check", code=1).stderr
    assert "1 mentions counted" in firsthour("trends", "rebuild").stdout
    assert "what a recount gives" in firsthour("trends", "rebuild", "--check").stdout


def test_what_happened_is_noted_listed_and_removed(firsthour: Firsthour, db: Database) -> None:
    lasting = ("--at", "2026-11-10T09:00+02:00", "--until", "2026-11-12", "--brand", "Acme")
    assert "annotation 1 is noted" in firsthour("trends", "annotate", "Autumn campaign", *lasting).stdout
    listed = firsthour("trends", "annotate").stdout
    assert "1  2026-11-10 07:00 to 2026-11-12 00:00  Autumn campaign (Acme)" in listed
    assert 'there is no brand "Beta"' in firsthour("trends", "annotate", "x", "--brand", "Beta", code=1).stderr
    assert "no time zone" in firsthour("trends", "annotate", "x", "--at", "2026-11-10T09:00", code=2).stderr
    assert "is removed" in firsthour("trends", "annotate", "--remove", "1").stdout
    assert "there is no annotation 1" in firsthour("trends", "annotate", "--remove", "1", code=1).stderr
