"""What to expect of an hour: the same hour of the week in the past weeks, at the level of the last days. Arithmetic.

Counts come as an array: a row for each series (of one brand, sentiment and topic), a column for each hour of the wall
clock, so that an hour of the week stays where it is when the clocks change. The first row is the total of the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.usual import Usual, drawn

Counts = NDArray[Any]  # (series, hours)
Known = NDArray[np.bool_]  # (hours,): whether an hour says anything of what is usual

DAY, WEEK = 24, 168
FEW_WEEKS = 3  # with fewer, the same hour of all days is asked; see Ground
FEW_DAYS = 3  # with fewer, all hours
HALF = 72.0  # hours: what is so long ago says half as much of the present level
STEADY = 20.0  # mentions: what it takes until a series' own level counts as much as the brand's
ALIKE = 6.0  # hours: what it takes until a series' own shape of the week counts as much as the brand's
MARGIN = 1.5  # real counts have heavier tails than a negative binomial; measured, see docs/spikes.md


@dataclass(frozen=True, slots=True)
class Ground:
    """What the expectation rests on: `weeks` in which this hour of the week is known, `days` in which this hour of the
    day is. `pooled` says which hours were taken together where there are too few weeks: "", "days", "hours"."""

    weeks: int
    days: int
    pooled: str


@dataclass(frozen=True, slots=True)
class Expected:
    """By series: the mean, and what the past says of how far counts scatter."""

    means: NDArray[np.float64]
    sizes: NDArray[np.float64]
    ground: Ground

    def usual(self, row: int) -> Usual:
        return Usual(max(1e-9, float(self.means[row])), float(self.sizes[row]))


def expected(counts: Counts, known: Known, hours: int) -> Expected:
    """What to expect of the `hours` after the last column of `counts`, taken together."""
    past, told = _weeks(*_stretches(counts, known, hours), hours)
    seen = past * told
    ground, pool = _pool(told)
    base = seen.sum(1) / np.maximum(told.sum(0), 1)  # the average week, (series, 168)
    levels = _levels(seen.sum(2), (told * base[:, None, :]).sum(2))  # of each week, (series, weeks)
    age = np.arange(WEEK, 0, -1)
    lately = np.exp2(-age / HALF) * told[-1]
    present = _levels((seen[:, -1:] * lately).sum(2), (base[:, None, :] * lately).sum(2))[:, 0]
    events = (seen * pool).sum((1, 2))
    exposure = (pool[None] * levels[:, :, None]).sum((1, 2))
    overall = (seen.sum((1, 2)) + 0.5) / (told.sum() + 0.5)
    # a series that says little has the week's shape of the whole brand
    shape = (events[0] + overall[0]) / max(exposure[0] + 1, 1e-9) / overall[0]
    rates = (events + ALIKE * overall * shape) / (exposure + ALIKE)
    means = rates * present
    above, scale = _scatter(past, told, base[:, None, :] * levels[:, :, None])
    unsure = 1 + 1 / max(1, int(pool.sum()))  # the mean is one of so many hours that scatter as much
    sizes = [1 / (MARGIN * drawn(a, s) * unsure + 1 / (n + 1)) for a, s, n in zip(above, scale, events, strict=True)]
    return Expected(means, np.array(sizes), ground)


def _stretches(counts: Counts, known: Known, hours: int) -> tuple[Counts, Known]:
    """The sums of each `hours` hours, at the last of them; known where all of them are."""
    if hours == 1:
        return counts, known
    pad = np.zeros((counts.shape[0], 1))
    summed = np.concatenate([pad, np.cumsum(counts * known, axis=1)], axis=1)
    whole = np.concatenate([[0], np.cumsum(known)])
    sums, full = np.zeros(counts.shape), np.zeros(known.shape, dtype=bool)
    sums[:, hours - 1 :] = summed[:, hours:] - summed[:, :-hours]
    full[hours - 1 :] = whole[hours:] - whole[:-hours] == hours
    return sums, full


def _weeks(counts: Counts, known: Known, hours: int) -> tuple[Counts, Known]:
    """Cut into weeks that begin with the hour of the week in which a stretch of `hours` from now on would end."""
    gap = hours - 1
    counts = np.pad(counts, ((0, 0), (0, gap)))  # hours of the stretch itself, of which nothing is known
    known = np.pad(known, (0, gap))
    weeks = max(1, -(-counts.shape[1] // WEEK))
    missing = weeks * WEEK - counts.shape[1]
    return (
        np.pad(counts, ((0, 0), (missing, 0))).reshape(counts.shape[0], weeks, WEEK),
        np.pad(known, (missing, 0)).reshape(weeks, WEEK),
    )


def _pool(told: Known) -> tuple[Ground, Known]:
    """Which past hours are comparable."""
    weeks, days = int(told[:, 0].sum()), int(told[:, ::DAY].sum())
    pool, pooled = np.zeros_like(told), ""
    if weeks >= FEW_WEEKS:
        pool[:, :2] = True
        pool[:-1, -1] = True  # the hour before; in the last week that is the hour just gone
    elif days >= FEW_DAYS:
        pooled = "days"
        for beside in (-1, 0, 1):
            pool[:, beside % DAY :: DAY] = True
    else:
        pooled = "hours"
        pool[:] = True
    return Ground(weeks, days, pooled), pool & told


def _levels(seen: NDArray[Any], base: NDArray[Any]) -> NDArray[Any]:
    """How many times the average, (series, n): drawn to the brand's own level, and that to the average."""
    whole = (STEADY + seen[0]) / (STEADY + base[0])
    found: NDArray[Any] = (STEADY * whole + seen) / (STEADY + base)
    return found


def _scatter(past: Counts, told: Known, fitted: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Per series, for `drawn`: the squared deviations from what fits, beyond those of a Poisson; the squared means."""
    often = told.sum(0) > 1  # an hour of the week that is known once fits itself
    weights = told * often
    freedom = np.where(often, told.sum(0) / np.maximum(told.sum(0) - 1, 1), 0.0)
    above = (weights * freedom * (past - fitted) ** 2 - weights * fitted).sum((1, 2))
    return above, (weights * fitted**2).sum((1, 2))
