"""Figures on the dev split, for choosing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F

from training.network import Network, split

if TYPE_CHECKING:
    from training.train import Prepared

SERVED = ("tr", "tl", "sr", "et", "ta")
COMPLAINT_SETS = ("complaints_acl19", "cesamard", "x_fincorp", "own", "plain")


def macro_f1(gold: np.ndarray, said: np.ndarray, classes: int) -> float:
    """Mean over the classes that occur in `gold` or `said` of F1, from 0 to 100."""
    scores = []
    for c in range(classes):
        hit = float(((gold == c) & (said == c)).sum())
        if (total := float((gold == c).sum() + (said == c).sum())) > 0:
            scores.append(2 * hit / total)
    return 100 * float(np.mean(scores)) if scores else float("nan")


@torch.no_grad()
def logits_of(network: Network, vectors: torch.Tensor, data: Prepared, rows: np.ndarray) -> np.ndarray:
    rows = np.asarray(rows)
    order = rows[np.argsort(data.length[rows], kind="stable")]
    out = np.zeros((len(data.length), 20), np.float32)
    for at in range(0, len(order), 64):
        part = order[at : at + 64]
        ids, mask = data.batch(part)
        out[part] = network(F.embedding(ids, vectors), mask)[1].float().numpy()
    return out[rows]


def wanted_rows(data: Prepared) -> np.ndarray:
    lang, name = data.columns["lang"], data.columns["dataset"]
    keep = (name == "umsab") | np.isin(lang, SERVED) | np.isin(name, COMPLAINT_SETS)
    return np.flatnonzero(keep & ~np.isin(name, ("sikayetvar_banks",)))


def dev_figures(network: Network, vectors: torch.Tensor, data: Prepared) -> dict[str, Any]:
    """Macro-F1 on dev: UMSAB by language and on average, the served languages, complaints by set, our own texts."""
    rows = wanted_rows(data)
    return figures(split(torch.from_numpy(logits_of(network, vectors, data, rows))), data, rows)


def figures(heads: dict[str, torch.Tensor], data: Prepared, rows: np.ndarray) -> dict[str, Any]:
    column = {k: v[rows] for k, v in data.columns.items()}
    said = heads["sentiment"].argmax(1).numpy()
    complaint = (heads["complaint"].squeeze(1) > 0).long().numpy()

    def sentiment(mask: np.ndarray) -> float:
        mask = mask & (column["sentiment"] >= 0)
        return round(macro_f1(column["sentiment"][mask], said[mask], 3), 1)

    umsab = column["dataset"] == "umsab"
    by_language = {lang: sentiment(umsab & (column["lang"] == lang)) for lang in np.unique(column["lang"][umsab])}
    result: dict[str, Any] = {"umsab": round(float(np.mean(list(by_language.values()))), 2), "umsab_by": by_language}
    own, plain = column["dataset"] == "own", column["dataset"] == "plain"
    result["sentiment"] = {lang: sentiment((column["lang"] == lang) & ~umsab & ~own & ~plain) for lang in SERVED}
    result["complaint"] = {}
    for name in COMPLAINT_SETS:
        mask = (column["dataset"] == name) & (column["complaint_weight"] == 1)
        if mask.any():
            result["complaint"][name] = round(macro_f1(column["complaint"][mask], complaint[mask], 2), 1)
    for lang in np.unique(column["lang"][own]):
        mask = own & (column["lang"] == lang)
        result["complaint"][f"own {lang}"] = round(macro_f1(column["complaint"][mask], complaint[mask], 2), 1)
    topic = own & (column["topic"] >= 0)
    if topic.any():
        result["topic"] = round(macro_f1(column["topic"][topic], heads["topic"].argmax(1).numpy()[topic], 12), 1)
        result["own sentiment"] = sentiment(own)
    return result
