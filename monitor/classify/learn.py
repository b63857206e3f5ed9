"""Learn from the team's corrections: a small layer on the embedded model's features.

`shift(features)` is added to the complaint logit. The layer is a ridge-penalised logistic regression fitted to the
corrections and, so that it cannot quietly forget, to a fixed sample of the model's own dev texts (anchors.npz beside
the model: features, logits and labels, no texts). It is used only if it does better on corrections held back from the
fit and no worse on a held-back part of the sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.classify.layer import Floats, Layer, read_history, read_layer, store_layers
from monitor.errors import ConfigurationError, Refused
from monitor.models import CorrectionRow, MentionRow

LEAST = 10  # corrections below which there is nothing to learn
PENALTY = 3.0
FORGETTING = 0.005  # how much of its accuracy on the fixed sample a layer may cost
STEPS = 200


class HasFeatures(Protocol):
    version: str
    threshold: float
    directory: Path

    def features(self, texts: Sequence[str]) -> tuple[Floats, Floats]: ...


@dataclass(frozen=True)
class Score:
    """How often the verdict complaint or not was right: on held-back corrections, and on the fixed sample."""

    corrections: float
    sample: float


@dataclass(frozen=True)
class Lesson:
    """What `firsthour learn` did. `why` says in words why the new layer was taken or left."""

    corrections: int
    held_back: int
    before: Score
    after: Score
    taken: bool
    why: str


@dataclass(frozen=True)
class Examples:
    features: Floats  # [texts, 384]
    logits: Floats  # the model's own complaint logit
    complaint: npt.NDArray[np.bool_]

    def part(self, rows: npt.NDArray[np.int64]) -> Examples:
        return Examples(self.features[rows], self.logits[rows], self.complaint[rows])

    def accuracy(self, threshold: float, layer: Layer | None) -> float:
        logits = self.logits + (layer.shifts(self.features) if layer else 0.0)
        return float(((1 / (1 + np.exp(-logits)) >= threshold) == self.complaint).mean())


def corrections(session: Session) -> list[tuple[str, bool]]:
    """Text and last word of every corrected mention that still has its text; in the order of the mentions."""
    rows = session.execute(
        select(MentionRow.id, MentionRow.text, CorrectionRow.complaint)
        .join(CorrectionRow, CorrectionRow.mention_id == MentionRow.id)
        .where(MentionRow.removed_at.is_(None), MentionRow.text != "")
        .order_by(MentionRow.id, CorrectionRow.at, CorrectionRow.id)
    )
    return list({row.id: (row.text, row.complaint) for row in rows}.values())


def learn(classifier: HasFeatures, said: Sequence[tuple[str, bool]], path: Path, now: datetime) -> Lesson:
    """Fit a layer to corrections `(text, complaint)` and write it to `path` if it is better than what is there.

    Raises Refused when there are too few corrections, ConfigurationError when the model has no fixed sample."""
    if len(said) < LEAST:
        raise Refused(f"{len(said)} corrections are too few to learn from: {LEAST} are needed")
    features, logits = classifier.features([text for text, _ in said])
    given = Examples(features, logits, np.array([c for _, c in said]))
    sample = anchors(classifier.directory)
    held, used = _split(len(said), 3)
    kept, fitted = _split(len(sample.complaint), 2)
    layer = _fit(given.part(used), sample.part(fitted), classifier.version, now)
    present = read_layer(path, classifier.version)
    before, after = (
        Score(
            round(given.part(held).accuracy(classifier.threshold, each), 4),
            round(sample.part(kept).accuracy(classifier.threshold, each), 4),
        )
        for each in (present, layer)
    )
    taken, why = _better(before, after)
    if taken:
        store_layers(path, [*read_history(path)[-4:], asdict(layer)])
    return Lesson(len(said), len(held), before, after, taken, why)


def undo(path: Path) -> str | None:
    """Take the last layer back; the name of the one in use now, None when it is the model alone. Raises Refused when
    nothing was learned."""
    history = read_history(path)
    if not history:
        raise Refused("nothing was learned that could be undone")
    history.pop()
    if history:
        store_layers(path, history)
    else:
        path.unlink()
    return str(history[-1]["name"]) if history else None


def anchors(directory: Path) -> Examples:
    """The fixed sample of dev texts that every layer is measured on."""
    try:
        with np.load(directory / "anchors.npz") as stored:
            return Examples(
                stored["features"].astype(np.float32), stored["logits"].astype(np.float32), stored["complaint"] > 0
            )
    except (OSError, KeyError, ValueError) as error:
        raise ConfigurationError(
            "classifier.model", f"{directory} has no fixed sample to learn against: {error}"
        ) from None


def _split(count: int, every: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows held back (one of `every`) and rows used, always the same ones."""
    order = np.random.default_rng(13).permutation(count)
    return np.sort(order[::every]), np.sort(np.delete(order, np.s_[::every]))


def _fit(given: Examples, sample: Examples, version: str, now: datetime) -> Layer:
    mean, spread = sample.features.mean(0), sample.features.std(0) + 1e-6
    x = np.concatenate([given.features, sample.features])
    x = (x - mean) / spread / np.sqrt(x.shape[1])
    base = np.concatenate([given.logits, sample.logits])
    gold = np.concatenate([given.complaint, sample.complaint]).astype(np.float32)
    # corrections together weigh as much as half the sample, however few they are
    each = np.concatenate(
        [
            np.full(len(given.complaint), 0.5 * len(sample.complaint) / len(given.complaint)),
            np.ones(len(sample.complaint)),
        ]
    )
    w, offset = np.zeros(x.shape[1]), 0.0
    for _ in range(STEPS):  # Newton's method needs a handful of steps; this is its safe cousin for 384 weights
        p = 1 / (1 + np.exp(-(base + x @ w + offset)))
        slope = each * (p - gold)
        curve = each * np.maximum(p * (1 - p), 1e-3)
        both = np.column_stack([x, np.ones(len(x))])
        gradient = both.T @ slope + np.append(PENALTY * w, 0.0)
        hessian = (both * curve[:, None]).T @ both + np.diag(np.append(np.full(len(w), PENALTY), 1e-3))
        step = np.linalg.solve(hessian, gradient)
        step *= min(1.0, 2.0 / float(np.abs(x @ step[:-1] + step[-1]).max() + 1e-9))
        w, offset = w - step[:-1], offset - float(step[-1])
        if np.abs(step).max() < 1e-4:
            break
    weights = w / np.sqrt(x.shape[1])
    name = f"learned-{now:%Y%m%dT%H%M%S}"
    rounded = [tuple(round(float(v), 6) for v in values) for values in (mean, spread, weights)]
    return Layer(name, version, rounded[0], rounded[1], rounded[2], round(offset, 6))


def _better(before: Score, after: Score) -> tuple[bool, str]:
    if after.sample < before.sample - FORGETTING:
        return False, "it would forget: the fixed sample got worse"
    if after.corrections <= before.corrections:
        return False, "it does no better on the corrections held back"
    return True, "better on the corrections held back, and nothing forgotten"
