from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stored import complain

from monitor import export
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.errors import ConfigurationError
from monitor.export import COLUMNS, neutral, rows, write
from monitor.models import MentionRow, RollupRow
from monitor.recount import rebuild
from monitor.rollups import hour_of
from monitor.settings import Settings

HOSTILE = ["=cmd()", "+1+1", "-2", "@SUM(A1)", "\t=1", "\r=1", " =1+1", "\u200b=1", "\uff1dSUM(1)", "\n@x"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_cell_that_a_spreadsheet_would_run_begins_with_an_apostrophe(text: str) -> None:
    assert neutral(text) == "'" + text


@pytest.mark.parametrize("text", ["", "plain", "a=b", "1", "'quoted", "naïve"])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert neutral(text) == text


@given(st.text())
def test_no_cell_begins_like_a_formula(text: str) -> None:
    assert not neutral(text).lstrip()[:1] or neutral(text).lstrip()[0] not in "=+-@"


def test_csv_holds_the_contracts_columns_and_hostile_text_is_one_inert_cell(
    db: Database, clock: ManualClock, make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    text = '=HYPERLINK("http://evil")\n"quoted", with a comma'
    complain(db, make_settings(), clock.now(), text=text, author="@handle", rating=1.0)
    assert write(db, "mentions", "csv", tmp_path / "out.csv", None, None) == 1
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert tuple(row) == COLUMNS["mentions"]
    assert row["text"] == "'" + text
    assert row["author"] == "'@handle"
    assert row["brands"] == "Acme"
    assert row["complaint"] == "true"
    assert row["rating"] == "1.0"
    assert row["posted_at"] == "2026-11-20T12:00:00Z"
    assert list(tmp_path.glob("*.part")) == []


def test_json_lines_keep_text_and_types(
    db: Database, clock: ManualClock, make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    case_id = complain(db, make_settings(), clock.now(), text="=cmd() பார்சல்")
    write(db, "mentions", "jsonl", tmp_path / "m.jsonl", None, None)
    write(db, "cases", "jsonl", tmp_path / "c.jsonl", None, None)
    mention = json.loads((tmp_path / "m.jsonl").read_text(encoding="utf-8"))
    case = json.loads((tmp_path / "c.jsonl").read_text(encoding="utf-8"))
    assert tuple(mention) == COLUMNS["mentions"]
    assert (mention["text"], mention["brands"], mention["complaint"]) == ("=cmd() பார்சல்", ["Acme"], True)
    assert mention["case_id"] == case["id"] == case_id
    assert tuple(case) == COLUMNS["cases"]
    assert (case["state"], case["met"], case["due_at"]) == ("open", None, "2026-11-20T13:00:00Z")


def test_since_is_inclusive_and_until_exclusive(
    db: Database, clock: ManualClock, make_settings: Callable[..., Settings]
) -> None:
    settings = make_settings()
    for _ in range(3):
        complain(db, settings, clock.now())
        clock.move(timedelta(hours=1))
    first = clock.now() - timedelta(hours=3)
    found = list(rows(db, "cases", first, first + timedelta(hours=2)))
    assert [row["posted_at"] for row in found] == ["2026-11-20T12:00:00Z", "2026-11-20T13:00:00Z"]


def test_a_mention_without_a_verdict_is_exported_with_gaps(db: Database, clock: ManualClock) -> None:
    with db.write() as session:
        now = clock.now()
        session.add(MentionRow(source="s", external_id="1", text="hi", brands=[], posted_at=now, seen_at=now))
    (row,) = rows(db, "mentions", None, None)
    assert row["complaint"] is None
    assert row["language"] is None


def test_rows_come_in_chunks_without_a_gap_or_a_double(
    db: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "CHUNK", 7)
    now = clock.now()
    with db.write() as session:
        session.add_all(
            MentionRow(source="s", external_id=str(n), text="x", brands=[], posted_at=now, seen_at=now)
            for n in range(22)
        )
    assert [row["external_id"] for row in rows(db, "mentions", None, None)] == [str(n) for n in range(22)]


def test_the_hourly_counts_are_exported_in_chunks_by_brand_and_hour(
    any_db: Database, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "CHUNK", 2)
    alike = {"source": "x", "language": "en", "sentiment": "negative", "topic": "delivery", "rated": 1, "stars": 450}
    first = hour_of(clock.now())
    with any_db.write() as session:
        for hour in range(first, first + 4):
            for brand in ("Acme", "=Beta"):
                for complaint in (True, False):
                    session.add(RollupRow(brand=brand, hour=hour, complaint=complaint, mentions=2, **alike))
        session.add(RollupRow(brand="Acme", hour=first - 1, complaint=True, mentions=0, **alike))
    found = list(
        rows(any_db, "trends", clock.now() - timedelta(minutes=30), clock.now() + timedelta(hours=2, minutes=1))
    )
    assert len(found) == len({tuple(row.values()) for row in found}) == 12
    assert {row["hour"] for row in found} == {f"2026-11-20T{hour}:00:00Z" for hour in (12, 13, 14)}
    assert all(tuple(row) == COLUMNS["trends"] and row["stars"] == 4.5 for row in found)
    assert write(any_db, "trends", "csv", tmp_path / "t.csv", None, None) == 16
    lines = (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()
    assert "'=Beta,2026-11-20T12:00:00Z,x,en,negative,delivery,true,2,1,4.5" in lines


def test_parquet_without_pyarrow_names_the_extra(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ConfigurationError, match="firsthour\\[parquet\\]"):
        write(db, "cases", "parquet", tmp_path / "x.parquet", None, None)


def test_parquet_holds_the_same_rows(
    db: Database, clock: ManualClock, make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed (the parquet extra)")
    seen = {"likes": 3, "shares": 0, "answers": 1, "views": 1200, "media": ["https://example.com/a.png"]}
    complain(db, make_settings(), clock.now(), rating=1.5, **seen)
    rebuild(db, clock.now())
    for what in COLUMNS:
        write(db, what, "parquet", tmp_path / "x.parquet", None, None)
        assert parquet.read_table(tmp_path / "x.parquet").to_pylist() == list(rows(db, what, None, None)) != []


def test_standard_output_gets_the_rows_when_no_file_is_named(
    db: Database, clock: ManualClock, make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    complain(db, make_settings(), clock.now())
    out = io.StringIO()
    monkeypatch.setattr("sys.stdout", out)
    assert write(db, "cases", "jsonl", None, None, None) == 1
    assert json.loads(out.getvalue())["brand"] == "Acme"
