"""History from files: what is read, what is said of the rest, and that doing it again does no harm."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from monitor.brands import Brands
from monitor.classify.batch import ClassifyStage
from monitor.cli import app
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.errors import ConfigurationError
from monitor.import_rows import format_of, rows
from monitor.imports import CHUNK, Imported, Mapped, columns_of, import_file
from monitor.lag import unjudged_since
from monitor.models import MentionRow
from monitor.settings import BrandSettings

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BRANDS = Brands([BrandSettings(name="Acme", match="acme", accounts=["acmehelp"])])
CSV = """Review ID,Date,User,Stars,Comment
r1,2025-01-02T10:00:00Z,ann,1,"acme lost it,
again"
r2,2025-01-03T10:00:00Z,bo,5,acme is great
r3,2025-01-04T10:00:00Z,cy,3,nothing of note
"""
MAPPED = Mapped({"id": "Review ID", "posted_at": "Date", "author": "User", "rating": "Stars", "text": "Comment"})


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(content: str | bytes, name: str = "old.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def bring_in(db: Database | None, path: Path, mapped: Mapped = MAPPED, **more: Any) -> Imported:
    errors = path.with_suffix(".errors")
    return import_file(db, path, format_of(path), "old", mapped, BRANDS, [], NOW, errors, **more)


def stored(db: Database) -> list[MentionRow]:
    with db.read() as session:
        return list(session.scalars(select(MentionRow).order_by(MentionRow.id)))


def test_rows_become_mentions_of_their_own_time_that_start_no_clock(
    any_db: Database, write: Callable[..., Path]
) -> None:
    assert bring_in(any_db, write(CSV)) == Imported(rows=3, new=2, unmatched=1)
    first, second = stored(any_db)
    assert (first.external_id, first.text, first.author, first.rating) == ("r1", "acme lost it,\nagain", "ann", 1.0)
    assert (first.posted_at, first.backfill, second.backfill) == (datetime(2025, 1, 2, 10, tzinfo=UTC), True, True)


def test_doing_it_again_changes_nothing_and_an_edit_only_what_was_edited(
    any_db: Database, write: Callable[..., Path]
) -> None:
    bring_in(any_db, write(CSV))
    assert bring_in(any_db, write(CSV)) == Imported(rows=3, known=2, unmatched=1)
    edited = CSV.replace("acme is great", "acme was great")
    assert bring_in(any_db, write(edited)) == Imported(rows=3, changed=1, known=1, unmatched=1)


def test_an_import_that_was_cut_short_goes_on_where_it_was(db: Database, write: Callable[..., Path]) -> None:
    lines = [f"r{number},2025-01-02T10:00:00Z,ann,1,acme {number}" for number in range(CHUNK * 2 + 10)]
    path = write("\n".join(["Review ID,Date,User,Stars,Comment", *lines]))

    def die(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bring_in(db, path, progress=die)
    assert len(stored(db)) == CHUNK
    assert bring_in(db, path) == Imported(rows=len(lines), new=CHUNK + 10, known=CHUNK)


def test_a_dry_run_counts_the_same_and_stores_nothing(db: Database, write: Callable[..., Path]) -> None:
    assert bring_in(None, write(CSV)) == Imported(rows=3, new=2, unmatched=1)
    assert stored(db) == []


def test_rows_that_cannot_be_read_are_listed_with_their_lines_and_the_rest_is_stored(
    db: Database, write: Callable[..., Path]
) -> None:
    bad = b"r4,yesterday,dee,1,acme\nr5,2025-01-05\nr6,2025-01-06T10:00:00Z,eve,good,acme\n\xff,,,,\nr7,,fay,1,acme\n"
    path = write(CSV.encode() + bad + b"r8,2025-01-06T10:00:00Z,gus,2,acme too\n")
    assert bring_in(db, path) == Imported(rows=9, new=3, unmatched=1, rejected=5)
    told = [json.loads(line) for line in path.with_suffix(".errors").read_text().splitlines()]
    assert [(each["line"], each["reason"]) for each in told] == [
        (6, "posted_at is 'yesterday', which is no time (write 2026-11-20T16:45:00+02:00)"),
        (7, "2 values for 5 columns"),
        (8, "rating is 'good', which is no number"),
        (9, "not UTF-8"),
        (10, "posted_at is missing; --posted gives it to all rows without one"),
    ]


def test_rows_without_an_id_are_known_by_what_they_hold(db: Database, write: Callable[..., Path]) -> None:
    path = write('{"text": "acme one"}\n{"text": "acme two"}\n{"text": "acme one"}\n', "old.jsonl")
    mapped = Mapped({"text": "text"}, posted_at=NOW)
    assert bring_in(db, path, mapped) == Imported(rows=3, new=2, known=1)
    assert bring_in(db, path, mapped) == Imported(rows=3, known=3)


def test_parquet_is_read_a_batch_at_a_time_with_its_own_types(db: Database, tmp_path: Path) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    columns = {
        "id": [1, 2],
        "text": ["acme one", "acme two"],
        "posted_at": pyarrow.array([datetime(2025, 1, 2, 12), datetime(2025, 1, 3, 12)], pyarrow.timestamp("us")),  # noqa: DTZ001
        "rating": [10, None],
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / "old.parquet")
    names = {name: name for name in columns}
    mapped = Mapped(names, ZoneInfo("Europe/Tallinn"), best_rating=10)
    assert bring_in(db, tmp_path / "old.parquet", mapped) == Imported(rows=2, new=2)
    first, second = stored(db)
    assert (first.external_id, first.rating, second.rating) == ("1", 5.0, None)
    assert first.posted_at == datetime(2025, 1, 2, 10, tzinfo=UTC)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_seen_in_the_first_line(write: Callable[..., Path], delimiter: str) -> None:
    path = write(f'\ufeffid{delimiter}text\r\n1{delimiter}"a ""quoted"" word"\r\n')
    assert [row.values for row in rows(path, "csv")] == [{"id": "1", "text": 'a "quoted" word'}]


@pytest.mark.parametrize(
    ("line", "reason"),
    [("{", "not JSON"), ("[1]", "not an object"), ("[" * 100_000, "nested too deeply"), ("9" * 5_000, "digits")],
)
def test_a_bad_line_of_json_is_told_and_the_next_is_read(write: Callable[..., Path], line: str, reason: str) -> None:
    bad, good = rows(write(f'{line}\n\n{{"text": "x"}}', "old.jsonl"), "jsonl")
    assert (bad.values, reason in bad.reason, good.line) == (None, True, 3)


@pytest.mark.parametrize(
    ("names", "chosen", "found"),
    [
        (["ID", "Review Text", "Created-At"], {}, {"id": "ID", "text": "Review Text", "posted_at": "Created-At"}),
        (["text", "Body"], {}, {"text": "text"}),
        (["Name", "Words", "Date"], {"text": "Words"}, {"text": "Words", "posted_at": "Date", "author_name": "Name"}),
        (["Comment", "Note"], {"text": "Note"}, {"text": "Note"}),
    ],
)
def test_columns_are_found_by_what_they_are_called(
    names: list[str], chosen: dict[str, str], found: dict[str, str]
) -> None:
    assert columns_of(names, chosen) == found


@pytest.mark.parametrize(
    ("names", "chosen", "said"),
    [
        (["a", "b"], {}, "which column holds the text"),
        (["a"], {"words": "a"}, '"words" is no field'),
        (["a"], {"text": "b"}, 'there is no column "b".*there are a'),
    ],
)
def test_columns_that_there_are_not_are_told(names: list[str], chosen: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        columns_of(names, chosen)


@pytest.mark.parametrize(("content", "said"), [("a,a\n1,2\n", "same name"), ("\n1,2\n", "does not name the columns")])
def test_a_file_whose_first_line_names_no_columns_is_refused(
    write: Callable[..., Path], content: str, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        list(rows(write(content), "csv"))


def test_what_is_live_is_judged_before_what_was_imported_and_nobody_is_alarmed_by_a_long_import(
    any_db: Database, clock: ManualClock, write: Callable[..., Path]
) -> None:
    lines = [f"r{number},2025-01-02T10:00:00Z,ann,1,acme {number}" for number in range(5)]
    bring_in(any_db, write("\n".join(["Review ID,Date,User,Stars,Comment", *lines])))
    with any_db.read() as session:
        assert unjudged_since(session) is None
    given = {"source": "x", "brands": ["Acme"], "posted_at": NOW, "seen_at": NOW}
    with any_db.write() as session:
        session.add(MentionRow(external_id="live", text="acme is slow", **given))
    judged: list[str] = []

    class Listening:
        def judge(self, subjects: Any) -> Any:
            judged.extend(subject.text for subject in subjects)
            raise RuntimeError("one is enough")

    stage = ClassifyStage(any_db, clock, Listening(), None, "me", batch=1)  # type: ignore[arg-type]
    stage.run_once()
    assert judged[0] == "acme is slow"
    with any_db.read() as session:
        assert unjudged_since(session) == NOW
        assert session.scalar(select(func.count()).select_from(MentionRow)) == 6


# the command


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "firsthour.toml"
    url = f"sqlite:///{tmp_path / 'command.sqlite'}"
    path.write_text(f'[database]\nurl = "{url}"\n[[brands]]\nname = "Acme"\nmatch = "acme"\n')
    return str(path)


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["import", *words])


def test_the_command_says_how_it_reads_the_columns_and_what_became_of_the_rows(
    config: str, write: Callable[..., Path]
) -> None:
    done = run(str(write(CSV)), "--source", "old", "--config", config)
    assert done.exit_code == 0
    assert "text from Comment" in done.stderr
    assert done.stdout == "rows: 3, new: 2, changed: 0, known: 0, unmatched: 1, rejected: 0\n"
    again = run(str(write(CSV)), "--source", "old", "--config", config, "--json", "--dry-run")
    assert json.loads(again.stdout)["columns"]["rating"] == "Stars"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--column", "text"], "is not FIELD=COLUMN"),
        (["--format", "xml"], 'there is no format "xml"'),
        (["--timezone", "Tallin"], "no IANA time zone"),
        (["--delimiter", "::"], "not one character"),
    ],
)
def test_the_command_refuses_what_it_does_not_understand(
    config: str, write: Callable[..., Path], words: list[str], said: str
) -> None:
    done = run(str(write(CSV)), "--source", "old", "--config", config, *words)
    assert (done.exit_code, said in done.stderr) == (2, True)
