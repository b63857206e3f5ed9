"""What trimming the vocabulary changes: the same body on dev, once with the base's whole tokenizer, once with ours.

    python -m training.trimming --data DIR --prepared DIR --base DIR --trial FILE [--checkpoint FILE] [--rows 3000]

Prints how many verdicts stay the same, and macro-F1 with either vocabulary beside the spread of 200 bootstrap
resamples.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from rich.progress import track
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from monitor.classify.text import clean
from training.evaluate import spread
from training.export import body_weights
from training.graph import Graph
from training.measure import COMPLAINT_SETS, SERVED, macro_f1
from training.prepare import labelled, recipe
from training.quantise import logits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--data", "--prepared", "--base", "--trial"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--rows", type=int, default=3000)
    args = parser.parse_args()
    spec = recipe()

    frame = labelled(args.data, "dev")
    frame = frame[frame["lang"].isin(SERVED) | frame["dataset"].isin(["umsab", *COMPLAINT_SETS])]
    frame = frame.sample(min(args.rows, len(frame)), random_state=spec["seed"])
    frame = frame.assign(text=frame["text"].map(clean)).query("text != ''")

    base = load_file(args.base / "model.safetensors")
    table = base[next(k for k in base if k.endswith("word_embeddings.weight"))]
    kept = np.load(args.prepared / "pieces.npy")
    body = Graph(body_weights(args.trial, args.checkpoint)).build()
    seen = {}
    both = {"whole": (args.base, table), "trimmed": (args.prepared, table[kept])}
    for name, (directory, vectors) in track(both.items(), description="judging"):
        tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
        tokenizer.enable_truncation(spec["max_pieces"])
        tokenizer.no_padding()
        texts = [np.array(e.ids) for e in tokenizer.encode_batch(list(frame["text"]))]
        seen[name] = (logits(body, vectors.astype(np.float32), texts, threads=2), np.mean([len(t) for t in texts]))

    (whole, long), (trimmed, short) = seen["whole"], seen["trimmed"]
    result = {
        "texts": len(frame),
        "pieces a text": {"whole": round(float(long), 2), "trimmed": round(float(short), 2)},
        "same sentiment": round(float((whole[:, :3].argmax(1) == trimmed[:, :3].argmax(1)).mean()), 4),
        "same complaint": round(float(((whole[:, 3] > 0) == (trimmed[:, 3] > 0)).mean()), 4),
    }
    label, complaint = frame["label"].to_numpy(), frame["complaint"].to_numpy()
    for name, said in (("whole", whole), ("trimmed", trimmed)):
        mood, word = label >= 0, complaint >= 0
        said_mood, said_word = said[mood, :3].argmax(1), (said[word, 3] > 0).astype(int)
        gold_mood, gold_word = label[mood], complaint[word]
        result[name] = {
            "sentiment macro-F1 ± spread": spread(
                lambda i, g=gold_mood, s=said_mood: macro_f1(g[i], s[i], 3), len(gold_mood)
            ),
            "complaint macro-F1 ± spread": spread(
                lambda i, g=gold_word, s=said_word: macro_f1(g[i], s[i], 2), len(gold_word)
            ),
        }
    print(json.dumps(result, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
