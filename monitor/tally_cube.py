"""What cells of hourly counts add up to, apart for every choice of dimensions: arithmetic alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from monitor.cells import DIMENSIONS, Cells, Numbers
from monitor.rollup_rows import MEASURES, MOODS

LETTERS = "".join(name[0] for name in DIMENSIONS)
# what tallies are apart by; with three and four dimensions there would be as many hourly tallies as rollups
SHAPES = {
    grain: tuple("".join(letters) for n in range(most + 1) for letters in combinations(LETTERS, n))
    for grain, most in (("hour", 2), ("day", 4))
}
_COUNTS = len(MEASURES) * len(MOODS)


@dataclass(frozen=True, slots=True)
class _Sums:
    """One shape: a bucket and a place by dimension (where it is apart by it), and what is counted there."""

    buckets: Numbers
    codes: dict[str, Numbers]
    counts: Numbers


def tallies(found: Cells, grain: str, buckets: Numbers) -> Iterator[tuple[Any, ...]]:
    """The rows of the table, in the order of its key, where each cell belongs to the bucket beside it."""
    names = dict(zip(LETTERS, found.names, strict=True))
    sums = _all_shapes(found, grain, buckets)
    for apart in sorted(sums):
        shape = sums[apart]
        length = len(shape.buckets)
        named = (
            [names[letter][code] for code in shape.codes[letter].tolist()] if letter in apart else [""] * length
            for letter in LETTERS
        )
        counts = shape.counts.T.tolist()
        yield from zip([grain] * length, [apart] * length, shape.buckets.tolist(), *named, *counts, strict=True)


def _all_shapes(found: Cells, grain: str, buckets: Numbers) -> dict[str, _Sums]:
    """The finest from the cells, each other one from the smallest that it can be had from."""
    sums: dict[str, _Sums] = {}
    for apart in reversed(SHAPES[grain]):
        finer = [shape for letters, shape in sums.items() if set(apart) < set(letters)]
        if finer:
            sums[apart] = _coarser(min(finer, key=lambda shape: len(shape.buckets)), apart, found)
        else:
            sums[apart] = _finest(found, buckets, apart)
    return sums


def _finest(found: Cells, buckets: Numbers, apart: str) -> _Sums:
    codes = {letter: found.codes[LETTERS.index(letter)] for letter in apart}
    first, group = _grouped(buckets, codes, found)
    length = len(first) * len(MOODS)
    counted = [np.bincount(group * len(MOODS) + found.moods, counts, length) for counts in found.counts]
    counts = np.stack(counted).reshape(len(MEASURES), len(first), len(MOODS)).transpose(1, 0, 2)
    whole = np.rint(counts).astype(np.int64).reshape(len(first), _COUNTS)
    return _Sums(buckets[first], {letter: column[first] for letter, column in codes.items()}, whole)


def _coarser(finer: _Sums, apart: str, found: Cells) -> _Sums:
    codes = {letter: finer.codes[letter] for letter in apart}
    first, group = _grouped(finer.buckets, codes, found)
    begins = np.cumsum(np.bincount(group, minlength=len(first))) - np.bincount(group, minlength=len(first))
    together = finer.counts[np.argsort(group, kind="stable")]
    counts = np.add.reduceat(together, begins) if len(first) else together
    return _Sums(finer.buckets[first], {letter: column[first] for letter, column in codes.items()}, counts)


def _grouped(buckets: Numbers, codes: dict[str, Numbers], found: Cells) -> tuple[Numbers, Numbers]:
    """Where each group is first met, in the order of the key; which group each belongs to."""
    key = buckets - (buckets.min() if len(buckets) else 0)
    for letter, column in codes.items():
        key = key * len(found.names[LETTERS.index(letter)]) + column
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    return first, group
