"""Train the body and the head; resumable, seeded.

    python -m training.train --prepared DIR --base DIR --trial FILE --out DIR [--texts 60000] [--decay]

One run takes `--texts` texts drawn by the shares in recipe.toml. A run continues from `--out`/last.safetensors (and the
optimizer's state beside it) when it is there, so several runs in a row are one long training; the last of them gets
`--decay` (the rate falls to zero). `--bf16` is faster where the CPU multiplies bfloat16 itself (AMX, AVX-512 BF16).
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from rich.progress import Progress
from safetensors.torch import load_file, save_file
from torch import nn

from training.measure import dev_figures
from training.network import Network, split, start, word_vectors
from training.prepare import recipe


class Prepared:
    """One split as `prepare` wrote it."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as arrays:
            self.columns = {k: arrays[k] for k in arrays.files}
        self.pieces, self.start = self.columns.pop("pieces"), self.columns.pop("start")
        self.length = np.diff(self.start)
        if path.name == "train.npz" and (teacher := path.with_name("teacher.npy")).exists():
            self.columns["teacher"] = np.load(teacher)  # [texts, 3], zeros where it was not asked
            if len(self.columns["teacher"]) != len(self.length):
                raise ValueError(f"{teacher} is of other texts than {path.name}: run training.teach again")

    def batch(self, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Piece ids `[texts, longest]` (1 pads) and their mask."""
        ids = np.ones((len(rows), int(self.length[rows].max())), np.int64)
        for at, row in enumerate(rows):
            ids[at, : self.length[row]] = self.pieces[self.start[row] : self.start[row + 1]]
        mask = np.arange(ids.shape[1]) < self.length[rows][:, None]
        return torch.from_numpy(ids), torch.from_numpy(mask.astype(np.float32))


def draw(data: Prepared, share: dict[str, float], texts: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of `texts` texts, each set by its share, passes repeated until there are enough."""
    drawn: list[np.ndarray] = []
    while sum(map(len, drawn)) < texts:
        one: list[np.ndarray] = []
        for name in np.unique(data.columns["dataset"]):
            rows = np.flatnonzero(data.columns["dataset"] == name)
            wanted = share.get(str(name), share["other"]) * len(rows)
            whole, part = divmod(wanted, len(rows))
            one += [rows] * int(whole) + [rng.choice(rows, round(part), replace=False)]
        drawn.append(rng.permutation(np.concatenate(one)))
    return np.concatenate(drawn)[:texts]


def batches(data: Prepared, rows: np.ndarray, pieces: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Batches of texts of like length, about `pieces` pieces each, in random order."""
    made: list[np.ndarray] = []
    for chunk in np.array_split(rows, max(1, len(rows) // 4000)):
        chunk = chunk[np.argsort(data.length[chunk], kind="stable")]
        at, parts = 0, []
        while at < len(chunk):
            size = max(1, pieces // int(data.length[chunk[min(at + 40, len(chunk) - 1)]]))
            parts.append(chunk[at : at + size])
            at += size
        made += [parts[i] for i in rng.permutation(len(parts))]
    return made


def loss(logits: torch.Tensor, columns: dict[str, torch.Tensor], spec: dict[str, Any]) -> torch.Tensor:
    """Weighted mean of the heads' losses. Labels of -1 count nowhere; a two-class set's neutral logit is left out."""
    heads, weights = split(logits), spec["loss"]
    n = len(logits)
    sentiment = heads["sentiment"].clone()
    sentiment[:, 1] = torch.where(columns["two_class"], torch.full_like(sentiment[:, 1], -1e4), sentiment[:, 1])
    log_p = F.log_softmax(sentiment, 1)
    known = columns["sentiment"] >= 0
    hit = log_p.gather(1, columns["sentiment"].clamp(min=0)[:, None]).squeeze(1)
    others = torch.where(columns["two_class"][:, None] & (torch.arange(3) == 1), 0.0, log_p).sum(1)
    classes = 3.0 - columns["two_class"].float()
    e = weights["smoothing"]
    total = -(((1 - e) * hit + e * others / classes) * columns["weight"])[known].sum()
    if "teacher" in columns:
        agreement = (columns["teacher"] * F.log_softmax(heads["sentiment"], 1)).sum()
        total = total - weights["teacher"] * agreement
    c = columns["complaint"].clamp(min=0).float()
    c = c * (1 - e) + e / 2
    bce = F.binary_cross_entropy_with_logits(heads["complaint"].squeeze(1), c, reduction="none")
    total = total + weights["complaint"] * (bce * columns["complaint_weight"]).sum()
    for name in ("severity", "topic"):
        rows = columns[name] >= 0
        if rows.any():
            total = total + weights[name] * F.cross_entropy(heads[name][rows], columns[name][rows], reduction="sum")
    return total / n


def parameter_groups(network: Network, spec: dict[str, Any]) -> list[dict[str, Any]]:
    body = [p for n, p in network.bert.named_parameters() if p.requires_grad and p.ndim > 1]
    plain = [p for n, p in network.bert.named_parameters() if p.requires_grad and p.ndim == 1]
    return [
        {"params": body, "lr": spec["lr"], "weight_decay": spec["weight_decay"]},
        {"params": plain, "lr": spec["lr"], "weight_decay": 0.0},
        {"params": list(network.head.parameters()), "lr": spec["head_lr"], "weight_decay": 0.0},
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--prepared", "--base", "--out"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--trial", type=Path, help="a checkpoint or a shipped model to start from")
    parser.add_argument("--texts", type=int, default=60_000)
    parser.add_argument("--decay", action="store_true")
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--minutes", type=float, help="end by then, however many texts were seen (not repeatable)")
    parser.add_argument("--every", type=int, default=300, help="seconds between checkpoints")
    args = parser.parse_args()
    spec = recipe()
    args.out.mkdir(parents=True, exist_ok=True)
    last, log = args.out / "last.safetensors", args.out / "log.jsonl"
    runs = sum(1 for _ in log.open()) if log.exists() else 0
    rng = np.random.default_rng(spec["seed"] + runs)
    torch.manual_seed(spec["seed"] + runs)

    network = start(args.base, last if last.exists() else args.trial)
    vectors = word_vectors(args.base, np.load(args.prepared / "pieces.npy"))
    frozen = spec["body"]["frozen_layers"]
    network.learn(frozen)
    optimizer = torch.optim.AdamW(parameter_groups(network, spec["optimizer"]), betas=(0.9, 0.98), fused=True)
    rates = [g["lr"] for g in optimizer.param_groups]
    if (args.out / "optimizer.pt").exists():
        optimizer.load_state_dict(torch.load(args.out / "optimizer.pt"))
    average = {k: v.detach().clone() for k, v in network.named_parameters() if v.requires_grad}
    if (args.out / "average.safetensors").exists():
        average |= load_file(args.out / "average.safetensors")

    data = Prepared(args.prepared / "train.npz")
    share = spec["share"] | (spec["finish"] if args.decay else {})
    plan = batches(data, draw(data, share, args.texts, rng), spec["optimizer"]["batch_pieces"], rng)
    began, saved, running = time.monotonic(), time.monotonic(), 0.0
    with Progress(transient=True) as progress:
        bar = progress.add_task("training", total=len(plan))
        for step, rows in enumerate(plan):
            part = step / len(plan)
            if args.minutes:
                part = max(part, (time.monotonic() - began) / 60 / args.minutes)
                if part >= 1:
                    break
            rate = min(1.0, (step + 1) / spec["optimizer"]["warmup_steps"])
            if args.decay:
                rate *= 0.5 * (1 + math.cos(math.pi * part))
            for group, lr in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = lr * rate
            ids, mask = data.batch(rows)
            columns = {k: torch.from_numpy(v[rows]) for k, v in data.columns.items() if k not in ("dataset", "lang")}
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.bf16):
                with torch.no_grad():
                    states = network.lower(F.embedding(ids, vectors), mask, frozen)
                logits = network.upper(states, mask, frozen)[1]
            value = loss(logits.float(), columns, spec)
            optimizer.zero_grad()
            value.backward()
            nn.utils.clip_grad_norm_([p for g in optimizer.param_groups for p in g["params"]], 1.0)
            optimizer.step()
            keep = min(spec["optimizer"]["ema"], (step + 1 + 200 * (runs > 0)) / (step + 10 + 200 * (runs > 0)))
            for k, v in network.named_parameters():
                if v.requires_grad:
                    average[k].lerp_(v.detach(), 1 - keep)
            running += value.item()
            if step % 50 == 49:
                done = sum(len(r) for r in plan[: step + 1])
                rate_s = done / (time.monotonic() - began)
                print(f"{step + 1}/{len(plan)} loss {running / 50:.4f} {rate_s:.1f} texts/s", flush=True)
                running = 0.0
            if time.monotonic() - saved > args.every:
                saved = time.monotonic()
                save(network, average, optimizer, args.out)
            progress.advance(bar)
    save(network, average, optimizer, args.out)
    network.load_state_dict(average, strict=False)
    figures = dev_figures(network.eval(), vectors, Prepared(args.prepared / "dev.npz"))
    with log.open("a") as out:
        out.write(json.dumps({"texts": args.texts, "seconds": round(time.monotonic() - began), **figures}) + "\n")
    print(json.dumps(figures, indent=1))


def save(network: Network, average: dict[str, torch.Tensor], optimizer: torch.optim.Optimizer, out: Path) -> None:
    """The state to continue from and the moving average that is shipped, each replaced whole."""
    torch.save(optimizer.state_dict(), out / "optimizer.part")
    (out / "optimizer.part").replace(out / "optimizer.pt")
    state = {k: v for k, v in network.state_dict().items() if "word_embeddings" not in k}
    for name, tensors in (("last", state), ("average", average)):
        save_file({k: v.contiguous() for k, v in tensors.items()}, out / f"{name}.part")
        (out / f"{name}.part").replace(out / f"{name}.safetensors")


if __name__ == "__main__":
    main()
