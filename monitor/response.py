"""How soon customers are answered: pure figures over cases, each with one definition, which the page shows.

Shares of cases count all of them, also those that still wait and those that were closed without a reply. Response times
are those of the clock (monitor/sla.py): pauses are left out, and business time counts only while business is open.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any
from zoneinfo import ZoneInfo

from monitor.outcomes import Measure, Outcome

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


def clocked(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """The cases that all figures are about. A case without a clock was promised nothing."""
    return [outcome for outcome in outcomes if outcome.clocked]


def figures(outcomes: Sequence[Outcome], measure: Measure = "calendar") -> Figures:
    """The figures of clocked `outcomes`, response times in `measure`."""
    if not outcomes:
        return _NONE
    facts = [outcome.facts for outcome in outcomes]
    answered, closed, met, breached, sent, to_take, rating, calendar, business = (
        [fact[n] for fact in facts] for n in range(9)
    )
    times = sorted(_known(calendar if measure == "calendar" else business))
    taken, ratings, sent = _known(to_take), _known(rating), _known(sent)
    cases, reached = len(outcomes), sum(answered)
    return Figures(
        cases=cases,
        answered=reached,
        waiting=cases - reached - sum(closed),
        closed_without_reply=sum(closed),
        median_seconds=median(times) if times else None,
        p90_seconds=times[-(-9 * len(times) // 10) - 1] if times else None,
        within_20=bisect_right(times, 20 * _MINUTE) / cases,
        within_60=bisect_right(times, 60 * _MINUTE) / cases,
        within_target=sum(met) / cases,
        breached=sum(breached),
        median_to_take=median(taken) if taken else None,
        answered_outside=_share(len(sent) - sum(sent), len(sent)),
        satisfaction=fmean(ratings) if ratings else None,
        satisfied=_share(sum(r >= SATISFIED for r in ratings), len(ratings)),
        rated=len(ratings),
    )


def _known(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if value is not None]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def distribution(outcomes: Sequence[Outcome], measure: Measure = "calendar") -> list[Bar]:
    """Every case in one bar: by its response time, or by why it has none. The last is there only if needed."""
    counts = Counter(_bar(o, measure) for o in outcomes)
    bars, reached = [], 0
    for label, _ in LIMITS:
        reached += counts[label]
        bars.append(
            Bar(label, counts[label], _share(counts[label], len(outcomes)) or 0.0, _share(reached, len(outcomes)))
        )
    for label in (WAITING, CLOSED, *([UNKNOWN] if counts[UNKNOWN] else [])):
        bars.append(Bar(label, counts[label], _share(counts[label], len(outcomes)) or 0.0, None))
    return bars


def _bar(outcome: Outcome, measure: Measure) -> str:
    if not outcome.answered:
        return CLOSED if outcome.closed else WAITING
    seconds = outcome.seconds(measure)
    return UNKNOWN if seconds is None else next(label for label, limit in LIMITS if seconds <= limit)


def by_source(outcome: Outcome) -> str:
    return outcome.source


def by_language(outcome: Outcome) -> str:
    return outcome.language


def by_person(outcome: Outcome) -> str:
    return outcome.person


def by_hour(zone: ZoneInfo) -> Callable[[Outcome], str]:
    """The hour of the day, on the wall clock of `zone`, at which the customer posted: "00" to "23". In autumn the hour
    that comes twice holds both."""
    return lambda outcome: f"{outcome.posted_at.astimezone(zone).hour:02}"


def grouped(
    outcomes: Iterable[Outcome], name: Callable[[Outcome], str], measure: Measure = "calendar"
) -> list[tuple[str, Figures]]:
    """The figures of each group, in the order of their names."""
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(name(outcome), []).append(outcome)
    return [(group, figures(groups[group], measure)) for group in sorted(groups)]
