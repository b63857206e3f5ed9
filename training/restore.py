"""Weights to go on training from, out of the shipped model: its 8-bit products turned back into floats.

What rounding took is not in them, and it is little: the labels of the restored body agree with the trained one's as
those of the shipped body do. So no checkpoint has to be kept beside the repository.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from training.graph import LAYERS, Weights

POSITIONS, TYPES = 512, 2  # as in the base model; the positions that no window reaches stay zero


def weights_of(model: Path) -> Weights:
    """Names as in BertModel under `bert.`, plus `head`; `model` is a directory written by training/export.py."""
    constant = {c.name: numpy_helper.to_array(c) for c in onnx.load(str(model / "body.onnx")).graph.initializer}
    e = "bert.embeddings"
    seen = constant["positions"]
    positions = np.zeros((POSITIONS, seen.shape[1]), np.float32)
    positions[: len(seen)] = seen  # the token type's vector is in them
    weights = {
        f"{e}.position_embeddings.weight": positions,
        f"{e}.token_type_embeddings.weight": np.zeros((TYPES, seen.shape[1]), np.float32),
        "head.weight": constant["head.w"],
        "head.bias": constant["head.b"],
    }
    for n in range(LAYERS):
        p = f"bert.encoder.layer.{n}"
        names = [f"{p}.attention.self.{k}" for k in ("query", "key", "value")]
        for name, bias in zip(names, np.split(constant[f"{n}.qkv.b"], 3), strict=True):
            weights |= {f"{name}.weight": _product(constant, name, f"{n}.qkv"), f"{name}.bias": bias}
        for name, part in (("attention.output", "out"), ("intermediate", "up"), ("output", "down")):
            dense = f"{p}.{name}.dense"
            weights[f"{dense}.weight"] = _product(constant, dense, f"{n}.{part}")
            weights[f"{dense}.bias"] = constant[f"{dense}.b"]
    weights |= {name: value for name, value in constant.items() if ".LayerNorm." in name}
    return weights


def _product(constant: dict[str, np.ndarray], name: str, key: str) -> np.ndarray:
    w = constant[f"{name}.w"].astype(np.float32)
    if f"{name}.ws" in constant:
        w = w * constant[f"{name}.ws"]
        if f"{key}.inv" in constant:
            w = w * constant[f"{key}.inv"][:, None]
    return np.ascontiguousarray(w.T)
