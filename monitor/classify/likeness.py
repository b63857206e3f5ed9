"""How alike two texts are, by what the model saw in them: one byte for each feature, compared by their angle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]
    Bytes = npt.NDArray[np.int8]

CLOSE, CLOSE_AS_THEY_ARE = 0.3, 0.6  # cosine of what is alike; the first by `python -m benchmarks.similar`
RIDGE = 1e-3  # added to how much each direction varies (all of them: 0.3), so that no chance of the sample counts much


def pack(features: Floats) -> bytes:
    """Features as bytes that keep their direction, not their length."""
    import numpy as np  # here as below: most commands have cases but compare none

    largest = float(np.abs(features).max(initial=0.0))
    scaled = features * (127 / largest) if largest > 0 else features
    return np.rint(scaled).astype(np.int8).tobytes()


def likeness(one: bytes, others: Sequence[bytes | None]) -> Floats:
    """The cosine of `one` with each of `others`, from -1 to 1; -1 with what has no features, or those of a model of
    another size."""
    import numpy as np

    found = np.full(len(others), -1.0, np.float32)
    rows = [n for n, other in enumerate(others) if other is not None and len(other) == len(one)]
    if rows and one:
        mine = _unit(np.frombuffer(one, np.int8).astype(np.float32)[None])[0]
        theirs = np.frombuffer(b"".join(others[n] or b"" for n in rows), np.int8).reshape(len(rows), -1)
        found[rows] = _unit(theirs.astype(np.float32)) @ mine
    return found


def middle(several: Sequence[bytes | None]) -> bytes | None:
    """The direction that lies between those of `several`; None where there are none."""
    import numpy as np

    known = [one for one in several if one]
    alike = [np.frombuffer(one, np.int8).astype(np.float32) for one in known if len(one) == len(known[0])]
    return pack(np.asarray(_unit(np.stack(alike)).mean(0), np.float32)) if alike else None


class Space:
    """Features as cases are compared by them. The directions in which the model's fixed sample varies most, which tell
    complaints from the rest and one mood from another, say little of what a complaint is about: they count the less."""

    def __init__(self, width: int, sample: Floats | None = None) -> None:
        import numpy as np

        self.width, self._turn = width, None
        self.close = CLOSE_AS_THEY_ARE if sample is None else CLOSE
        if sample is not None:
            directions = _unit(sample)
            self._mean = directions.mean(0)
            varies, axes = np.linalg.eigh(np.cov((directions - self._mean).T))
            self._turn = np.asarray(axes / np.sqrt(np.maximum(varies, 0) + RIDGE), np.float32)

    def direction(self, features: bytes) -> Floats:
        """Where one text lies, as a vector of length 1."""
        found: Floats = _unit(self._turned(features))[0]
        return found

    def placed(self, features: bytes) -> tuple[Bytes, Floats]:
        """Where several texts lie, one behind the other in `features`: as bytes, with what makes each of length 1."""
        import numpy as np

        turned = self._turned(features)
        turned *= 127 / np.maximum(np.abs(turned).max(1, keepdims=True), 1e-6)
        rows = np.rint(turned).astype(np.int8)
        norms = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float32))
        return rows, (1 / np.maximum(norms, 1e-6)).astype(np.float32)

    def _turned(self, features: bytes) -> Floats:
        import numpy as np

        rows = np.frombuffer(features, np.int8).reshape(-1, self.width).astype(np.float32)
        return rows if self._turn is None else np.asarray((_unit(rows) - self._mean) @ self._turn, np.float32)


def space(directory: Path | None, width: int) -> Space:
    """Where features of this size are compared: by the fixed sample of the model in `directory`, else as they are."""
    import numpy as np

    if directory is not None and (directory / "anchors.npz").is_file():
        with np.load(directory / "anchors.npz") as stored:
            sample = stored["features"].astype(np.float32)
        if sample.shape[1] == width:
            return Space(width, sample)
    return Space(width)


def _unit(rows: Floats) -> Floats:
    import numpy as np

    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-6), np.float32)
