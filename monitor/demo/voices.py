"""What people say in the demo's past: its own posts and reviews, each with the verdict that the model gave of it.

    python -m monitor.demo.voices

judges them all again and writes voices.jsonl; to be run when the texts or the embedded model have changed.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from importlib.resources import files
from typing import Any

from monitor.classify.verdict import Verdict

FILE = "voices.jsonl"
SOURCES = ("posts", "forum", "reviews")
RIVAL = ("Tellumo", "Ozmira")  # what is said of the first can be said of its competitor


@dataclass(frozen=True, slots=True)
class Voice:
    """One text about `brands`. `author` and `url` are as in the file of its source."""

    source: str
    id: str
    text: str
    rating: float | None
    author: dict[str, Any]
    url: str
    brands: tuple[str, ...]
    verdict: Verdict


def voices() -> list[Voice]:
    """All of them, in the order of voices.jsonl."""
    lines = {(source, line["id"]): line for source in SOURCES for line in _lines(f"{source}.jsonl")}
    return [_voice(lines[told["source"], told["id"]], told) for told in _lines(FILE)]


def _voice(line: dict[str, Any], told: dict[str, Any]) -> Voice:
    verdict = told["verdict"]
    text = _of_rival(line["text"]) if told["brands"] == [RIVAL[1]] else line["text"]
    return Voice(
        *(told["source"], told["id"], text, line.get("rating"), line["author"], line["url"], tuple(told["brands"])),
        Verdict(**verdict | {"sentiment_scores": tuple(verdict["sentiment_scores"])}),
    )


def _lines(name: str) -> Iterator[dict[str, Any]]:
    for line in files(__package__).joinpath(name).read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def _of_rival(text: str) -> str:
    """The same said of the competitor, in small letters where it was so."""
    brand, rival = RIVAL
    return re.sub(brand, lambda m: rival if m[0][0].isupper() else rival.lower(), text, flags=re.IGNORECASE)


def _texts() -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """Each line of each source, with the brands it is about, and once more where it is about the competitor's rival."""
    brand, rival = RIVAL
    for source in SOURCES:
        for line in _lines(f"{source}.jsonl"):
            about = [name for name in ("Tellumo", "Brevanto", "Ozmira") if name.lower() in line["text"].lower()]
            yield source, line, about
            if about == [brand]:
                yield source, line | {"text": _of_rival(line["text"])}, [rival]


def judge() -> Iterator[dict[str, Any]]:
    """The lines of voices.jsonl."""
    from monitor.classify.model import load_classifier
    from monitor.classify.verdict import Subject
    from monitor.settings import ClassifierSettings

    texts = list(_texts())
    answers = load_classifier(ClassifierSettings()).judge([Subject(t["text"], t.get("rating")) for _, t, _ in texts])
    for (source, line, about), answer in zip(texts, answers, strict=True):
        if isinstance(answer, Verdict):
            told = asdict(replace(answer, features=None))
            del told["features"]
            yield {"source": source, "id": line["id"], "brands": about, "verdict": _rounded(told)}


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(each) for each in value]
    return round(value, 3) if isinstance(value, float) else value


if __name__ == "__main__":
    from pathlib import Path

    found = [json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in judge()]
    Path(str(files(__package__).joinpath(FILE))).write_text("".join(found), encoding="utf-8")
    sys.stdout.write(f"{len(found)} voices\n")
