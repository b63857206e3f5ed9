"""Let checkpoints say the moods of training posts, for the student to learn beside the labels.

    python -m training.teach CHECKPOINT... --prepared DIR --base DIR [--weights 0.6 0.4] [--bf16]

For the sets and languages under `[teacher]` in recipe.toml, the weighted mean of the checkpoints' probabilities of the
three sentiments goes to PREPARED/teacher.npy: `[texts, 3]` float32, zeros where nobody was asked. It carries what the
labels here do not: where the line runs in English, of which UMSAB's training rows are all negative, and in Hindi, whose
labels belong to other texts. Two checkpoints together do better on dev than each alone; the student keeps most of that.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from training.mean import with_checkpoints
from training.measure import logits_of
from training.network import split, start, word_vectors
from training.prepare import recipe
from training.train import Prepared


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--prepared", "--base"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--bf16", action="store_true")
    args, shares = with_checkpoints(parser)
    spec = recipe()["teacher"]
    data = Prepared(args.prepared / "train.npz")
    vectors = word_vectors(args.base, np.load(args.prepared / "pieces.npy"))
    rows = np.flatnonzero(
        np.isin(data.columns["dataset"], spec["sets"]) & np.isin(data.columns["lang"], spec["languages"])
    )
    said = np.zeros((len(data.length), 3), np.float32)
    for share, checkpoint in zip(shares, args.checkpoints, strict=True):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.bf16):
            logits = torch.from_numpy(logits_of(start(args.base, checkpoint).eval(), vectors, data, rows))
        said[rows] += share / sum(shares) * split(logits)["sentiment"].softmax(1).numpy()
    np.save(args.prepared / "teacher.npy", said)
    print(f"{len(rows)} texts")


if __name__ == "__main__":
    main()
