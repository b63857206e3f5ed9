"""`firsthour classify`: JSON lines in, JSON lines out in the same order. A bad line makes one bad line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from monitor.classify.model import Classifier, one_by_one
from monitor.classify.rating import problem
from monitor.classify.verdict import SENTIMENTS, Subject, Unreadable, Verdict


def classify_lines(classifier: Classifier, lines: Iterable[str], batch: int = 64) -> Iterator[str]:
    """For each line `{"id", "text", "rating"}` a line with its verdict, or `{"id", "error"}`. Lines of white space are
    passed over. Reads no further ahead than `batch` lines."""
    rest = (line for line in lines if line.strip())
    while some := list(islice(rest, batch)):
        yield from _batch(classifier, some)


def _batch(classifier: Classifier, lines: list[str]) -> Iterator[str]:
    read = [_subject(line) for line in lines]
    subjects = [subject for _, subject in read if isinstance(subject, Subject)]
    answers = iter(one_by_one(classifier.judge, subjects))
    for key, subject in read:
        answer = next(answers) if isinstance(subject, Subject) else subject
        if isinstance(answer, Verdict):
            yield _dump({"id": key, **as_json(answer)})
        elif isinstance(answer, Unreadable):
            yield _dump({"id": key, "error": answer.reason})
        else:
            yield _dump({"id": key, "error": f"could not be judged: {answer}"})


def as_json(verdict: Verdict) -> dict[str, Any]:
    """A verdict as other programs read it."""
    return {
        "language": verdict.language,
        "sentiment": verdict.sentiment,
        "sentiment_scores": dict(zip(SENTIMENTS, verdict.sentiment_scores, strict=True)),
        "complaint": verdict.complaint,
        "complaint_score": verdict.complaint_score,
        "severity": verdict.severity,
        "topic": verdict.topic,
        "topic_score": verdict.topic_score,
        "model": verdict.model,
    }


def _subject(line: str) -> tuple[Any, Subject | Unreadable]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return None, Unreadable(f"not JSON: {str(error)[:200]}")
    if not isinstance(row, dict):
        return None, Unreadable("not a JSON object")
    key, text, rating, language = (row.get(k) for k in ("id", "text", "rating", "language"))
    if not isinstance(text, str):
        return key, Unreadable("there is no text" if text is None else "the text is not a string")
    if reason := problem(rating):
        return key, Unreadable(reason)
    return key, Subject(text, rating, language if isinstance(language, str) else None)


def _dump(row: dict[str, Any]) -> str:
    """One line of JSON that is valid UTF-8 whatever the id holds."""
    line = json.dumps(row, ensure_ascii=False)
    return line if _encodable(line) else json.dumps(row)


def _encodable(line: str) -> bool:
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
