"""Outcomes as columns of numbers, for figures over many at once."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from monitor.outcomes import REASONS, Outcome

NAMED = ("brand", "source", "language", "person")
NEVER = -(2**63)  # instead of a time
UNKNOWN = -1  # instead of anything else that is not there, but for `to_take`: not a number
CODES = tuple(REASONS)  # a reason is its place here
_ROW = np.dtype(
    [
        *((name, "i8") for name in ("case_id", "posted_at", "answered_at", "due_at")),  # microseconds since 1970
        *(("to_take", "f8"), ("calendar", "i8"), ("business", "i8")),  # seconds
        *((name, "i4") for name in NAMED),  # the name's number
        *((name, "i1") for name in ("satisfaction", "sent", "reason")),
        *((name, "?") for name in ("clocked", "answered", "closed", "met")),
    ]
)
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_QUARTER = 15 * 60 * 1_000_000  # no zone changes its clocks at other moments


class Names:
    """A number for each name that is met, for good. Safe in threads."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        self._names: list[str] = []
        self._lock = threading.Lock()

    def number(self, name: str) -> int:
        known = self._known.get(name)
        if known is None:
            with self._lock:
                if name not in self._known:
                    self._names.append(name)
                    self._known[name] = len(self._names) - 1
                known = self._known[name]
        return known

    def known(self, name: str) -> int:
        """Its number; UNKNOWN where it was not met."""
        return self._known.get(name, UNKNOWN)

    def __getitem__(self, number: int) -> str:
        return self._names[number]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """A row for each case; see monitor/outcomes.py for what each column is."""

    rows: NDArray[Any]
    names: Names = field(default_factory=Names, repr=False)

    @classmethod
    def of(cls, outcomes: Iterable[Outcome], names: Names | None = None) -> Outcomes:
        names = Names() if names is None else names
        return cls(np.array([_row(outcome, names) for outcome in outcomes], _ROW), names)

    def __len__(self) -> int:
        return len(self.rows)

    def where(self, holds: NDArray[Any]) -> Outcomes:
        return Outcomes(self.rows[holds], self.names)

    def between(self, since: datetime, until: datetime) -> Outcomes:
        """Those posted from `since` (inclusive) to `until` (exclusive)."""
        posted = self.rows["posted_at"]
        return self.where((posted >= microseconds(since)) & (posted < microseconds(until)))

    def having(self, by: str, name: str) -> Outcomes:
        return self.where(self.rows[by] == self.names.known(name))

    def clocked(self) -> Outcomes:
        """The cases that all figures are about. A case without a clock was promised nothing."""
        return self.where(self.rows["clocked"])

    def said(self, by: str) -> set[str]:
        """The names of NAMED that there are."""
        return {self.names[number] for number in np.unique(self.rows[by]).tolist()}

    def apart(self, by: str) -> Iterator[tuple[str, Outcomes]]:
        """Those of each name, in the order of the names."""
        found = {self.names[number]: part for number, part in self._parts(self.rows[by])}
        yield from sorted(found.items())

    def apart_as(self, named: Sequence[str]) -> Iterator[tuple[str, Outcomes]]:
        """Those of each name, in the order of the names; `named` has one for each row."""
        names = sorted(set(named))
        number = {name: n for n, name in enumerate(names)}
        for n, part in self._parts(np.array([number[name] for name in named], np.int64)):
            yield names[n], part

    def apart_by_hour(self, zone: ZoneInfo) -> Iterator[tuple[str, Outcomes]]:
        """Those of each hour of the day, on the wall clock of `zone`, at which the customer posted: "00" to "23". In
        autumn the hour that comes twice holds both."""
        quarters, which = np.unique(self.rows["posted_at"] // _QUARTER, return_inverse=True)
        hours = [datetime.fromtimestamp(quarter * 900, zone).hour for quarter in quarters.tolist()]
        for hour, part in self._parts(np.array(hours, np.int64)[which]):
            yield f"{hour:02}", part

    def _parts(self, keys: NDArray[Any]) -> Iterator[tuple[int, Outcomes]]:
        ordered = np.argsort(keys, kind="stable")
        found, begins = np.unique(keys[ordered], return_index=True)
        for key, rows in zip(found.tolist(), np.split(self.rows[ordered], begins[1:]), strict=False):
            yield key, Outcomes(rows, self.names)


def together(parts: Sequence[Outcomes], names: Names) -> Outcomes:
    """All of them, where the numbers of all are those of `names`."""
    return Outcomes(np.concatenate([np.zeros(0, _ROW), *(part.rows for part in parts)]), names)


def microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def moment(microseconds: int) -> datetime:
    return _EPOCH + microseconds * _MICROSECOND


def _row(of: Outcome, names: Names) -> tuple[Any, ...]:
    answer, to_take, reason = of.answer, of.seconds_to_take, of.reason
    return (
        *(of.case_id, microseconds(of.posted_at), _time(of.answered_at), _time(of.breached_at)),
        math.nan if to_take is None else to_take,
        *(UNKNOWN if (used := of.seconds(measure)) is None else used for measure in ("calendar", "business")),
        *(names.number(getattr(of, name)) for name in NAMED),
        UNKNOWN if of.satisfaction is None else of.satisfaction,
        UNKNOWN if answer is None or not of.answered else answer.sent,
        UNKNOWN if reason is None else CODES.index(reason),
        *(of.clocked, of.answered, of.closed, of.met is True),
    )


def _time(moment: datetime | None) -> int:
    return NEVER if moment is None else microseconds(moment)
