from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from monitor.classify.embedded import Embedded
from monitor.classify.jsonl import classify_lines
from monitor.classify.verdict import Subject, Unreadable, Verdict
from tests.stored import verdict


class Plain:
    version, threshold = "plain", 0.5

    def judge(self, subjects: Sequence[Subject]) -> list[Verdict | Unreadable]:
        if any("poison" in s.text for s in subjects):
            raise RuntimeError("no way")
        return [verdict("broke" in s.text) for s in subjects]


def run(lines: list[str], classifier: Any = None, batch: int = 4) -> list[dict[str, Any]]:
    return [json.loads(line) for line in classify_lines(classifier or Plain(), lines, batch)]


def test_answers_come_in_the_order_of_the_lines() -> None:
    out = run([json.dumps({"id": n, "text": f"it broke {n}"}) for n in range(11)])
    assert [row["id"] for row in out] == list(range(11))
    assert all(row["complaint"] for row in out)


def test_an_answer_has_the_promised_fields(embedded: Embedded) -> None:
    (row,) = run(['{"id": "a", "text": "My parcel never came", "rating": null}'], embedded)
    assert list(row) == [
        "id", "language", "sentiment", "sentiment_scores", "complaint", "complaint_score", "severity", "topic",
        "topic_score", "model",
    ]  # fmt: skip
    assert list(row["sentiment_scores"]) == ["negative", "neutral", "positive"]


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("not json", None),
        ("[1, 2]", None),
        ('"text"', None),
        ('{"id": 1}', 1),
        ('{"id": 1, "text": null}', 1),
        ('{"id": 1, "text": 5}', 1),
        ('{"id": 1, "text": "it broke", "rating": 7}', 1),
        ('{"id": 1, "text": "it broke", "rating": "five"}', 1),
        ('{"id": 1, "text": "it broke", "rating": NaN}', 1),
        ('{"id": 1, "text": "it broke", "rating": true}', 1),
        ('{"id": 1, "text": "poison"}', 1),
        ("[" * 100_000, None),
        ("{" * 10 + "\udcff", None),
    ],
)
def test_a_bad_line_gives_an_error_and_the_rest_goes_on(line: str, key: object) -> None:
    out = run(['{"id": 0, "text": "it broke"}', line, '{"id": 2, "text": "fine"}'])
    assert [row["id"] for row in out] == [0, key, 2]
    assert set(out[1]) == {"id", "error"}
    assert out[0]["complaint"]
    assert not out[2]["complaint"]


@pytest.mark.parametrize("text", ["", "  ", "http://a.b", "x\u0000", "a" * 1_000_000])
def test_texts_that_say_nothing_are_errors_or_verdicts_never_crashes(embedded: Embedded, text: str) -> None:
    out = run([json.dumps({"id": 1, "text": text}), json.dumps({"id": 2, "text": "It broke."})], embedded)
    assert [row["id"] for row in out] == [1, 2]
    assert "complaint" in out[1]


def test_ids_of_any_kind_come_back_and_lines_are_utf_8() -> None:
    ids: list[Any] = ["ä", None, {"a": [1]}, 1.5, "\ud800"]
    lines = list(classify_lines(Plain(), [json.dumps({"id": i, "text": "ok"}) for i in ids]))
    assert [json.loads(line)["id"] for line in lines] == ids
    assert all(line.encode("utf-8") for line in lines)


def test_empty_lines_are_passed_over() -> None:
    assert len(run(["\n", '{"id": 1, "text": "ok"}\n', "  \n"])) == 1
