"""How long customers waited for the first response, and how that went over time: each figure has one definition.

A customer waited until the first answer; who has none yet has waited up to now, and counts with that, so that nobody
looks better by leaving the hard ones, and such a figure can only grow. Whose case was closed without a reply has no
time to be told, but is in every share.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from monitor.models import CaseRow
from monitor.outcome_columns import UNKNOWN, Outcomes, microseconds, moment
from monitor.outcomes import Measure
from monitor.sla import CaseClock, Policies, used
from monitor.transitions import CLOSED_STATES

MINUTE, HOUR = 60, 3600

DEFINITIONS: Mapping[str, tuple[str, str]] = {
    "waited": (
        "Waited, median and p90",
        "How long customers waited for the first answer on the clock, without pauses: who still waits, up to now; who "
        "was closed without a reply is left out. Half waited no longer than the median, nine of ten no longer than the "
        "p90, so far.",
    ),
    "parts": (
        "Within 20 minutes, within the hour, later, not answered",
        "Every case with a clock, once, as it is now: not answered are those that still wait, and those closed without "
        "a reply.",
    ),
}


@dataclass(frozen=True, slots=True)
class Waits:
    """A row for each case: whole seconds on the clock until the first answer or, while there is none, until now;
    UNKNOWN where there is no time to be told. `posted_at` is in microseconds since 1970."""

    posted_at: NDArray[Any]
    seconds: NDArray[Any]
    answered: NDArray[Any]

    def where(self, holds: NDArray[Any]) -> Waits:
        return Waits(self.posted_at[holds], self.seconds[holds], self.answered[holds])


@dataclass(frozen=True, slots=True)
class Point:
    """Cases by how they were answered, each in one of the first four; and the seconds that customers waited."""

    within_20: int
    within_60: int  # but not within 20
    later: int  # or at a time that is not known
    unanswered: int
    median: float | None
    p90: float | None

    @property
    def cases(self) -> int:
        return self.within_20 + self.within_60 + self.later + self.unanswered

    @property
    def in_the_hour(self) -> int:
        return self.within_20 + self.within_60


def point(of: Waits) -> Point:
    """The figures of these."""
    known = of.seconds != UNKNOWN
    times, answered = np.sort(of.seconds[known]), np.sort(of.seconds[known & of.answered])
    fast, hour = np.searchsorted(answered, (20 * MINUTE, HOUR), "right").tolist()
    reached = int(of.answered.sum())
    return Point(
        within_20=fast,
        within_60=hour - fast,
        later=reached - hour,
        unanswered=len(of.seconds) - reached,
        median=float(np.median(times)) if len(times) else None,
        p90=float(times[-(-9 * len(times) // 10) - 1]) if len(times) else None,
    )


def course(of: Waits, starts: Sequence[datetime]) -> tuple[Point, ...]:
    """The figures of those posted from each of `starts` to the next, of which the first is before all."""
    after = np.searchsorted(np.array([microseconds(start) for start in starts]), of.posted_at, "right") - 1
    return tuple(point(of.where(after == n)) for n in range(len(starts)))


def waits(session: Session, of: Outcomes, measure: Measure, policies: Policies, now: datetime) -> Waits:
    """Of these cases, all of which have a clock."""
    rows = of.rows
    seconds, waiting = rows[measure].copy(), ~rows["answered"] & ~rows["closed"]
    if waiting.any():
        posted = rows["posted_at"][waiting]
        so_far = _so_far(session, moment(int(posted.min())), moment(int(posted.max())), measure, policies, now)
        seconds[waiting] = [so_far.get(case_id, UNKNOWN) for case_id in rows["case_id"][waiting].tolist()]
    return Waits(rows["posted_at"], seconds, rows["answered"])


def _so_far(
    session: Session, first: datetime, last: datetime, measure: Measure, policies: Policies, now: datetime
) -> dict[int, int]:
    """What the clock of each case without an answer has counted, of those posted from `first` to `last`."""
    c = inspect(CaseRow).local_table.c
    clock = (c.starts_at, c.paused_at, c.paused_calendar, c.paused_business)
    unanswered = select(c.id, c.policy, *clock).where(c.posted_at >= first, c.posted_at <= last)
    unanswered = unanswered.where(c.first_response_at.is_(None), c.state.not_in(CLOSED_STATES))
    found = {}
    for case_id, policy, starts_at, paused_at, calendar, business in session.execute(unanswered):
        so_far = CaseClock(
            state="running",
            starts_at=starts_at,
            paused_at=paused_at,
            paused_calendar=calendar,
            paused_business=business,
        )
        found[case_id] = math.floor(used(policies.named(policy), so_far, now)[measure == "business"])
    return found
