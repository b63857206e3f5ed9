"""Write the trained body as ONNX: word vectors `[texts, pieces, 384]` in, features and logits out.

Texts of one call have the same number of pieces, so there is no padding and no mask: attention runs on ONNX Runtime's
fast path, and nothing is spent on padding. The graph is written node by node with the operators that are fast on a
CPU, in float or with 8-bit matrix products. Products take static ranges found on training texts (training/quantise.py),
so that what a text gets never depends on the texts beside it in a batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HEADS, LAYERS, EPSILON = 12, 12, 1e-12
POSITIONS = 128  # the longest window, with room
Weights = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Range:
    """How the input of one product becomes 8 bits: divided by `smooth` (one value a channel; it is multiplied into the
    weights), then `round(x / scale) + zero`."""

    smooth: np.ndarray | None
    scale: float
    zero: int


class Graph:
    def __init__(self, weights: Weights, ranges: Mapping[str, Range] | None = None, watch: bool = False) -> None:
        self.weights, self.ranges, self.watch = weights, ranges or {}, watch
        self.nodes: list[Any] = []
        self.constants: dict[str, np.ndarray] = {}

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants[name] = np.ascontiguousarray(value)
        return name

    def add(self, kind: str, inputs: list[str], name: str, domain: str = "", **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, domain=domain, **attributes))
        return name

    def ms(self, kind: str, inputs: list[str], name: str, **attributes: Any) -> str:
        return self.add(kind, inputs, name, domain="com.microsoft", **attributes)

    def eight(self, x: str, key: str) -> str:
        """`x` in 8 bits by the range of `key`."""
        r = self.ranges[key]
        if r.smooth is not None:
            x = self.add("Mul", [x, self.constant(f"{key}.inv", (1 / r.smooth).astype(np.float32))], f"{key}.smoothed")
        scale = self.constant(f"{key}.scale", np.float32(r.scale))
        zero = self.constant(f"{key}.zero", np.uint8(r.zero))
        return self.add("QuantizeLinear", [x, scale, zero], f"{key}.q")

    def product(self, x: str, names: list[str], key: str, bias: bool = False) -> list[str]:
        """`x` times the weights of each of `names`, which share the input range `key`."""
        if self.watch:
            self.nodes.append(helper.make_node("Identity", [x], [f"{key}.in"]))
        if key not in self.ranges:
            return [self._float(x, n, bias) for n in names]
        q = self.eight(x, key)
        return [self._eight_bit(q, n, key, bias) for n in names]

    def _float(self, x: str, name: str, bias: bool) -> str:
        y = self.add("MatMul", [x, self.constant(f"{name}.w", self.weights[f"{name}.weight"].T)], f"{name}.y")
        if not bias:
            return y
        return self.add("Add", [y, self.constant(f"{name}.b", self.weights[f"{name}.bias"])], f"{name}.yb")

    def _eight_bit(self, q: str, name: str, key: str, bias: bool) -> str:
        r = self.ranges[key]
        w = self.weights[f"{name}.weight"].T.astype(np.float32)
        if r.smooth is not None:
            w = w * r.smooth[:, None]
        whole, scale = columns(w)
        inputs = [
            q,
            self.constant(f"{name}.w", whole),
            f"{key}.scale",
            self.constant(f"{name}.ws", scale),
            f"{key}.zero",
            self.constant(f"{name}.wz", np.zeros(len(scale), np.int8)),
        ]
        if bias:
            inputs.append(self.constant(f"{name}.b", self.weights[f"{name}.bias"]))
        return self.ms("MatMulIntegerToFloat", inputs, f"{name}.y")

    def norm(self, x: str, skip: str, name: str) -> str:
        sides = [self.constant(f"{name}.{part}", self.weights[f"{name}.{part}"]) for part in ("weight", "bias")]
        # twice as fast as the fused SkipLayerNormalization, which is scalar code on a CPU
        total = self.add("Add", [x, skip], f"{name}.sum")
        return self.add("LayerNormalization", [total, *sides], f"{name}.y", epsilon=EPSILON, axis=-1)

    def build(self) -> onnx.ModelProto:
        e = "bert.embeddings"
        first = self.weights[f"{e}.token_type_embeddings.weight"][:1]
        table = self.constant("positions", self.weights[f"{e}.position_embeddings.weight"][:POSITIONS] + first)
        zero, one = (self.constant(n, np.full(1, v, np.int64)) for n, v in (("zero", 0), ("one", 1)))
        pieces = self.add("Shape", ["vectors"], "pieces", start=1, end=2)
        positions = self.add("Slice", [table, zero, pieces, zero], "positions.here")
        x = self.add("Add", ["vectors", self.add("Unsqueeze", [positions, zero], "positions.row")], "placed")
        sides = [self.constant(f"{e}.LayerNorm.{p}", self.weights[f"{e}.LayerNorm.{p}"]) for p in ("weight", "bias")]
        x = self.add("LayerNormalization", [x, *sides], "start", epsilon=EPSILON, axis=-1)
        for n in range(LAYERS):
            x = self.layer(x, n)
        self.add("ReduceMean", [x, one], "features", keepdims=0)
        self.constant("head.w", self.weights["head.weight"])
        self.constant("head.b", self.weights["head.bias"])
        self.add("Gemm", ["features", "head.w", "head.b"], "logits", transB=1)
        return self.model()

    def layer(self, x: str, n: int) -> str:
        p = f"bert.encoder.layer.{n}"
        names = [f"{p}.attention.self.{k}" for k in ("query", "key", "value")]
        q, k, v = self.product(x, names, f"{n}.qkv")
        bias = self.constant(f"{n}.qkv.b", np.concatenate([self.weights[f"{name}.bias"] for name in names]))
        context = self.ms("MultiHeadAttention", [q, k, v, bias], f"{n}.context", num_heads=HEADS)
        (y,) = self.product(context, [f"{p}.attention.output.dense"], f"{n}.out", bias=True)
        x = self.norm(y, x, f"{p}.attention.output.LayerNorm")
        (y,) = self.product(x, [f"{p}.intermediate.dense"], f"{n}.up", bias=True)
        y = self.add("Gelu", [y], f"{n}.gelu")
        (y,) = self.product(y, [f"{p}.output.dense"], f"{n}.down", bias=True)
        return self.norm(y, x, f"{p}.output.LayerNorm")

    def model(self) -> onnx.ModelProto:
        width = self.weights["bert.embeddings.LayerNorm.weight"].shape[0]

        def f(name: str, shape: list[Any]) -> Any:
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

        outputs = [f("features", ["texts", width]), f("logits", ["texts", len(self.weights["head.bias"])])]
        if self.watch:
            outputs += [f(f"{n}.{part}.in", None) for n in range(LAYERS) for part in ("qkv", "out", "up", "down")]
        graph = helper.make_graph(
            self.nodes,
            "firsthour",
            [f("vectors", ["texts", "pieces", width])],
            outputs,
            [numpy_helper.from_array(v, k) for k, v in self.constants.items()],
        )
        imports = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=imports, ir_version=9, producer_name="firsthour")


def columns(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`w` as 8-bit whole numbers and one scale a column."""
    scale = np.maximum(np.abs(w).max(0), 1e-8) / 127
    return np.clip(np.round(w / scale), -127, 127).astype(np.int8), scale.astype(np.float32)
