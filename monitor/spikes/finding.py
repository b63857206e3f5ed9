"""Which hours are unusual, and which series says so in the fewest words. Arithmetic.

A brand has a series for each sentiment and each topic, for each pair of them, and for everything. All are tested each
hour, so a count is a peak only where it stays rare for any of so many: its probability is multiplied by their number
(Bonferroni). What that leaves is the chance of such a surprise about the brand in one hour by luck alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.spikes.expected import Counts, Expected, Ground, Known, expected
from monitor.usual import Usual

ANY = ""  # in place of a sentiment or a topic: all of them
STRETCHES = (1, 4, 12)  # hours that are counted together
EXPLAINS = 0.6  # a narrower series that has so much of what is too many tells the matter better
STILL = 0.5  # of what is too many in an hour of a long stretch: so many must its last hours have
BACK = 0.05  # an hour that the usual reaches, or stays under, as often as this is usual again
SILENT = 0.1  # of what is usual: as much as this is next to nothing
_SIGMAS = 2.0  # nearer to the mean than that is never rare; spares looking closer


@dataclass(frozen=True, slots=True)
class Series:
    """What is counted; ANY is no condition."""

    sentiment: str = ANY
    topic: str = ANY

    @property
    def breadth(self) -> int:
        return (self.sentiment == ANY) + (self.topic == ANY)

    def holds(self, other: Series) -> bool:
        """Whether all of `other` is part of it."""
        return self.sentiment in (ANY, other.sentiment) and self.topic in (ANY, other.topic)

    def meets(self, other: Series) -> bool:
        """Whether both may tell of one event: everything but what has another sentiment. A matter that fills one
        topic fills its neighbours too, since no classifier draws the line where people do."""
        return ANY in (self.sentiment, other.sentiment) or self.sentiment == other.sentiment


@dataclass(frozen=True, slots=True)
class Finding:
    """`count` mentions in the last `hours`; `chance` is that of such a surprise in one hour, see above."""

    series: Series
    count: int
    hours: int
    usual: Usual
    chance: float
    ground: Ground

    @property
    def excess(self) -> float:
        return self.count - self.usual.mean


def peaks(
    names: Sequence[Series],
    counts: Counts,
    known: Known,
    holidays: Known,
    minimum: int,
    chance: float,
    stretches: Sequence[int] = STRETCHES,
) -> list[Finding]:
    """What is too much at the last hour of `counts`, whose rows are called `names`, the first of all of them together.
    None of fewer than `minimum` mentions, or more likely than `chance`. `known` and `holidays` as History has them."""
    found: dict[Series, Finding] = {}
    tests = len(names) * len(stretches)
    ends: list[NDArray[np.float64]] = []
    for hours in stretches:
        if counts.shape[1] <= hours:
            continue
        now = counts[:, -hours:].sum(1)
        past = expected(counts[:, :-hours], known[:-hours], hours, bool(holidays[-hours:].any())).louder(now)
        excess = now - past.means  # of a long stretch, some must be of its end: what was over long ago is no news
        news = np.all([end >= STILL * excess / hours for end in ends], axis=0)
        ends.append(excess / hours)
        for row in _worth_a_look(past, now, minimum, news):
            usual, count = past.usual(row), int(now[row])
            tail = usual.tail(count) * tests
            before = found.get(names[row])
            if tail <= chance and (before is None or tail < before.chance):
                found[names[row]] = Finding(names[row], count, hours, usual, tail, past.ground)
    return list(found.values())


def _worth_a_look(past: Expected, now: Counts, minimum: int, news: NDArray[np.bool_]) -> list[int]:
    means = past.means
    far = now > means + _SIGMAS * np.sqrt(means + means**2 / past.sizes)
    return [int(row) for row in np.flatnonzero(far & (now >= minimum) & news)]


def narrowest(findings: Sequence[Finding]) -> Finding | None:
    """The one that tells what the others are about: from the one with most that is too many on to ever narrower ones
    that have most of that."""
    told = max(findings, key=lambda f: (f.excess, f.series.breadth), default=None)
    while told is not None:
        inside = [f for f in findings if f.series != told.series and told.series.holds(f.series)]
        inside = [f for f in inside if f.excess >= EXPLAINS * told.excess]
        if not inside:
            break
        told = min(inside, key=lambda f: (f.series.breadth, -f.excess))
    return told


def matters(findings: Sequence[Finding]) -> list[Finding]:
    """One finding for each event: those that may be about the same are told by one."""
    left, told = list(findings), []
    while (first := narrowest(left)) is not None:
        told.append(first)
        left = [f for f in left if not f.series.meets(first.series)]
    return told


def hush(
    counts: Counts, known: Known, holidays: Known, chance: float, tests: int, stretches: Sequence[int] = STRETCHES
) -> Finding | None:
    """Whether next to nothing was said up to the last hour of `counts`, of which only the first row is looked at, where
    that is rare. `tests`: how many such rows are looked at."""
    found = None
    for hours in stretches:
        if counts.shape[1] <= hours or holidays[-hours:].any():  # where people are off, so may be those who write
            continue
        count = int(counts[0, -hours:].sum())
        past = expected(counts[:1, :-hours], known[:-hours], hours)
        usual = past.usual(0)
        if not silent(count, usual.mean):
            continue
        tail = usual.head(count) * tests * len(stretches)
        if tail <= chance and (found is None or tail < found.chance):
            found = Finding(Series(), count, hours, usual, tail, past.ground)
    return found


def silent(count: float, mean: float) -> bool:
    """Next to nothing: at most a tenth of the usual."""
    return count <= SILENT * mean
