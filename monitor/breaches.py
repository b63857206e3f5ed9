"""Cases that were not answered by the time they were due, and why: one reason each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from monitor.outcome_columns import CODES, NEVER, UNKNOWN, Outcomes, moment


@dataclass(frozen=True, slots=True)
class Breach:
    """A case that was not answered by the time it was due, and why: a key of REASONS."""

    case_id: int
    reason: str
    brand: str
    source: str
    language: str
    person: str
    posted_at: datetime
    due_at: datetime
    answered_at: datetime | None


def breaches(of: Outcomes, most: int | None = None) -> list[Breach]:
    """The breached cases, or so many of them, those due last first."""
    late, names = of.rows[of.rows["reason"] != UNKNOWN], of.names
    latest = np.lexsort((late["case_id"], late["due_at"]))[::-1][:most]
    return [
        Breach(
            case_id=int(row["case_id"]),
            reason=CODES[row["reason"]],
            brand=names[row["brand"]],
            source=names[row["source"]],
            language=names[row["language"]],
            person=names[row["person"]],
            posted_at=moment(int(row["posted_at"])),
            due_at=moment(int(row["due_at"])),
            answered_at=None if row["answered_at"] == NEVER else moment(int(row["answered_at"])),
        )
        for row in late[latest]
    ]


def reasons(of: Outcomes) -> list[tuple[str, int]]:
    """How many breaches each of REASONS has, the most frequent first."""
    counts = np.bincount(of.rows["reason"][of.rows["reason"] != UNKNOWN], minlength=len(CODES)).tolist()
    return sorted(((reason, n) for reason, n in zip(CODES, counts, strict=True) if n), key=lambda each: -each[1])
