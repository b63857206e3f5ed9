"""Score the shipped model on dev, exactly as the service runs it: cleaned, quantised, calibrated.

    python -m training.evaluate --data DIR [--model DIR] --out figures.json

Figures are macro-F1 with the standard deviation of 200 bootstrap resamples, and the expected calibration error.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.progress import track

from monitor import serbian
from monitor.classify.model import Classifier, load_classifier
from monitor.classify.verdict import SENTIMENTS, Subject, Verdict
from monitor.settings import ClassifierSettings
from training.calibrate import ece
from training.measure import COMPLAINT_SETS, SERVED, macro_f1
from training.prepare import labelled

ONE_CLASS = ("sikayetvar_banks", "play_reviews_4class")  # complaints only: a score would mean nothing


def spread(score: Callable[[np.ndarray], float], n: int, times: int = 200) -> tuple[float, float]:
    """The score over all `n` rows, and its standard deviation over bootstrap resamples."""
    rng = np.random.default_rng(0)
    draws = [score(rng.integers(0, n, n)) for _ in range(times)]
    return round(score(np.arange(n)), 1), round(float(np.std(draws)), 1)


def figures(frame: pd.DataFrame) -> dict[str, Any]:
    """`frame` has the columns of the labelled sets, and `said` (sentiment 0 to 2), `score` and `is_complaint`."""
    result: dict[str, Any] = {"sentiment": {}, "complaint": {}}

    def sentiment(name: str, rows: pd.DataFrame) -> None:
        rows = rows[rows["label"] >= 0]
        gold, said = rows["label"].to_numpy(), rows["said"].to_numpy()
        value, deviation = spread(lambda i: macro_f1(gold[i], said[i], 3), len(rows))
        result["sentiment"][name] = {"macro_f1": value, "spread": deviation, "texts": len(rows)}

    def complaints(name: str, rows: pd.DataFrame) -> None:
        rows = rows[rows["complaint"] >= 0]
        gold, said = rows["complaint"].to_numpy(), rows["is_complaint"].to_numpy()
        value, deviation = spread(lambda i: macro_f1(gold[i], said[i], 2), len(rows))
        hit = float(((gold == 1) & (said == 1)).sum())
        result["complaint"][name] = {
            "macro_f1": value,
            "spread": deviation,
            "precision": round(100 * hit / max(1, said.sum()), 1),
            "recall": round(100 * hit / max(1, gold.sum()), 1),
            "ece": round(ece(rows["score"].to_numpy(), gold), 3),
            "texts": len(rows),
        }

    umsab = frame[frame["dataset"] == "umsab"]
    for lang, rows in umsab.groupby("lang"):
        sentiment(f"umsab {lang}", rows)
    scores = [v["macro_f1"] for k, v in result["sentiment"].items()]
    result["umsab"] = round(float(np.mean(scores)), 2)
    people = frame[~frame["dataset"].isin(["umsab", "own", "plain", *ONE_CLASS])]
    for lang in SERVED:
        sentiment(lang, people[people["lang"] == lang])
    for name in COMPLAINT_SETS:
        complaints(name, frame[frame["dataset"] == name])
    own = frame[frame["dataset"] == "own"]
    for lang, rows in own.groupby("lang"):
        complaints(f"own {lang}", rows)
    serbian = own[own["lang"] == "sr"]
    cyrillic = serbian["text"].str.contains("[\u0400-\u04ff]")
    complaints("own sr Cyrillic", serbian[cyrillic])
    complaints("own sr Latin", serbian[~cyrillic])
    everything = frame[frame["dataset"].isin(COMPLAINT_SETS)]
    result["ece"] = round(ece(everything["score"].to_numpy(), everything["complaint"].to_numpy()), 3)
    for head in ("topic", "severity"):
        rows = own[own[head].notna()]
        result[f"own {head} accuracy"] = round(100 * float((rows[head] == rows[f"said_{head}"]).mean()), 1)
    return result


def scripts(data: Path, classifier: Classifier) -> dict[str, Any]:
    """Moods in Serbian posts, once in Cyrillic as a source hands them over that does not tell the language, and once in
    Latin letters: macro-F1 of each, and how many verdicts are the same."""
    posts = pd.read_parquet(data / "serbian_cyrillic.parquet").query("split == 'dev' and label >= 0")
    gold = posts["label"].to_numpy()
    texts = {"Cyrillic": list(posts["text"]), "Latin": [serbian.latin(t, told=True) for t in posts["text"]]}
    said = {
        script: np.array([SENTIMENTS.index(v.sentiment) for v in classifier.judge([Subject(t) for t in many])])
        for script, many in texts.items()
    }
    same = round(100 * float((said["Cyrillic"] == said["Latin"]).mean()), 1)
    return {"texts": len(posts), "same": same, **{k: round(macro_f1(gold, v, 3), 1) for k, v in said.items()}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    frame = labelled(args.data, "dev")
    wanted = (frame["dataset"].isin(["umsab", *COMPLAINT_SETS])) | frame["lang"].isin(SERVED)
    frame = frame[wanted & ~frame["dataset"].isin(ONE_CLASS)].reset_index(drop=True)
    classifier = load_classifier(ClassifierSettings(model=args.model))
    verdicts: list[Any] = []
    for at in track(range(0, len(frame), 256), description="judging"):
        verdicts += classifier.judge([Subject(t) for t in frame["text"][at : at + 256]])
    good = [isinstance(v, Verdict) for v in verdicts]
    frame, kept = frame[good].copy(), [v for v in verdicts if isinstance(v, Verdict)]
    frame["said"] = [SENTIMENTS.index(v.sentiment) for v in kept]
    frame["score"] = [v.complaint_score for v in kept]
    frame["is_complaint"] = [int(v.complaint) for v in kept]
    frame["said_topic"] = [v.topic for v in kept]
    frame["said_severity"] = [v.severity for v in kept]
    result = {"model": classifier.version, "unreadable": len(good) - sum(good), **figures(frame)}
    result["sr scripts"] = scripts(args.data, classifier)
    args.out.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
