"""Learn to tell Tamil and Hindi in Latin letters: a table of letter groups for monitor/classify/language.py.

    python -m training.romanised --data DIR --out monitor/classify/romanised.json

Softmax regression over the 3- and 4-letter groups of a text's words: Tamil, Hindi, or any other language in Latin
letters. (Naive Bayes fails: both are mixed with English, so English words would count for them.)
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

import pandas as pd
import torch
import torch.nn.functional as F
from torch import nn

from monitor.classify.language import latin_words, letter_groups
from monitor.classify.text import clean
from training.prepare import own_texts

KEPT = 6000  # letter groups
CODES = ("ta", "hi")
A_LANGUAGE = 1500  # texts of each other language at most
ENGLISH = 6000
EPOCHS = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.manual_seed(13)
    frame = pd.read_parquet(args.data / "train.parquet", columns=["text", "lang"])
    frame = frame.groupby("lang").sample(frac=1, random_state=13)
    english = frame[frame["lang"] == "en"].head(ENGLISH)
    mixed = frame[frame["lang"].isin(CODES)].groupby("lang").head(8000)
    rest = frame[~frame["lang"].isin((*CODES, "en"))].groupby("lang").head(A_LANGUAGE)
    own = own_texts("train")[["text", "lang"]]
    frame = pd.concat([english, mixed, rest, own, own], ignore_index=True)

    texts, labels = [], []
    for text, lang in zip(frame["text"], frame["lang"], strict=True):
        words = latin_words(clean(text))
        if len(words) >= 2:
            texts.append(sorted(set(letter_groups(words))))
            labels.append(CODES.index(lang) + 1 if lang in CODES else 0)
    seen = Counter(g for groups in texts for g in groups)
    vocabulary = {g: i for i, (g, _) in enumerate(seen.most_common(KEPT))}
    rows = [torch.tensor([vocabulary[g] for g in groups if g in vocabulary]) for groups in texts]
    gold = torch.tensor(labels)
    balance = len(gold) / (3 * torch.bincount(gold, minlength=3).float())

    weights = nn.EmbeddingBag(len(vocabulary), 3, mode="sum")
    nn.init.zeros_(weights.weight)
    bias = nn.Parameter(torch.zeros(3))
    optimizer = torch.optim.Adam([*weights.parameters(), bias], lr=0.03)
    for epoch in range(EPOCHS):
        total = 0.0
        for part in torch.randperm(len(rows)).split(512):
            some = [rows[i] for i in part]
            sizes = torch.tensor([max(1, len(r)) for r in some])
            offsets = torch.cat([torch.zeros(1, dtype=torch.long), torch.tensor([len(r) for r in some]).cumsum(0)[:-1]])
            logits = weights(torch.cat(some), offsets) / sizes.sqrt()[:, None] + bias
            loss = F.cross_entropy(logits, gold[part], balance) + 2e-5 * weights.weight.square().sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(part)
        print(f"epoch {epoch + 1}: loss {total / len(rows):.4f}")
    table = (weights.weight - weights.weight[:, :1]).detach()[:, 1:]
    offset = (bias - bias[0]).detach()[1:]
    out = {
        code: {"": round(float(offset[n]), 2)}
        | {g: round(float(table[i, n]), 2) for g, i in sorted(vocabulary.items())}
        for n, code in enumerate(CODES)
    }
    args.out.write_text(json.dumps(out, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    print({k: len(v) for k, v in out.items()}, args.out.stat().st_size)


if __name__ == "__main__":
    main()
