"""Turn the exported model's logits into probabilities that mean what they say; write calibration.json and anchors.npz.

    python -m training.calibrate --prepared DIR --model DIR [--rows 6000]

On dev, with the shipped 8-bit body: one temperature for the mood (three-class sets only), a slope and an offset for
complaints (Platt 1999, on people's labels), the complaint threshold with the best macro-F1 over the complaint sets and
our own texts, temperatures for severity and topic, and the probability below which a topic is called "other".
anchors.npz is the fixed sample that corrections are measured against: features, logits and labels, no texts.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from monitor.classify.embedded import BLOCK, body_session
from monitor.classify.verdict import TOPICS
from training.export import table_of
from training.prepare import recipe
from training.quantise import run

COMPLAINT_SETS = ("complaints_acl19", "cesamard", "x_fincorp", "own", "plain")
ANCHORS = 900
BINS = 10


def ece(probability: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error over ten bins of equal width, from 0 to 1."""
    bins = np.clip((probability * BINS).astype(int), 0, BINS - 1)
    parts = [
        (bins == b).mean() * abs(probability[bins == b].mean() - right[bins == b].mean())
        for b in range(BINS)
        if (bins == b).any()
    ]
    return float(sum(parts))


def least(cost: Callable[[float], float], low: float, high: float) -> float:
    """Where a cost with one valley is least, by golden section."""
    ratio = (np.sqrt(5) - 1) / 2
    for _ in range(40):
        a, b = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, b) if cost(a) < cost(b) else (a, high)
    return float((low + high) / 2)


def softmax(logits: np.ndarray) -> np.ndarray:
    e = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(e / e.sum(1, keepdims=True))


def temperature(logits: np.ndarray, gold: np.ndarray, weight: np.ndarray | None = None) -> float:
    if not len(gold):
        return 1.0
    w = np.ones(len(gold)) if weight is None else weight
    return least(
        lambda t: float(-(w * np.log(softmax(logits / t)[np.arange(len(gold)), gold] + 1e-9)).mean()), 0.3, 4.0
    )


def platt(logit: np.ndarray, gold: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Slope and offset of a weighted logistic regression on one logit."""
    slope, offset = 1.0, 0.0
    for _ in range(50):
        p = 1 / (1 + np.exp(-(slope * logit + offset)))
        error, curve = weight * (p - gold), weight * np.maximum(p * (1 - p), 1e-6)
        gradient = np.array([(error * logit).sum(), error.sum()])
        hessian = np.array(
            [[(curve * logit**2).sum(), (curve * logit).sum()], [(curve * logit).sum(), curve.sum()]]
        ) + 1e-6 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        slope, offset = slope - step[0], offset - step[1]
    return float(slope), float(offset)


def f1(gold: np.ndarray, said: np.ndarray) -> float:
    """Macro-F1 of two classes, from 0 to 1."""
    scores = [2 * ((gold == c) & (said == c)).sum() / max(1, (gold == c).sum() + (said == c).sum()) for c in (0, 1)]
    return float(np.mean(scores))


def choose(column: dict[str, np.ndarray], most: int, seed: int) -> np.ndarray:
    """Every row of the complaint sets, and of the others what is needed to fill up, the served languages first."""
    rng = np.random.default_rng(seed)
    must = np.flatnonzero(np.isin(column["dataset"], COMPLAINT_SETS))
    rest = np.flatnonzero(
        ~np.isin(column["dataset"], (*COMPLAINT_SETS, "sikayetvar_banks")) & (column["sentiment"] >= 0)
    )
    served = np.isin(column["lang"][rest], ("tr", "tl", "sr", "et", "ta")) | (column["dataset"][rest] == "umsab")
    weight = np.where(served, 4.0, 1.0)
    more = rng.choice(rest, min(len(rest), max(0, most - len(must))), replace=False, p=weight / weight.sum())
    return np.sort(np.concatenate([must, more]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=6000)
    args = parser.parse_args()
    seed = recipe()["seed"]
    with np.load(args.prepared / "dev.npz") as arrays:
        column = {k: arrays[k] for k in arrays.files}
    pieces, start = column.pop("pieces"), column.pop("start")
    rows = choose(column, args.rows, seed)
    column = {k: v[rows] for k, v in column.items()}
    stored = np.fromfile(args.model / "embeddings.bin", BLOCK)
    vectors = table_of(stored, 384)
    body = body_session(args.model / "body.onnx")
    seen = run(body, vectors, [pieces[start[i] : start[i + 1]] for i in rows])
    values, report = calibrate(seen["logits"], column)
    (args.model / "calibration.json").write_text(
        json.dumps({"values": values, "measured": report}, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )
    logit = values["complaint_slope"] * seen["logits"][:, 3] + values["complaint_offset"]
    anchors(args.model / "anchors.npz", seen["features"], logit, column, seed)
    print(json.dumps({"values": values, "measured": report}, indent=1))


def calibrate(logits: np.ndarray, column: dict[str, np.ndarray]) -> tuple[dict[str, float], dict[str, Any]]:
    """The values of monitor.classify.embedded.Calibration, and what was measured with them."""
    mood = (column["sentiment"] >= 0) & ~column["two_class"]
    t_mood = temperature(logits[mood, :3], column["sentiment"][mood])

    said = np.isin(column["dataset"], COMPLAINT_SETS) & (column["complaint_weight"] == 1)
    name, gold, raw = column["dataset"][said], column["complaint"][said], logits[said, 3]
    weight = np.zeros(len(gold))  # our own texts, written afresh in six languages, weigh as much as all other sets
    for each in np.unique(name):
        weight[name == each] = (3.0 if each == "own" else 1.0) / (name == each).sum()
    slope, offset = platt(raw, gold, weight / weight.mean())
    p = 1 / (1 + np.exp(-(slope * raw + offset)))
    grid = np.round(np.arange(0.3, 0.71, 0.01), 2)
    threshold = float(
        max(
            grid,
            key=lambda t: sum(
                (3.0 if each == "own" else 1.0) * f1(gold[name == each], (p >= t)[name == each].astype(int))
                for each in np.unique(name)
            ),
        )
    )
    severity = column["severity"] >= 0
    topic = column["topic"] >= 0
    t_severity = temperature(logits[severity, 4:8], column["severity"][severity])
    t_topic = temperature(logits[topic, 8:], column["topic"][topic])
    values = {
        "sentiment": round(t_mood, 4),
        "severity": round(t_severity, 4),
        "topic": round(t_topic, 4),
        "complaint_slope": round(slope, 4),
        "complaint_offset": round(offset, 4),
        "complaint_threshold": threshold,
        "topic_threshold": topic_threshold(softmax(logits[topic, 8:] / t_topic), column["topic"][topic]),
    }
    moods = softmax(logits[mood, :3] / t_mood)
    right = moods.argmax(1) == column["sentiment"][mood]
    lang = column["lang"]
    own = column["lang"][said]
    report = {
        "sentiment_ece": round(ece(moods.max(1), right), 4),
        "sentiment_ece_by_language": {
            str(code): round(ece(moods.max(1)[lang[mood] == code], right[lang[mood] == code]), 3)
            for code in np.unique(lang[mood])
            if (lang[mood] == code).sum() >= 100
        },
        "complaint_ece": round(ece(p, gold), 4),
        "complaint_ece_by_language": {
            str(code): round(ece(p[own == code], gold[own == code]), 3) for code in np.unique(own)
        },
        "complaint_macro_f1": {
            f"{each} {code}": round(100 * f1(gold[here], (p[here] >= threshold).astype(int)), 1)
            for each in np.unique(name)
            for code in np.unique(own[name == each])
            for here in [(name == each) & (own == code)]
        },
        "topic_accuracy": round(float((logits[topic, 8:].argmax(1) == column["topic"][topic]).mean()), 4),
        "severity_accuracy": round(float((logits[severity, 4:8].argmax(1) == column["severity"][severity]).mean()), 4),
        "rows": len(logits),
    }
    return values, report


def topic_threshold(p: np.ndarray, gold: np.ndarray) -> float:
    """The least probability at which naming the topic is right more often than not; what is below is "other"."""
    other = TOPICS.index("other")
    best, chosen = -1.0, 0.35
    for threshold in np.round(np.arange(0.15, 0.61, 0.05), 2):
        named = np.where(p.max(1) >= threshold, p.argmax(1), other)
        sure = named != other
        if not sure.any():
            continue
        score = float((named == gold).mean()) + 0.5 * float((named[sure] == gold[sure]).mean())
        if score > best:
            best, chosen = score, float(threshold)
    return chosen


def anchors(path: Path, features: np.ndarray, logit: np.ndarray, column: dict[str, np.ndarray], seed: int) -> None:
    rows = np.flatnonzero(np.isin(column["dataset"], COMPLAINT_SETS) & (column["complaint_weight"] == 1))
    own = column["dataset"][rows] == "own"
    rng = np.random.default_rng(seed)
    others = rng.permutation(rows[~own])[: max(0, ANCHORS - int(own.sum()))]
    kept = np.sort(np.concatenate([rng.permutation(rows[own])[:ANCHORS], others]))
    np.savez_compressed(
        path,
        features=features[kept].astype(np.float16),
        logits=logit[kept].astype(np.float32),
        complaint=column["complaint"][kept].astype(np.int8),
    )


if __name__ == "__main__":
    main()
