"""What trends are asked for, and what they answer with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter

from monitor.rollup_rows import MOODS

DIMENSIONS = ("brand", "source", "language", "topic", "sentiment")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which mentions are asked for; an empty tuple, or None, is no condition."""

    brand: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    topic: tuple[str, ...] = ()
    sentiment: tuple[str, ...] = ()
    complaint: bool | None = None

    @property
    def moods(self) -> tuple[tuple[str, bool], ...]:
        """The pairs of sentiment and complaint that are asked for."""
        return tuple(
            (sentiment, complaint)
            for sentiment, complaint in MOODS
            if (not self.sentiment or sentiment in self.sentiment) and self.complaint in (None, complaint)
        )


@dataclass(frozen=True, slots=True)
class Counts:
    """Mentions, by what the verdict and corrections say of them."""

    mentions: int = 0
    complaints: int = 0
    negative: int = 0
    neutral: int = 0
    positive: int = 0
    rated: int = 0
    hundredths: int = 0  # of stars, of all that are rated together

    def __add__(self, other: Counts) -> Counts:
        return Counts(  # written out: a page adds thousands
            self.mentions + other.mentions,
            self.complaints + other.complaints,
            self.negative + other.negative,
            self.neutral + other.neutral,
            self.positive + other.positive,
            self.rated + other.rated,
            self.hundredths + other.hundredths,
        )

    @property
    def net_sentiment(self) -> float | None:
        """Positive less negative mentions, in proportion to all: -1 to 1. None of nothing."""
        return (self.positive - self.negative) / self.mentions if self.mentions else None

    @property
    def complaint_rate(self) -> float | None:
        """Complaints in proportion to mentions, 0 to 1. None of nothing."""
        return self.complaints / self.mentions if self.mentions else None

    @property
    def stars(self) -> float | None:
        """The mean rating, 1 to 5, of the mentions that have one. None where none has."""
        return self.hundredths / 100 / self.rated if self.rated else None


NOTHING = Counts()

_NAMES = tuple(field.name for field in fields(Counts))


def together(counts: Sequence[Counts]) -> Counts:
    """Their sum, of thousands as soon as of a few."""
    return Counts(*(sum(map(attrgetter(name), counts)) for name in _NAMES))


def surprise(now: int, before: int) -> float:
    """The difference of two counts in standard deviations of what they would differ by if both came by chance at one
    rate: (now - before) / sqrt(now + before). 0 of nothing."""
    return (now - before) / math.sqrt(now + before) if now + before else 0.0
