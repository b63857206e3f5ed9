"""What cells of hourly counts add up to, apart for every choice of dimensions: arithmetic alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.rollup_rows import MEASURES, MOODS

DIMENSIONS = ("brand", "source", "language", "topic")
LETTERS = "".join(name[0] for name in DIMENSIONS)
# what tallies are apart by; with three and four dimensions there would be as many hourly tallies as rollups
SHAPES = {
    grain: tuple("".join(letters) for n in range(most + 1) for letters in combinations(LETTERS, n))
    for grain, most in (("hour", 2), ("day", 4))
}
Numbers = NDArray[np.int64]
_COUNTS = len(MEASURES) * len(MOODS)
_MOOD = {mood: n for n, mood in enumerate(MOODS)}


class _Codes(dict[str, int]):
    """A number for each name, in the order in which they are met."""

    def __missing__(self, name: str) -> int:
        self[name] = len(self)
        return self[name]


@dataclass(frozen=True, slots=True)
class Cells:
    """Rollups as columns: the hour of each, the place of its value in `names` by dimension, its mood, its counts."""

    names: tuple[list[str], ...]
    hours: Numbers
    codes: tuple[Numbers, ...]
    moods: Numbers
    counts: tuple[Numbers, ...]

    def within(self, hours: Sequence[int]) -> Cells:
        kept = np.isin(self.hours, np.array(hours, np.int64))
        codes, counts = (tuple(column[kept] for column in columns) for columns in (self.codes, self.counts))
        return Cells(self.names, self.hours[kept], codes, self.moods[kept], counts)


def cells(parts: Iterable[Sequence[Any]]) -> Cells:
    """From rows of hour, brand, source, language, topic, sentiment, complaint and the three measures."""
    known = tuple(_Codes() for _ in DIMENSIONS)
    columns: list[list[Numbers]] = [[] for _ in range(6 + len(MEASURES))]
    for rows in parts:
        hours, *rest = zip(*rows, strict=True)
        named, (sentiments, complaints), counts = rest[:4], rest[4:6], rest[6:]
        moods = map(_MOOD.__getitem__, zip(sentiments, map(bool, complaints), strict=True))
        encoded = [map(codes.__getitem__, values) for codes, values in zip(known, named, strict=True)]
        for column, values in zip(columns, (hours, *encoded, moods, *counts), strict=True):
            column.append(np.fromiter(values, np.int64, len(rows)))
    hours_, *rest_ = (np.concatenate(column) if column else np.zeros(0, np.int64) for column in columns)
    names, codes = zip(*(_sorted(*each) for each in zip(known, rest_[:4], strict=True)), strict=True)
    return Cells(names, hours_, codes, rest_[4], tuple(rest_[5:]))


def _sorted(known: _Codes, codes: Numbers) -> tuple[list[str], Numbers]:
    """The names in their order, and each name's place among them."""
    names = sorted(known)
    place = np.zeros(len(known), np.int64)
    for n, name in enumerate(names):
        place[known[name]] = n
    return names, place[codes]


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
