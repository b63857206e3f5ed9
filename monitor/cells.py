"""Hourly counts as columns of numbers, for arithmetic over many at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.rollup_rows import MEASURES, MOODS

DIMENSIONS = ("brand", "source", "language", "topic")
Numbers = NDArray[np.int64]
_MOOD = {mood: n for n, mood in enumerate(MOODS)}


class _Codes(dict[str, int]):
    """A number for each name, in the order in which they are met."""

    def __missing__(self, name: str) -> int:
        self[name] = len(self)
        return self[name]


@dataclass(frozen=True, slots=True)
class Cells:
    """Rollups as columns: the hour of each, the place of its value in `names` by dimension, its mood, its counts.
    `names` are in their order."""

    names: tuple[list[str], ...]
    hours: Numbers
    codes: tuple[Numbers, ...]
    moods: Numbers
    counts: tuple[Numbers, ...]

    def within(self, hours: Sequence[int]) -> Cells:
        kept = np.isin(self.hours, np.array(hours, np.int64))
        codes, counts = (tuple(column[kept] for column in columns) for columns in (self.codes, self.counts))
        return Cells(self.names, self.hours[kept], codes, self.moods[kept], counts)

    def together(self) -> Cells:
        """One for each key, in the order of the table's key."""
        (brands, sources, languages, topics), sizes = self.codes, [len(names) for names in self.names]
        hours = self.hours - (self.hours.min() if len(self.hours) else 0)
        parts = [(brands, sizes[0]), (hours, int(hours.max(initial=0)) + 1), (sources, sizes[1]), (languages, sizes[2])]
        parts += [(self.moods // 2, len(MOODS) // 2), (topics, sizes[3]), (self.moods % 2, 2)]
        key: Numbers = reduce(lambda key, part: key * part[1] + part[0], parts, np.zeros_like(hours))
        _, first, group = np.unique(key, return_index=True, return_inverse=True)
        counts = tuple(np.rint(np.bincount(group, each, len(first))).astype(np.int64) for each in self.counts)
        return Cells(
            self.names, self.hours[first], tuple(each[first] for each in self.codes), self.moods[first], counts
        )

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """As the table of rollups has them."""
        brands, sources, languages, topics = (
            map(names.__getitem__, codes.tolist()) for names, codes in zip(self.names, self.codes, strict=True)
        )
        moods = self.moods.tolist()
        sentiments, complaints = ([MOODS[mood][n] for mood in moods] for n in (0, 1))
        counts = (each.tolist() for each in self.counts)
        alike = (sources, languages, sentiments, topics, complaints)
        return zip(brands, self.hours.tolist(), *alike, *counts, strict=True)


def cells(parts: Iterable[Sequence[Any]]) -> Cells:
    """From rows of hour, brand, source, language, topic, sentiment, complaint and the three measures."""
    names, hours, codes, moods, counts = _columns(parts, len(MEASURES))
    return Cells(names, hours, codes, moods, counts)


def cells_of_mentions(parts: Iterable[Sequence[Any]]) -> Cells:
    """From rows of hour, brands (a JSON list), source, language, topic, sentiment, complaint, and stars in hundredths
    or 0: one for each brand of each mention."""
    (lists, *names), hours, (said, *codes), moods, (stars,) = _columns(parts, 1)
    several = [json.loads(brands) for brands in lists]
    known = sorted({brand for brands in several for brand in brands})
    place = {brand: n for n, brand in enumerate(known)}
    flat = np.array([place[brand] for brands in several for brand in brands], np.int64)
    lengths = np.array([len(brands) for brands in several], np.int64)
    often = lengths[said]
    mention = np.repeat(np.arange(len(said)), often)
    nth = np.arange(len(mention)) - np.repeat(np.cumsum(often) - often, often)
    brand = flat[(np.cumsum(lengths) - lengths)[said][mention] + nth]
    counts = (np.ones_like(mention), (stars > 0)[mention].astype(np.int64), stars[mention])
    others = (column[mention] for column in codes)
    return Cells((known, *names), hours[mention], (brand, *others), moods[mention], counts)


def _columns(
    parts: Iterable[Sequence[Any]], counts: int
) -> tuple[tuple[list[str], ...], Numbers, tuple[Numbers, ...], Numbers, tuple[Numbers, ...]]:
    """Rows that end with so many counts, as names, hours, codes, moods and these."""
    known = tuple(_Codes() for _ in DIMENSIONS)
    columns: list[list[Numbers]] = [[] for _ in range(6 + counts)]
    for rows in parts:
        hours, *rest = zip(*rows, strict=True)
        named, (sentiments, complaints), counted = rest[:4], rest[4:6], rest[6:]
        moods = map(_MOOD.__getitem__, zip(sentiments, map(bool, complaints), strict=True))
        encoded = [map(codes.__getitem__, values) for codes, values in zip(known, named, strict=True)]
        for column, values in zip(columns, (hours, *encoded, moods, *counted), strict=True):
            column.append(np.fromiter(values, np.int64, len(rows)))
    hours_, *rest_ = (np.concatenate(column) if column else np.zeros(0, np.int64) for column in columns)
    names, codes = zip(*(_sorted(*each) for each in zip(known, rest_[:4], strict=True)), strict=True)
    return names, hours_, codes, rest_[4], tuple(rest_[5:])


def _sorted(known: _Codes, codes: Numbers) -> tuple[list[str], Numbers]:
    """The names in their order, and each name's place among them."""
    names = sorted(known)
    place = np.zeros(len(known), np.int64)
    for n, name in enumerate(names):
        place[known[name]] = n
    return names, place[codes]
