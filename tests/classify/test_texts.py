"""The texts that teach the model: labelled in the words of training/texts/README.md, none twice, none of the demo's."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from monitor.classify.verdict import SENTIMENTS, SEVERITIES, TOPICS

HERE = Path(__file__).parents[2]
FILES = sorted((HERE / "training" / "texts").glob("*.jsonl"))
README = (HERE / "training" / "texts" / "README.md").read_text("utf-8")
KINDS = set(re.findall(r"`(\w+)`", README.partition("## Kinds")[2]))
FIELDS = ["text", "lang", "complaint", "sentiment", "severity", "topic", "kind", "trade"]


def rows(file: Path) -> list[dict[str, str | int | None]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_text_is_labelled_in_the_words_of_the_readme(file: Path) -> None:
    for row in rows(file):
        assert list(row) == FIELDS, row
        assert row["lang"] == file.name.partition(".")[0], row
        assert row["sentiment"] in SENTIMENTS, row
        assert row["kind"] in KINDS, row
        assert row["trade"], row
        if row["complaint"]:
            assert row["severity"] in SEVERITIES, row
            assert row["topic"] in TOPICS, row
        else:
            assert (row["complaint"], row["severity"], row["topic"]) == (0, None, None), row


@pytest.mark.parametrize("file", [file for file in FILES if ".plain." in file.name], ids=lambda file: file.name)
def test_about_half_of_the_plain_texts_are_complaints(file: Path) -> None:
    complaints = [row["complaint"] for row in rows(file)]
    assert 0.45 <= sum(map(bool, complaints)) / len(complaints) <= 0.55


def test_no_text_is_written_twice_and_none_is_of_the_demo() -> None:
    demo = sorted((HERE / "monitor" / "demo").glob("*.jsonl"))
    told = {row["text"] for file in demo for row in rows(file) if "text" in row}
    times = Counter(row["text"] for file in FILES for row in rows(file))
    assert [text for text, count in times.items() if count > 1 or text in told] == []
