"""Find how each matrix product's input becomes 8 bits, from what flows through the float graph on training texts.

A channel's largest values are moved into the weights (SmoothQuant, Xiao et al. 2023): `x / s` is rounded, `s * W` is
stored. For every product the strength of that and the clipping are chosen by the error of its own output, measured
row by row so that the few pieces with huge values do not hide the many others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime

from training.graph import LAYERS, Graph, Range, Weights, columns

ALPHAS = (0.0, 0.5, 0.65, 0.8, 0.9, 1.0)
PERCENTILES = (100.0, 99.999, 99.99)
ROWS = 1000  # rows of activations on which a choice is measured


def session(model: Any, threads: int = 1) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def find_ranges(weights: Weights, vectors: np.ndarray, texts: Sequence[np.ndarray], seed: int) -> dict[str, Range]:
    """The range of each product's input; `vectors` is the table, `texts` are piece ids."""
    rng = np.random.default_rng(seed)
    keys = [f"{n}.{part}" for n in range(LAYERS) for part in ("qkv", "out", "up", "down")]
    seen: dict[str, list[np.ndarray]] = {k: [] for k in keys}
    watched = session(Graph(weights, watch=True).build())
    for pieces in texts:
        for key, value in zip(
            keys, watched.run([f"{k}.in" for k in keys], {"vectors": vectors[pieces][None]}), strict=True
        ):
            seen[key].append(value[0])
    found = {}
    for key in keys:
        found[key] = _best(np.concatenate(seen.pop(key)), _matrix(weights, key), rng)
    return found


def _matrix(weights: Weights, key: str) -> np.ndarray:
    n, part = key.split(".")
    names = {
        "qkv": ("attention.self.query", "attention.self.key", "attention.self.value"),
        "out": ("attention.output.dense",),
        "up": ("intermediate.dense",),
        "down": ("output.dense",),
    }[part]
    return np.concatenate([weights[f"bert.encoder.layer.{n}.{name}.weight"] for name in names]).T.astype(np.float32)


def _best(values: np.ndarray, matrix: np.ndarray, rng: np.random.Generator) -> Range:
    rows = values[rng.choice(len(values), min(ROWS, len(values)), replace=False)]
    wanted = rows @ matrix
    size = (wanted**2).mean(1)
    best, least = None, np.inf
    for alpha in ALPHAS:
        smooth = _smooth(values, matrix, alpha) if alpha else None
        for percentile in PERCENTILES:
            choice = _range(values, smooth, percentile)
            error = float((((_rounded(rows, choice, matrix) - wanted) ** 2).mean(1) / size).mean())
            if error < least:
                best, least = choice, error
    assert best is not None
    return best


def _smooth(values: np.ndarray, matrix: np.ndarray, alpha: float) -> np.ndarray:
    largest, weight = (np.maximum(np.abs(a).max(axis), 1e-3) for a, axis in ((values, 0), (matrix, 1)))
    s = largest**alpha / weight ** (1 - alpha)
    return np.asarray(s / np.exp(np.log(s).mean()), np.float32)


def _range(values: np.ndarray, smooth: np.ndarray | None, percentile: float) -> Range:
    if smooth is not None:
        values = values / smooth
    low, high = min(0.0, np.percentile(values, 100 - percentile)), max(0.0, np.percentile(values, percentile))
    scale = (high - low) / 255
    return Range(smooth, float(scale), int(np.clip(round(-low / scale), 0, 255)))


def _rounded(rows: np.ndarray, choice: Range, matrix: np.ndarray) -> np.ndarray:
    """The product as the 8-bit graph computes it."""
    smooth = choice.smooth if choice.smooth is not None else np.ones(rows.shape[1], np.float32)
    whole = np.clip(np.round(rows / smooth / choice.scale) + choice.zero, 0, 255) - choice.zero
    stored, scale = columns(matrix * smooth[:, None])
    return (whole * choice.scale).astype(np.float32) @ (stored.astype(np.float32) * scale)


def logits(model: Any, vectors: np.ndarray, texts: Sequence[np.ndarray], threads: int = 1) -> np.ndarray:
    """What an exported graph says of texts given as piece ids: `[texts, 20]`."""
    return run(session(model, threads), vectors, texts)["logits"]


def run(body: Any, vectors: np.ndarray, texts: Sequence[np.ndarray]) -> Mapping[str, np.ndarray]:
    lengths = np.array([len(t) for t in texts])
    out: dict[str, np.ndarray] = {}
    for length in np.unique(lengths):
        here = np.flatnonzero(lengths == length)
        for at in range(0, len(here), 32):
            rows = here[at : at + 32]
            parts = body.run(["features", "logits"], {"vectors": vectors[np.stack([texts[i] for i in rows])]})
            for name, value in zip(("features", "logits"), parts, strict=True):
                out.setdefault(name, np.zeros((len(texts), value.shape[1]), np.float32))[rows] = value
    return out


def agreement(wanted: np.ndarray, got: np.ndarray) -> dict[str, float]:
    """How far the 8-bit logits are from the float ones: share of equal labels, distance of probabilities."""
    a, b = (np.exp(x[:, :3] - x[:, :3].max(1, keepdims=True)) for x in (wanted, got))
    a, b = a / a.sum(1, keepdims=True), b / b.sum(1, keepdims=True)
    p, q = (1 / (1 + np.exp(-x[:, 3])) for x in (wanted, got))
    apart = np.abs(a - b).max(1)
    return {
        "sentiment": round(float((a.argmax(1) == b.argmax(1)).mean()), 4),
        "complaint": round(float(((p > 0.5) == (q > 0.5)).mean()), 4),
        "sentiment_p_mean": round(float(apart.mean()), 4),
        "sentiment_p_95": round(float(np.percentile(apart, 95)), 4),
        "complaint_p_mean": round(float(np.abs(p - q).mean()), 4),
        "complaint_p_95": round(float(np.percentile(np.abs(p - q), 95)), 4),
    }
