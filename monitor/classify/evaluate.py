"""`firsthour evaluate FILE`: how right a classifier is on texts that people have labelled."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.classify.model import Classifier, one_by_one
from monitor.classify.rating import problem
from monitor.classify.verdict import SENTIMENTS, Subject, Verdict
from monitor.errors import ConfigurationError

BINS = 10
WORST = 10
_TRUE, _FALSE = ("1", "true", "yes", "complaint"), ("0", "false", "no", "none")


@dataclass(frozen=True, slots=True)
class Labelled:
    """One row of a test set: what people said of a text; None where they said nothing."""

    text: str
    language: str | None = None
    sentiment: str | None = None
    complaint: bool | None = None
    rating: float | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    row: Labelled
    verdict: Verdict


@dataclass(frozen=True)
class Figures:
    """Of one group of rows; shares run from 0 to 1, None where nothing of the kind was labelled."""

    texts: int
    sentiment_macro_f1: float | None
    complaint_macro_f1: float | None
    precision: float | None
    recall: float | None
    sentiment_ece: float | None
    complaint_ece: float | None


@dataclass(frozen=True)
class Report:
    """`confusion[gold][said]` counts sentiments. `threshold` is the complaint probability that finds `wanted_recall` of
    the complaints, with the precision it then has; None without labelled complaints."""

    model: str
    all: Figures
    languages: dict[str, Figures]
    confusion: dict[str, dict[str, int]]
    worst: tuple[Judged, ...]
    wanted_recall: float
    threshold: float | None
    precision_there: float | None
    errors: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        def plain(figures: Figures) -> dict[str, Any]:
            return {k: getattr(figures, k) for k in figures.__dataclass_fields__}

        return {
            "model": self.model,
            "all": plain(self.all),
            "languages": {code: plain(figures) for code, figures in self.languages.items()},
            "confusion": self.confusion,
            "worst": [
                {
                    "text": each.row.text,
                    "lang": each.row.language,
                    "complaint": each.row.complaint,
                    "complaint_score": each.verdict.complaint_score,
                    "sentiment": each.row.sentiment,
                    "said": each.verdict.sentiment,
                }
                for each in self.worst
            ],
            "wanted_recall": self.wanted_recall,
            "threshold": self.threshold,
            "precision_there": self.precision_there,
            "errors": list(self.errors),
        }


def read(path: Path) -> Iterator[Labelled | str]:
    """Rows of a CSV or JSON-lines file with the fields text, lang, sentiment, complaint and rating (all but text may be
    missing); for a row that cannot be used, what is wrong with it. Raises ConfigurationError for other files."""
    if path.suffix not in (".csv", ".jsonl"):
        raise ConfigurationError("FILE", f"{path} is neither .csv nor .jsonl")
    try:
        with path.open(encoding="utf-8-sig", newline="", errors="surrogateescape") as file:
            if path.suffix == ".csv":
                table = csv.DictReader(file)
                if "text" not in (table.fieldnames or ()):
                    raise ConfigurationError(
                        "FILE", f"{path} has no column text", "columns: text, lang, sentiment, complaint"
                    )
                yield from (_labelled(row, f"line {table.line_num}") for row in table)
            else:
                for number, line in enumerate(file, 1):
                    if line.strip():
                        yield _from_json(line, f"line {number}")
    except OSError as error:
        raise ConfigurationError("FILE", f"{path} cannot be read: {error.strerror}") from None
    except csv.Error as error:
        raise ConfigurationError("FILE", f"{path} is no CSV: {error}") from None


def evaluate(
    classifier: Classifier,
    rows: Sequence[Labelled | str],
    wanted_recall: float = 0.9,
    batch: int = 64,
    advance: Callable[[int], None] = lambda done: None,
) -> Report:
    """Judge every row and compare. `advance` is told how many more are done. Texts that cannot be judged are listed in
    `errors` and count nowhere else."""
    errors = [row for row in rows if isinstance(row, str)]
    good = [row for row in rows if isinstance(row, Labelled)]
    judged = []
    for at in range(0, len(good), batch):
        some = good[at : at + batch]
        for row, answer in zip(
            some, one_by_one(classifier.judge, [Subject(r.text, r.rating) for r in some]), strict=True
        ):
            if isinstance(answer, Verdict):
                judged.append(Judged(row, answer))
            else:
                reason = getattr(answer, "reason", None) or str(answer)
                errors.append(f"{row.text[:40]!r}: {reason}")
        advance(len(some))
    codes = sorted({j.row.language for j in judged if j.row.language})
    threshold, precision = threshold_for(judged, wanted_recall)
    confusion = {gold: dict.fromkeys(SENTIMENTS, 0) for gold in SENTIMENTS}
    for j in judged:
        if j.row.sentiment:
            confusion[j.row.sentiment][j.verdict.sentiment] += 1
    return Report(
        model=classifier.version,
        all=figures(judged),
        languages={code: figures([j for j in judged if j.row.language == code]) for code in codes},
        confusion=confusion,
        worst=tuple(sorted(judged, key=_wrongness, reverse=True)[:WORST]),
        wanted_recall=wanted_recall,
        threshold=threshold,
        precision_there=precision,
        errors=tuple(errors),
    )


def figures(judged: Sequence[Judged]) -> Figures:
    moods = [(j.row.sentiment, j.verdict) for j in judged if j.row.sentiment]
    said = [(j.row.complaint, j.verdict) for j in judged if j.row.complaint is not None]
    hits = sum(1 for gold, v in said if gold and v.complaint)
    found, there = sum(v.complaint for _, v in said), sum(bool(gold) for gold, _ in said)
    return Figures(
        texts=len(judged),
        sentiment_macro_f1=macro_f1([(gold, v.sentiment) for gold, v in moods]),
        complaint_macro_f1=macro_f1([(gold, v.complaint) for gold, v in said]),
        precision=round(hits / found, 4) if found else None,
        recall=round(hits / there, 4) if there else None,
        sentiment_ece=ece([(max(v.sentiment_scores), gold == v.sentiment) for gold, v in moods]),
        complaint_ece=ece([(v.complaint_score, bool(gold)) for gold, v in said]),
    )


def macro_f1(pairs: Sequence[tuple[object, object]]) -> float | None:
    """Mean F1 over the classes that occur in what people or the model said; None for no rows."""
    if not pairs:
        return None
    scores = []
    for c in {gold for gold, _ in pairs} | {said for _, said in pairs}:
        hits = sum(1 for gold, said in pairs if gold == said == c)
        total = sum(gold == c for gold, _ in pairs) + sum(said == c for _, said in pairs)
        scores.append(2 * hits / total)
    return round(sum(scores) / len(scores), 4)


def ece(pairs: Sequence[tuple[float, bool]]) -> float | None:
    """Expected calibration error: how far stated probabilities are from how often they come true, over ten bins."""
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for p, came in pairs:
        bins[min(int(p * BINS), BINS - 1)].append((p, came))
    if not pairs:
        return None
    apart = sum(abs(sum(p for p, _ in some) - sum(came for _, came in some)) for some in bins)
    return round(apart / len(pairs), 4)


def threshold_for(judged: Sequence[Judged], recall: float) -> tuple[float | None, float | None]:
    """The highest complaint probability that still finds that share of the complaints, and its precision."""
    scored = sorted(
        ((j.verdict.complaint_score, j.row.complaint) for j in judged if j.row.complaint is not None), reverse=True
    )
    there = sum(1 for _, gold in scored if gold)
    hits = 0
    for n, (p, gold) in enumerate(scored, 1):
        hits += bool(gold)
        last_of_equals = n == len(scored) or scored[n][0] < p
        if there and last_of_equals and hits >= recall * there:
            return p, round(hits / n, 4)
    return None, None


def _wrongness(judged: Judged) -> float:
    """How sure the model was of what people deny."""
    row, verdict = judged.row, judged.verdict
    if row.complaint is not None:
        return verdict.complaint_score if not row.complaint else 1 - verdict.complaint_score
    if row.sentiment:
        return 1 - verdict.sentiment_scores[SENTIMENTS.index(row.sentiment)]
    return 0.0


def _from_json(line: str, where: str) -> Labelled | str:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"{where}: not JSON: {error}"
    return _labelled(row, where) if isinstance(row, dict) else f"{where}: not a JSON object"


def _labelled(row: dict[str, Any], where: str) -> Labelled | str:
    text = row.get("text")
    if not isinstance(text, str):
        return f"{where}: there is no text"
    mood = str(row.get("sentiment") or "").strip().lower()
    if mood and mood not in SENTIMENTS:
        return f"{where}: sentiment {mood!r} is none of {', '.join(SENTIMENTS)}"
    raw = row.get("complaint")
    word = "" if raw is None else str(raw).strip().lower()
    if word and word not in (*_TRUE, *_FALSE):
        return f"{where}: complaint {word!r} is neither true nor false"
    rating = row.get("rating")
    if isinstance(rating, str):
        try:
            rating = float(rating) if rating.strip() else None
        except ValueError:
            return f"{where}: rating {rating!r:.40} is not a number from 1 to 5"
    if reason := problem(rating):
        return f"{where}: {reason}"
    return Labelled(text, row.get("lang") or None, mood or None, word in _TRUE if word else None, rating)
