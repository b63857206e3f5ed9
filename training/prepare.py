"""Read the labelled sets and our own texts, clean them, trim the vocabulary, and store pieces and targets.

    python -m training.prepare --data DIR --base DIR --out DIR

`--data` holds train.parquet, dev.parquet and severity.parquet (columns: text, lang, label, complaint, domain, dataset).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import tomllib
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tokenizers import Tokenizer

from monitor.classify.text import clean
from monitor.classify.verdict import SENTIMENTS, SEVERITIES, TOPICS
from training.vocabulary import trim

HERE = Path(__file__).parent
_X_CI = {"No explicit reproach": 0, "Disapproval": 1, "Blame": 1, "Accusation": 2}
_STRIP = {"tr", "sr", "et"}  # people type these without their diacritics


def recipe() -> dict[str, Any]:
    return tomllib.loads((HERE / "recipe.toml").read_text(encoding="utf-8"))


def own_texts(split: str) -> pd.DataFrame:
    """The texts under training/texts, as rows of the labelled sets, with severity and topic."""
    rows = [
        json.loads(line) | {"dataset": "plain" if ".plain." in path.name else "own"}
        for path in sorted((HERE / "texts").glob(f"*.{split}.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    columns = ["text", "lang", "complaint", "sentiment", "severity", "topic", "kind", "trade", "dataset"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["label"] = frame["sentiment"].map({s: i for i, s in enumerate(SENTIMENTS)}).fillna(-1).astype(int)
    return frame.assign(domain="own")


def labelled(data: Path, split: str) -> pd.DataFrame:
    """One split of the sets, joined with the severities of the complaint sets and with our own texts."""
    frame = pd.read_parquet(data / f"{split}.parquet")
    severity = pd.read_parquet(data / "severity.parquet").query("split == @split and complaint == 1")
    grades = dict(zip(severity["text"], severity["severity"].map(_grade), strict=True))
    frame["severity"] = (
        frame["text"].map(grades).map(lambda g: SEVERITIES[int(g)] if g == g and g is not None else None)
    )
    if split == "train":
        frame = with_labels(frame)
    return pd.concat([frame, own_texts(split)], ignore_index=True)


def judged() -> dict[str, dict[str, Any]]:
    """What training/labels says of rows of the sets, by the first 16 digits of their text's SHA-256: complaint, of
    complaints topic and severity, and sentiment. The texts themselves are third parties' and are not kept."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted((HERE / "labels").glob("*.jsonl")):
        for row in map(json.loads, path.read_text().splitlines()):
            found.setdefault(row.pop("sha256"), {}).update(row)
    return found


def with_labels(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows with the labels of `judged`: complaints where the set has none (`relabelled` marks them), sentiments
    also instead of the set's (`heard` marks them)."""
    known = judged()
    found = frame["text"].map(lambda t: known.get(hashlib.sha256(t.encode()).hexdigest()[:16], {}))
    mood = found.map(lambda row: row.get("sentiment")).map({s: i for i, s in enumerate(SENTIMENTS)})
    frame = frame.assign(heard=mood.notna(), label=mood.fillna(frame["label"]).astype(int))
    mine = found.map(lambda row: "complaint" in row) & (frame["complaint"] < 0)
    frame = frame.assign(relabelled=mine)
    rows = [row if here else {} for row, here in zip(found, mine, strict=True)]
    for column in ("complaint", "topic", "severity"):
        before = frame[column] if column in frame else [None] * len(frame)
        frame[column] = [row.get(column, value) for row, value in zip(rows, before, strict=True)]
    return frame


def _grade(value: str) -> int | None:
    if value.isdigit():
        return max(0, int(value) - 1)
    return _X_CI.get(value)


def targets(frame: pd.DataFrame, spec: dict[str, Any]) -> dict[str, np.ndarray]:
    """Arrays of one value a row: sentiment (-1 unknown), two_class, weight, complaint (-1 unknown) and its weight,
    severity and topic (-1 unknown)."""
    n = len(frame)
    label = frame["label"].to_numpy(np.int64)
    heard = frame["heard"].fillna(False).to_numpy(bool) if "heard" in frame else np.zeros(n, bool)
    sets_own = frame["label"].where(~pd.Series(heard, frame.index), -1)
    neutral = sets_own.eq(1).groupby(frame["dataset"]).transform("any").to_numpy(bool) | heard
    kept = frame["dataset"].isin(spec["two_class_kept"]["sets"]).to_numpy()
    weight = frame["dataset"].map(spec["weight"]).fillna(1.0).to_numpy(np.float32)
    weight = np.where(kept, spec["two_class_kept"]["weight"], weight)
    moods = frame[(label >= 0) & ~heard].groupby(["dataset", "lang"])["label"].nunique()
    alone = pd.MultiIndex.from_frame(frame[["dataset", "lang"]]).isin(moods[moods == 1].index)
    weight = np.where(alone, 0.0, weight)  # else the language would tell the mood, as UMSAB's English rows did
    for name, lang in spec["doubted"]["sentiment"]:
        weight = np.where((frame["dataset"] == name) & (frame["lang"] == lang), 0.0, weight)
    weight = np.where(heard, spec["loss"]["heard"], weight)
    complaint = frame["complaint"].to_numpy(np.int64).copy()
    certainty = np.where(complaint >= 0, 1.0, 0.0)
    if "relabelled" in frame:
        certainty[frame["relabelled"].fillna(False).to_numpy(bool)] = spec["loss"]["relabelled"]
    for rule in spec["weak_complaint"].values():
        here = frame["domain"].isin(rule.get("domains", [])) | frame["dataset"].isin(rule.get("sets", []))
        for sentiment, value in ((0, rule.get("negative")), (2, rule.get("positive"))):
            rows = here.to_numpy() & (label == sentiment) & (complaint < 0)
            if value:
                complaint[rows], certainty[rows] = value
    return {
        "sentiment": label,
        "two_class": ~neutral & ~kept & (label >= 0),
        "weight": weight.astype(np.float32),
        "complaint": complaint,
        "complaint_weight": certainty.astype(np.float32),
        "severity": frame["severity"].map({s: i for i, s in enumerate(SEVERITIES)}).fillna(-1).to_numpy(np.int64),
        "topic": frame["topic"].map({t: i for i, t in enumerate(TOPICS)}).fillna(-1).to_numpy(np.int64)
        if "topic" in frame
        else np.full(n, -1),
        "dataset": frame["dataset"].to_numpy(str),
        "lang": frame["lang"].to_numpy(str),
    }


def _favoured(frame: pd.DataFrame, languages: list[str]) -> Iterator[tuple[str, bool]]:
    return zip(frame["text"], frame["lang"].isin(languages), strict=True)


def without_diacritics(text: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return plain.replace("ı", "i").replace("đ", "dj")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--data", "--base", "--out"):
        parser.add_argument(name, type=Path, required=True)
    args = parser.parse_args()
    spec = recipe()
    rng = random.Random(spec["seed"])
    args.out.mkdir(parents=True, exist_ok=True)

    frames = {}
    for split in ("train", "dev"):
        frame = labelled(args.data, split)
        frame["text"] = frame["text"].map(clean)
        frames[split] = frame[frame["text"] != ""]
    if not (args.out / "tokenizer.json").exists():
        spec_v = spec["vocabulary"]
        trimmed, order = trim(
            args.base / "tokenizer.json",
            _favoured(frames["train"], spec_v["favoured"]),
            spec_v["size"],
            spec_v["least"],
        )
        (args.out / "tokenizer.json").write_text(json.dumps(trimmed, ensure_ascii=False), encoding="utf-8")
        np.save(args.out / "pieces.npy", np.array(order, np.int32))
        print(f"vocabulary: {len(order)} pieces")
    (args.out / "teacher.npy").unlink(missing_ok=True)  # of other texts now: training.teach writes it anew
    tokenizer = Tokenizer.from_file(str(args.out / "tokenizer.json"))
    tokenizer.enable_truncation(spec["max_pieces"])
    for split, frame in frames.items():
        texts = [
            without_diacritics(t) if split == "train" and lang in _STRIP and rng.random() < 0.15 else t
            for t, lang in zip(frame["text"], frame["lang"], strict=True)
        ]
        ids = [e.ids for e in tokenizer.encode_batch(texts)]
        np.savez(
            args.out / f"{split}.npz",
            pieces=np.concatenate([np.array(i, np.int32) for i in ids]),
            start=np.cumsum([0] + [len(i) for i in ids]),
            **targets(frame, spec),
        )
        print(f"{split}: {len(ids)} texts, {np.mean([len(i) for i in ids]):.1f} pieces on average")


if __name__ == "__main__":
    main()
