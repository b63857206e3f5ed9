"""Us against others: how far apart two are, and how far they may be by chance. Each figure has its one definition here.

All of it is reckoned from counts (monitor/trends.py), and as if each mention came by itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from monitor.trend_counts import NOTHING, Counts
from monitor.trend_figures import CHANCE, CHANCE_AMONG_MANY

Finding = Literal["strength", "weakness", "chance"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and what it may be as well, by chance."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Against:
    """One topic: complaints about it in proportion to all mentions of us, and of them, from 0 to 1; and the difference,
    below 0 where we are complained of less."""

    topic: str
    ours: int
    theirs: int
    our_rate: float
    their_rate: float
    difference: Interval

    @property
    def finding(self) -> Finding:
        if self.difference.low <= 0 <= self.difference.high:
            return "chance"
        return "weakness" if self.difference.value > 0 else "strength"


def against(
    our_mentions: int, ours: Mapping[str, Counts], their_mentions: int, theirs: Mapping[str, Counts]
) -> tuple[Against, ...]:
    """The topics of the complaints of both, our worst first. Empty where either has no mention at all."""
    if not our_mentions or not their_mentions:
        return ()
    found = []
    for topic in sorted({*ours, *theirs}):
        a, b = (each.get(topic, NOTHING).complaints for each in (ours, theirs))
        if a or b:
            apart = difference(a, our_mentions, b, their_mentions)
            found.append(Against(topic, a, b, a / our_mentions, b / their_mentions, apart))
    return tuple(sorted(found, key=lambda each: (-each.difference.value, each.topic)))


def difference(a: int, of_a: int, b: int, of_b: int, z: float = CHANCE_AMONG_MANY) -> Interval:
    """How much the share `a` of `of_a` is more than `b` of `of_b`. The interval is method 10 of Newcombe, "Interval
    estimation for the difference between independent proportions" (Statistics in Medicine 17, 1998); by default as wide
    as it has to be for the greatest of a dozen."""
    p, q = a / of_a, b / of_b
    (p_low, p_high), (q_low, q_high) = _wilson(a, of_a, z), _wilson(b, of_b, z)
    low, high = math.hypot(p - p_low, q_high - q), math.hypot(p_high - p, q - q_low)
    return Interval(p - q, p - q - low, p - q + high)


def net_sentiment(of: Counts, z: float = CHANCE) -> Interval | None:
    """Net sentiment, -1 to 1. The interval is that of Agresti and Min, "Simple improved confidence intervals for
    comparing matched proportions" (Statistics in Medicine 24, 2005): of the counts with one positive and one negative
    mention added in halves. None of nothing."""
    if of.net_sentiment is None:
        return None
    positive, negative, mentions = of.positive + 0.5, of.negative + 0.5, of.mentions + 2
    middle = (positive - negative) / mentions
    wide = z * math.sqrt(max(0.0, (positive + negative) / mentions - middle**2) / mentions)
    return Interval(of.net_sentiment, max(-1.0, middle - wide), min(1.0, middle + wide))


def _wilson(count: int, of: int, z: float) -> tuple[float, float]:
    p, zz = count / of, z * z
    middle, wide = p + zz / (2 * of), z * math.sqrt(p * (1 - p) / of + zz / (4 * of * of))
    return max(0.0, (middle - wide) / (1 + zz / of)), min(1.0, (middle + wide) / (1 + zz / of))
