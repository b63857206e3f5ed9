"""What corrections taught, as numbers in a file: a layer over the embedded model's features."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor.errors import ConfigurationError

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Layer:
    """What corrections taught. `mean` and `spread` bring features to one scale; it fits the model `version` only."""

    name: str
    version: str
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    weights: tuple[float, ...]
    offset: float

    def shift(self, features: Floats) -> float:
        """What is added to the complaint logit of a text with these features `[384]`."""
        return float(self.shifts(features[None])[0])

    def shifts(self, features: Floats) -> Floats:
        scaled = (features - np.array(self.mean, np.float32)) / np.array(self.spread, np.float32)
        return np.asarray(scaled @ np.array(self.weights, np.float32) + np.float32(self.offset), np.float32)


def read_layer(path: Path, version: str) -> Layer | None:
    """The layer in use, None where there is none or it was learned for another version of the model."""
    history = read_history(path)
    if not history or history[-1]["version"] != version:
        return None
    stored: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in history[-1].items()}
    try:
        return Layer(**stored)
    except TypeError as error:
        raise ConfigurationError("classifier.learned", f"{path} is not what was learned: {error}") from None


def read_history(path: Path) -> list[dict[str, Any]]:
    """Every layer that is kept, the one in use last."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        layers: list[dict[str, Any]] = stored["layers"]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        hint = "remove the file to go on without what was learned"
        raise ConfigurationError("classifier.learned", f"{path} cannot be read: {error}", hint) from None
    return layers


def store_layers(path: Path, layers: list[dict[str, Any]]) -> None:
    """Replace the file whole, so that a reader never sees half of it."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps({"layers": layers}), encoding="utf-8")
    part.replace(path)
