"""How alike two texts are, by what the model saw in them: one byte for each feature, compared by their angle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]


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


def _unit(rows: Floats) -> Floats:
    import numpy as np

    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-6), np.float32)
