from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from monitor.classify.evaluate import Labelled, ece, evaluate, macro_f1, read
from monitor.classify.verdict import Subject, Unreadable, Verdict
from monitor.errors import ConfigurationError
from tests.stored import verdict


class Plain:
    version, threshold = "plain", 0.5

    def judge(self, subjects: Sequence[Subject]) -> list[Verdict | Unreadable]:
        return [Unreadable("empty text") if not s.text else verdict("broke" in s.text) for s in subjects]


def test_figures_by_language_with_the_worst_mistakes() -> None:
    rows = [
        Labelled("it broke", "en", "negative", True),
        Labelled("it broke the record", "en", "positive", False),
        Labelled("fine", "en", None, False),
        Labelled("katki", "et", "negative", True),
        Labelled("", "et", None, True),
        "line 9: no text",
    ]
    report = evaluate(Plain(), rows)
    english = report.languages["en"]
    assert (english.texts, english.precision, english.recall) == (3, 0.5, 1.0)
    assert report.languages["et"].recall == 0.0
    assert report.all.texts == 4
    assert len(report.errors) == 2
    assert {report.worst[0].row.text, report.worst[1].row.text} == {"it broke the record", "katki"}
    assert report.confusion["positive"]["negative"] == 1
    assert json.dumps(report.as_json())


def test_the_threshold_gives_the_wanted_recall() -> None:
    class Scored(Plain):
        def judge(self, subjects: Sequence[Subject]) -> list[Verdict | Unreadable]:
            return [verdict(True, complaint_score=float(s.text)) for s in subjects]

    rows = [Labelled(f"0.{n}", None, None, n > 4) for n in range(1, 10)]
    report = evaluate(Scored(), rows, wanted_recall=0.8)
    assert (report.threshold, report.precision_there) == (0.6, 1.0)


def test_macro_f1_and_calibration_error_by_hand() -> None:
    assert macro_f1([("a", "a"), ("a", "b"), ("b", "b")]) == pytest.approx(2 / 3, abs=1e-4)
    assert macro_f1([]) is None
    assert ece([(0.85, True), (0.85, False)]) == pytest.approx(0.35)
    assert ece([(1.0, True), (0.05, False)]) == pytest.approx(0.025)


def test_rows_are_read_from_csv_and_json_lines_and_bad_ones_are_named(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text('text,lang,sentiment,complaint\n"a, b",en,negative,1\nc,,,\nd,en,angry,0\n', encoding="utf-8")
    good, bare, bad = read(table)
    assert good == Labelled("a, b", "en", "negative", True)
    assert bare == Labelled("c")
    assert isinstance(bad, str)
    assert "angry" in bad
    lines = tmp_path / "a.jsonl"
    lines.write_text('{"text": "x", "complaint": false, "rating": 2}\nnope\n{"id": 1}\n[]\n', encoding="utf-8")
    first, *rest = read(lines)
    assert first == Labelled("x", None, None, False, 2)
    assert all(isinstance(r, str) for r in rest)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "a.xlsx"
    other.write_bytes(b"")
    headless = tmp_path / "b.csv"
    headless.write_text("a,b\n", encoding="utf-8")
    for path in (other, headless, tmp_path / "missing.csv"):
        with pytest.raises(ConfigurationError):
            list(read(path))
