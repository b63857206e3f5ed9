"""How much is usual, and how unlikely more would be: a negative binomial over counts of the past. Pure arithmetic.

Counts of complaints vary more than a Poisson would have it, since whatever drives them (a sale, the weather) drives
many at once. The negative binomial has that variation as a parameter: its variance is mean + mean² / size.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

CLUMPING = 0.3  # 1 / size where nothing is known yet: a spread of 55 % around large means
_KNOWN = 20.0  # how much squared mean it takes until the past says as much about clumping as CLUMPING does
_BOUNDS = (0.02, 3.0)
_ENOUGH = 1e-17  # relative; terms smaller than that change nothing


@dataclass(frozen=True, slots=True)
class Usual:
    """What to expect of one stretch of time: the mean number, and the negative binomial's size."""

    mean: float
    size: float

    def tail(self, count: int) -> float:
        """The probability of `count` or more."""
        if count <= 0:
            return 1.0
        if count <= self.mean:
            return max(0.0, 1.0 - sum(self._p(n) for n in range(count)))
        term, total, n = self._p(count), 0.0, count
        while term > total * _ENOUGH:
            total += term
            term *= (n + self.size) / (n + 1) * self.mean / (self.mean + self.size)
            n += 1
        return min(1.0, total)

    def head(self, count: int) -> float:
        """The probability of `count` or fewer."""
        return min(1.0, sum(self._p(n) for n in range(count + 1)))

    def most(self, probability: float) -> int:
        """The largest count that is not rarer than `probability`: as many or more come at least that often."""
        high = 1
        while self.tail(high) >= probability:
            high *= 2
        low = high // 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.tail(middle) >= probability else (low, middle)
        return low

    def quantile(self, probability: float) -> int:
        """The least count that is not exceeded with this probability."""
        count, term = 0, self._p(0)
        total = term
        while total < probability and (term or count < self.mean):
            term *= (count + self.size) / (count + 1) * self.mean / (self.mean + self.size)
            total, count = total + term, count + 1
        return count

    def part(self, share: float, seen: int) -> Usual:
        """What to expect of a part of it, whose `share` was estimated from `seen` such ones."""
        return replace(self, mean=self.mean * share, size=1 / (1 / self.size + 1 / (seen + 1)))

    def _p(self, count: int) -> float:
        odds = self.mean + self.size
        log = math.lgamma(count + self.size) - math.lgamma(self.size) - math.lgamma(count + 1)
        return math.exp(log + self.size * math.log(self.size / odds) + count * math.log(self.mean / odds))


def usual(samples: Sequence[int], length: float, clumping: float = CLUMPING) -> Usual:
    """What to expect of a stretch of `length` samples, given the counts of comparable past ones. What the past says is
    weighed against one event in one such stretch, which is all that is known without a past; so a short past gives a
    wide guess, not a wrong one."""
    total, exposure = sum(samples) + 1, len(samples) + length
    return Usual(total / exposure * length, 1 / (clumping + 1 / total))


def clumping(groups: Iterable[Sequence[int]]) -> float:
    """1 / size of the negative binomial that fits groups of counts, each with a mean of its own: by moments, over all
    groups together."""
    above, scale = 0.0, 0.0
    for counts in groups:
        if len(counts) > 1:
            mean = sum(counts) / len(counts)
            above += sum((count - mean) ** 2 for count in counts) - (len(counts) - 1) * mean
            scale += (len(counts) - 1) * mean**2
    return drawn(above, scale)


def drawn(above: float, scale: float) -> float:
    """1 / size from moments: how far squared deviations are `above` those of a Poisson, to the squared means that are
    the `scale`. Drawn to CLUMPING as far as they say little."""
    return min(_BOUNDS[1], max(_BOUNDS[0], (above + CLUMPING * _KNOWN) / (scale + _KNOWN)))
