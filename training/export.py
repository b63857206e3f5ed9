"""Write the shipped model: a checkpoint becomes the files under monitor/classify/model.

    python -m training.export --prepared DIR --base DIR --trial FILE [--checkpoint FILE] --out DIR --version NAME
        [--float]

`--trial` holds a whole body (a checkpoint, or a directory written here before); `--checkpoint` (average.safetensors
of a run) is laid over it. Afterwards run training.calibrate, which adds calibration.json.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from safetensors.numpy import load_file

from training.graph import Graph, Weights
from training.prepare import recipe
from training.quantise import agreement, find_ranges, logits
from training.restore import weights_of

BLOCK = np.dtype([("scale", "<f2"), ("values", "u1", 16)])
OUTPUTS = 20


def body_weights(trial: Path, checkpoint: Path | None) -> Weights:
    found = weights_of(trial) if trial.is_dir() else load_file(trial)
    weights = {k: v.astype(np.float32) for k, v in found.items() if "word_embeddings" not in k}
    if checkpoint:
        weights |= {k: v.astype(np.float32) for k, v in load_file(checkpoint).items() if "word_embeddings" not in k}
    for name in ("head.weight", "head.bias"):  # an earlier checkpoint has fewer outputs; the others stay silent
        short = weights[name]
        weights[name] = np.zeros((OUTPUTS, *short.shape[1:]), np.float32)
        weights[name][: len(short)] = short
    return weights


def blocks(table: np.ndarray) -> np.ndarray:
    """The table as blocks of 32 four-bit values with one f16 scale, exactly: the base's table was such blocks.
    Values 0 to 15 of a block are its low four bits, 16 to 31 the high ones, each 8 above its meaning."""
    flat = table.reshape(-1, 32).astype(np.float32)
    out = np.zeros(len(flat), BLOCK)
    out["values"] = 0x88
    largest = flat[np.arange(len(flat)), np.abs(flat).argmax(1)]
    todo = np.flatnonzero(largest != 0)
    for steps in (-8, 8, 7, 6, 5, 4, 3, 2, 1):
        if not len(todo):
            break
        scale = (largest[todo] / steps).astype(np.float16)
        whole = np.round(flat[todo] / scale.astype(np.float32)[:, None])
        fits = (np.abs(whole + 0.5) <= 8).all(1) & (whole * scale.astype(np.float32)[:, None] == flat[todo]).all(1)
        rows, values = todo[fits], (whole[fits] + 8).astype(np.uint8)
        out["scale"][rows] = scale[fits]
        out["values"][rows] = values[:, :16] | values[:, 16:] << 4
        todo = todo[~fits]
    if len(todo):
        raise ValueError(
            f"{len(todo)} blocks of the word table are not 4-bit blocks: is this the base it was trained on?"
        )
    return out


def table_of(stored: np.ndarray, width: int) -> np.ndarray:
    values = np.concatenate([stored["values"] & 15, stored["values"] >> 4], 1).astype(np.float32) - 8
    return (values * stored["scale"].astype(np.float32)[:, None]).reshape(-1, width)


def sample(path: Path, texts: int, seed: int) -> list[np.ndarray]:
    """Piece ids of some texts, the languages and sets that matter most drawn more often."""
    with np.load(path) as arrays:
        name, lang, start, pieces = (arrays[k] for k in ("dataset", "lang", "start", "pieces"))
    weight = np.where(name == "umsab", 6.0, 1.0)
    weight = np.where(np.isin(lang, ("tr", "tl", "sr", "et", "ta")), 3.0, weight)
    weight = np.where(name == "own", 10.0, weight)
    rows = np.random.default_rng(seed).choice(len(name), texts, replace=False, p=weight / weight.sum())
    return [pieces[start[i] : start[i + 1]] for i in rows]


def write_tokenizer(prepared: Path, base: Path, out: Path, pieces: int, version: str) -> None:
    shutil.copyfile(prepared / "tokenizer.json", out / "tokenizer.json")
    config: dict[str, Any] = json.loads((base / "tokenizer_config.json").read_text(encoding="utf-8"))
    config.pop("mask_token", None)
    (out / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    config |= {"vocab_size": pieces, "firsthour_version": version}
    (out / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--prepared", "--base", "--trial", "--out"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--version", required=True, help="told with every verdict")
    parser.add_argument("--float", action="store_true", help="keep float products: to compare with")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    seed = recipe()["seed"]

    weights = body_weights(args.trial, args.checkpoint)
    base = load_file(args.base / "model.safetensors")
    full = base[next(k for k in base if k.endswith("word_embeddings.weight"))]
    vectors = full[np.load(args.prepared / "pieces.npy")].astype(np.float32)
    stored = blocks(vectors)
    if not np.array_equal(table_of(stored, vectors.shape[1]), vectors):
        raise ValueError("the stored word table differs from the base's")
    stored.tofile(args.out / "embeddings.bin")
    write_tokenizer(args.prepared, args.base, args.out, len(vectors), args.version)

    plain = Graph(weights).build()
    model = plain
    if not args.float:
        ranges = find_ranges(weights, vectors, sample(args.prepared / "train.npz", 160, seed), seed)
        model = Graph(weights, ranges).build()
        held = sample(args.prepared / "dev.npz", 600, seed)
        print(json.dumps(agreement(logits(plain, vectors, held), logits(model, vectors, held)), indent=1))
    onnx.save(model, str(args.out / "body.onnx"))
    print({f.name: f"{f.stat().st_size / 1e6:.1f} MB" for f in sorted(args.out.iterdir())})


if __name__ == "__main__":
    main()
