"""The mean of several checkpoints of one training: often better than each of them.

python -m training.mean CHECKPOINT... --out FILE
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", type=Path, nargs="+", help="average.safetensors of runs")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    found = [load_file(path) for path in args.checkpoints]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    save_file({k: np.mean([each[k] for each in found], axis=0, dtype=np.float32) for k in found[0]}, args.out)


if __name__ == "__main__":
    main()
