"""How soon customers are answered: pure figures over cases, each with one definition, which the page shows.

Shares of cases count all of them, also those that still wait and those that were closed without a reply. Response times
are those of the clock (monitor/sla.py): pauses are left out, and business time counts only while business is open.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.outcome_columns import UNKNOWN as NOT_KNOWN
from monitor.outcome_columns import Outcomes
from monitor.outcomes import Measure

SATISFIED = 4  # the lowest answer that counts as satisfied
_MINUTE, _HOUR = 60, 3600


@dataclass(frozen=True, slots=True)
class Figures:
    """See DEFINITIONS. Times are seconds, shares 0 to 1; None where there is nothing to reckon with."""

    cases: int
    answered: int
    waiting: int
    closed_without_reply: int
    median_seconds: float | None
    p90_seconds: float | None
    within_20: float | None
    within_60: float | None
    within_target: float | None
    breached: int
    median_to_take: float | None
    answered_outside: float | None
    satisfaction: float | None
    satisfied: float | None
    rated: int


_NONE = Figures(0, 0, 0, 0, None, None, None, None, None, 0, None, None, None, None, 0)

DEFINITIONS: Mapping[str, tuple[str, str]] = {
    "cases": ("Cases", "All cases whose first complaint was posted in the period and which got a clock."),
    "answered": ("Answered", "Cases that a person answered in public, in time or late."),
    "waiting": ("Still waiting", "Cases neither answered nor closed so far."),
    "closed_without_reply": ("Closed without a reply", "Resolved, or dismissed as no complaint, before any answer."),
    "median_seconds": (
        "First response, median",
        "The middle one of the answered cases' times (the mean of the two in the middle): what the clock counted from "
        "the post to the first answer, without pauses.",
    ),
    "p90_seconds": (
        "First response, p90",
        "The least of the answered cases' times that nine of ten of them do not exceed.",
    ),
    "within_20": ("Within 20 minutes", "Answered with at most 20 minutes on the clock, as a share of all cases."),
    "within_60": ("Within 60 minutes", "Answered with at most 60 minutes on the clock, as a share of all cases."),
    "within_target": (
        "Within target",
        "Answered before it was due, by the policy of each case and its business hours, as a share of all cases.",
    ),
    "breached": ("Breaches", "Cases not answered by the time they were due, whatever came later."),
    "median_to_take": (
        "Time to take, median",
        "From when the case was opened to when somebody first took it or was handed it; only cases that somebody took.",
    ),
    "answered_outside": (
        "Answered outside",
        "First answers that did not go out from here: seen on the source, or noted by hand; of all answered.",
    ),
    "satisfaction": ("Satisfaction", "The mean of what customers answered, 1 (worst) to 5; only cases with an answer."),
    "satisfied": ("Satisfied", "Customers who answered 4 or 5, as a share of those who answered."),
    "rated": ("Customers who answered", "Cases whose customer said how satisfied they are."),
}

# the first bar whose limit, in seconds, is not passed
LIMITS: tuple[tuple[str, float], ...] = (
    ("up to 5 min", 5 * _MINUTE),
    ("5 to 10 min", 10 * _MINUTE),
    ("10 to 20 min", 20 * _MINUTE),
    ("20 to 40 min", 40 * _MINUTE),
    ("40 to 60 min", 60 * _MINUTE),
    ("1 to 2 h", 2 * _HOUR),
    ("2 to 8 h", 8 * _HOUR),
    ("8 to 24 h", 24 * _HOUR),
    ("over 24 h", math.inf),
)
WAITING, CLOSED, UNKNOWN = "still waiting", "closed without a reply", "answered, time not known"


@dataclass(frozen=True, slots=True)
class Bar:
    """`so_far` is the share of all cases that were answered in the time of this bar or less; None below the times."""

    label: str
    cases: int
    share: float
    so_far: float | None


def figures(of: Outcomes, measure: Measure = "calendar") -> Figures:
    """The figures of clocked cases, response times in `measure`."""
    cases = len(of)
    if not cases:
        return _NONE
    rows = of.rows
    times, taken = np.sort(_known(rows[measure])), rows["to_take"]
    ratings, sent = _known(rows["satisfaction"]), _known(rows["sent"])
    reached, closed = int(rows["answered"].sum()), int((rows["closed"] & ~rows["answered"]).sum())
    return Figures(
        cases=cases,
        answered=reached,
        waiting=cases - reached - closed,
        closed_without_reply=closed,
        median_seconds=_median(times),
        p90_seconds=times[-(-9 * len(times) // 10) - 1].item() if len(times) else None,
        within_20=_up_to(times, 20 * _MINUTE) / cases,
        within_60=_up_to(times, 60 * _MINUTE) / cases,
        within_target=int(rows["met"].sum()) / cases,
        breached=int((rows["reason"] != NOT_KNOWN).sum()),
        median_to_take=_median(np.sort(taken[~np.isnan(taken)])),
        answered_outside=_share(int((sent == 0).sum()), len(sent)),
        satisfaction=_share(int(ratings.sum(dtype=np.int64)), len(ratings)),
        satisfied=_share(int((ratings >= SATISFIED).sum()), len(ratings)),
        rated=len(ratings),
    )


def _known(values: NDArray[Any]) -> NDArray[Any]:
    known: NDArray[Any] = values[values != NOT_KNOWN]
    return known


def _up_to(ordered: NDArray[Any], limit: float) -> int:
    return int(np.searchsorted(ordered, limit, "right"))


def _median(ordered: NDArray[Any]) -> float | None:
    if not len(ordered):
        return None
    low, high = ordered[(len(ordered) - 1) // 2].item(), ordered[len(ordered) // 2].item()
    return high if len(ordered) % 2 else (low + high) / 2  # type: ignore[no-any-return]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def distribution(of: Outcomes, measure: Measure = "calendar") -> list[Bar]:
    """Every case in one bar: by its response time, or by why it has none. The last is there only if needed."""
    rows, cases = of.rows, len(of)
    times = np.sort(_known(rows[measure]))
    reached = [0, *(_up_to(times, limit) for _, limit in LIMITS)]
    bars = [
        Bar(label, after - before, _share(after - before, cases) or 0.0, _share(after, cases))
        for (label, _), before, after in zip(LIMITS, reached, reached[1:], strict=False)
    ]
    closed = int((rows["closed"] & ~rows["answered"]).sum())
    unknown = int((rows["answered"] & (rows[measure] == NOT_KNOWN)).sum())
    others = {WAITING: int((~rows["answered"]).sum()) - closed, CLOSED: closed} | (
        {UNKNOWN: unknown} if unknown else {}
    )
    return [*bars, *(Bar(label, count, _share(count, cases) or 0.0, None) for label, count in others.items())]


def grouped(parts: Iterable[tuple[str, Outcomes]], measure: Measure = "calendar") -> list[tuple[str, Figures]]:
    """The figures of each part."""
    return [(name, figures(part, measure)) for name, part in parts]
