"""What to expect of an hour: the same hour of the week in the past weeks, at the level of the last days. Arithmetic.

Counts come as an array: a row for each series (of one brand, sentiment and topic), a column for each hour of the wall
clock, so that an hour of the week stays where it is when the clocks change. The first row is the total of the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from monitor.usual import Usual, drawn

Counts = NDArray[Any]  # (series, hours)
Known = NDArray[np.bool_]  # (hours,): whether an hour says anything of what is usual

DAY, WEEK = 24, 168
DAYS = WEEK // DAY
FEW_WEEKS = 3  # with fewer, the same hour of all days is asked; see Ground
FEW_DAYS = 3  # with fewer, all hours
HALF = 72.0  # hours: what is so long ago says half as much of the present level
ODD = 1.5  # times as loud as most days of a week, or as quiet: such a day says nothing of the level
STEADY = 20.0  # mentions: what it takes until a series' own level counts as much as the brand's
ALIKE = 6.0  # hours: what it takes until a series' own shape of the week counts as much as the brand's
HOLIDAY = 0.25  # how far a holiday is from the same hours of other weeks, squared: half as much, half as much again
MARGIN = 1.25  # real counts have heavier tails than a negative binomial; measured, see docs/spikes.md


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

    def louder(self, now: Counts) -> Expected:
        """What to expect where there are so many `now`."""
        return replace(self, means=_louder(self.means, now))

    def usual(self, row: int) -> Usual:
        return Usual(max(1e-9, float(self.means[row])), float(self.sizes[row]))


def expected(counts: Counts, known: Known, hours: int, holiday: bool = False) -> Expected:
    """What to expect of the `hours` after the last column of `counts`, taken together, or of a holiday at that time."""
    seen, told = _stretches(counts, known, hours)
    ground, pool = _pool(told)
    base = seen.sum(1) / np.maximum(told.sum(0), 1)  # the average week, (series, 168)
    levels = _levels(seen.sum(2), base @ told.T)  # of each week, (series, weeks)
    lately = _lately(seen, told, base)
    events = seen[:, pool].sum(1)
    exposure = levels @ (pool * _busier(seen[0], told, ground)).sum(1)
    overall = (seen.sum((1, 2)) + 0.5) / (told.sum() + 0.5)
    # a series that says little has the week's shape of the whole brand
    shape = (events[0] + overall[0]) / max(exposure[0] + 1, 1e-9) / overall[0]
    rates = (events + ALIKE * overall * shape) / (exposure + ALIKE)
    means = rates * lately[:, -1]
    above, scale = _scatter(seen, told, base, lately[:, :-1])
    apart = (hours + 2) / (3 * hours)  # stretches that begin within three hours are mostly the same hours
    alike = apart * pool.sum() if ground.pooled else ground.weeks
    unsure = 1 + 1 / max(1, alike)  # the mean is one of so many stretches that scatter as much
    scatter = [MARGIN * drawn(a, s) * unsure + holiday * HOLIDAY for a, s in zip(above, scale, strict=True)]
    return Expected(means, 1 / (np.array(scatter) + 1 / (apart * events + 1)), ground)


def _stretches(counts: Counts, known: Known, hours: int) -> tuple[Counts, Known]:
    """The sums of each `hours` hours, at the last of them; known where all of them are, and nothing elsewhere. Cut into
    weeks that begin with the hour of the week in which a stretch of `hours` from now on would end."""
    gap = hours - 1  # the hours of that stretch itself, of which nothing is known
    weeks = max(1, -(-(counts.shape[1] + gap) // WEEK))
    sums, full = np.zeros((counts.shape[0], weeks * WEEK)), np.zeros(weeks * WEEK, dtype=bool)
    first, end = weeks * WEEK - counts.shape[1] - gap, weeks * WEEK - gap
    if hours == 1:
        np.multiply(counts, known, out=sums[:, first:end])
        full[first:end] = known
    elif counts.shape[1] >= hours:
        running = np.zeros((counts.shape[0], counts.shape[1] + 1))
        np.cumsum(counts * known, axis=1, out=running[:, 1:])
        whole = np.concatenate([[0], np.cumsum(known)])
        full[first + gap : end] = whole[hours:] - whole[:-hours] == hours
        np.subtract(running[:, hours:], running[:, :-hours], out=sums[:, first + gap : end])
        sums *= full
    return sums.reshape(counts.shape[0], weeks, WEEK), full.reshape(weeks, WEEK)


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


def _busier(whole: Counts, told: Known, ground: Ground) -> NDArray[Any]:
    """How many times as many are usual in each hour of the week as in the one that is asked for, (168,), of the whole
    brand: where it opens at 8, the hour before is not a third as busy because it is beside."""
    if ground.pooled == "hours":
        return np.ones(WEEK)
    length = DAY if ground.pooled else WEEK
    often = told.reshape(-1, length).sum(0)
    by_hour = whole.reshape(-1, length).sum(0) * often.max() / np.maximum(often, 1)
    found: NDArray[Any] = (STEADY + by_hour) / (STEADY + by_hour[0])
    return np.resize(found, WEEK)


def _levels(seen: NDArray[Any], base: NDArray[Any]) -> NDArray[Any]:
    """How many times the average, (series, n): drawn to the brand's own level, and that to the average."""
    whole = (STEADY + seen[0]) / (STEADY + base[0])
    found: NDArray[Any] = (STEADY * whole + seen) / (STEADY + base)
    return found


def _lately(seen: Counts, told: Known, base: NDArray[Any]) -> NDArray[Any]:
    """The level before each day of 24 hours, and after the last, (series, days + 1): from those of the seven days
    before it on which the whole brand was about as loud as on most of them. A holiday, a gap or a day of trouble is not
    how loud a brand is."""
    before = ((0, 0), (DAYS, 0))  # of what came before the first day nothing is known
    usual = np.einsum("sdh,wdh->swd", base.reshape(-1, DAYS, DAY), told.reshape(-1, DAYS, DAY) * 1.0)
    days = sliding_window_view(np.pad(seen.reshape(len(seen), -1, DAY).sum(2), before), DAYS, 1)
    usual = sliding_window_view(np.pad(usual.reshape(len(seen), -1), before), DAYS, 1)
    whole = _levels(days[:1], usual[:1])[0]
    most = np.median(whole, axis=1, keepdims=True)
    weights = ((whole < most * ODD) & (whole > most / ODD)) * np.exp2(-np.arange(DAYS, 0, -1) * DAY / HALF)
    return _levels(np.einsum("sdk,dk->sd", days, weights), np.einsum("sdk,dk->sd", usual, weights))


def _louder(means: NDArray[Any], now: Counts) -> NDArray[Any]:
    """Of each series as many times more as there are of all the others of the brand, where these are more than usual.
    Days have a mood that all of a brand shares, and that is no news of each."""
    others = (now[0] - now + STEADY) / (means[0] - means + STEADY)
    found: NDArray[Any] = means * np.maximum(1, others)
    return found


def _scatter(seen: Counts, told: Known, base: NDArray[Any], lately: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Per series, for `drawn`: how far counts were from what would have been expected of them, squared, beyond a
    Poisson's; the squared means. What would have been expected is `base` at the level of the days before: one that the
    same days had a part in would promise less scatter than the next ones have."""
    by_day = base.reshape(-1, 1, DAYS, DAY) * lately.reshape(len(seen), -1, DAYS, 1)
    fitted = _louder(by_day.reshape(seen.shape) * told, seen)
    often = told.sum(0) > 1  # an hour of the week that is known once fits itself
    counted = told * often
    freed = counted * (told.sum(0) / np.maximum(told.sum(0) - 1, 1))
    above = np.einsum("swh,wh->s", (seen - fitted) ** 2, freed) - np.einsum("swh,wh->s", fitted, counted)
    return above, np.einsum("swh,swh,wh->s", fitted, fitted, counted)
