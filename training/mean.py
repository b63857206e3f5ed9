"""The weighted mean of checkpoints of one lineage: often better than each of them.

    python -m training.mean CHECKPOINT... --out FILE [--weights 0.3 0.7]

A checkpoint is last.safetensors or average.safetensors of a run (an average holds only what was trained), another of
the same names, or a directory that training/export.py wrote. Outputs that one of them lacks are the others' alone.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from training.graph import Weights
from training.restore import weights_of

_POSITIONS, _TYPES = (f"bert.embeddings.{kind}_embeddings.weight" for kind in ("position", "token_type"))


def read(path: Path) -> Weights:
    """The weights in float; the token type's vector, the same for every piece, moves into the positions'."""
    found = weights_of(path) if path.is_dir() else load_file(path)
    weights = {k: np.array(v, np.float32) for k, v in found.items() if "word_embeddings" not in k and "pooler" not in k}
    if _TYPES in weights:
        weights[_POSITIONS] = weights[_POSITIONS] + weights[_TYPES][0]
        weights[_TYPES] = np.zeros_like(weights[_TYPES])
    return weights


def mean(parts: list[tuple[float, Weights]]) -> dict[str, np.ndarray]:
    """Weights are relative. A row that is all zero (a position that no text reached) counts for nothing."""
    out: dict[str, np.ndarray] = {}
    for name in dict.fromkeys(name for _, weights in parts for name in weights):
        given = [(share, weights[name]) for share, weights in parts if name in weights]
        longest = max((value for _, value in given), key=len)
        total, shares = np.zeros_like(longest), np.zeros((len(longest),) + (1,) * (longest.ndim - 1), np.float32)
        for share, value in given:
            used = share * (np.abs(value).reshape(len(value), -1).sum(1) > 0) if name == _POSITIONS else share
            total[: len(value)] += share * value
            shares[: len(value)] += np.reshape(np.broadcast_to(used, len(value)), (-1,) + (1,) * (value.ndim - 1))
        out[name] = np.ascontiguousarray(total / np.where(shares == 0, 1, shares))
    return out


def with_checkpoints(parser: argparse.ArgumentParser) -> tuple[argparse.Namespace, list[float]]:
    """The arguments, among them one or more `checkpoints`, and the weight of each from `--weights`."""
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument(
        "--weights", type=float, nargs="+", help="one for each checkpoint; without them, the same for all"
    )
    args = parser.parse_args()
    shares = args.weights or [1.0] * len(args.checkpoints)
    if len(shares) != len(args.checkpoints):
        parser.error(f"{len(args.checkpoints)} checkpoints, but {len(shares)} weights")
    return args, shares


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    args, shares = with_checkpoints(parser)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    save_file(mean([(share, read(path)) for share, path in zip(shares, args.checkpoints, strict=True)]), args.out)


if __name__ == "__main__":
    main()
