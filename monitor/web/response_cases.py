"""The cases behind a figure of the response: read from the address, and counted as the figure was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from monitor.clock import Clock
from monitor.database import Database
from monitor.models import CaseRow
from monitor.outcome_columns import UNKNOWN as NOT_KNOWN
from monitor.outcome_columns import Outcomes
from monitor.outcome_days import OutcomeDays
from monitor.outcomes import Measure
from monitor.response import CLOSED, LIMITS, UNKNOWN, WAITING
from monitor.settings import Settings
from monitor.waits import HOUR, MINUTE
from monitor.web.behind import moment
from monitor.web.queries import GLANCE, CaseRecord, case_query, case_records
from monitor.web.response_charts import behind, stamp, words
from monitor.web.scope import MOST_DAYS, Impossible, Scope, scope
from monitor.web.teams import Teams
from monitor.web.words import shortened

ON_PAGE = 50
_LABELS = (*(label for label, _ in LIMITS), WAITING, CLOSED, UNKNOWN)
_ANSWERED = {
    "within_20": "answered within 20 minutes",
    "within_60": "answered in 20 to 60 minutes",
    "later": "answered later",
    "unanswered": "not answered",
}
_SPANS = {"within_20": (-1.0, 20.0 * MINUTE), "within_60": (20.0 * MINUTE, 1.0 * HOUR)}
_SPANS |= {
    label: (low, high) for (label, high), low in zip(LIMITS, (-1.0, *(limit for _, limit in LIMITS)), strict=False)
}
_NARROW = ("answer", "bar", "hour", "person", "team")
_HOURS = tuple(f"{hour:02}" for hour in range(24))


@dataclass(frozen=True, slots=True)
class Listed:
    """A case, and what became of it: `seconds` are those on the clock until the answer."""

    case: CaseRecord
    person: str
    answered: bool
    closed: bool
    seconds: int | None


@dataclass(frozen=True, slots=True)
class CasesBehind:
    """One page of the cases that were posted from `since` to `until`, the newest first; `count` of them there are in
    all. `told` says what narrows them further; `older` is the number of the next page."""

    scope: Scope
    since: datetime
    until: datetime
    told: str
    words: str
    count: int
    cases: tuple[Listed, ...]
    query: str
    older: int | None


class CaseDrillDown:
    """Looks up what is behind a figure."""

    def __init__(self, db: Database, clock: Clock, settings: Settings, days: OutcomeDays) -> None:
        self._db, self._clock, self._zone, self._days = db, clock, settings.clock.zone, days
        self._teams = Teams(settings)

    def report(self, asked: Mapping[str, str]) -> CasesBehind:
        """Raises Impossible."""
        now = self._clock.now()
        since = moment("since", asked) or now - timedelta(days=1)
        until = moment("until", asked) or since + timedelta(days=1)
        if not timedelta() < until - since <= timedelta(days=MOST_DAYS):
            why = f"The time has to end after it begins, and at most {MOST_DAYS} days later: choose another end."
            raise Impossible(why, {"until": ""})
        first, last = (each.astimezone(self._zone).date() for each in (since, until - timedelta(seconds=1)))
        days = {"from": first.isoformat(), "to": last.isoformat()}
        if first > now.astimezone(self._zone).date():
            raise Impossible("This is in the future: nothing was heard yet.", {"since": "", "until": ""})
        wanted = scope({**asked, **days}, now, self._zone)
        narrow = {name: asked[name] for name in _NARROW if asked.get(name)}
        _check(narrow)
        number = _number(asked.get("page"))
        with self._db.read() as session:
            of = wanted.narrowed(self._days.read(session, since, until)).clocked()
            of = self._narrowed(session, of, narrow, wanted, since, until)
            latest = np.lexsort((of.rows["case_id"], of.rows["posted_at"]))[::-1]
            shown = of.rows[latest[(number - 1) * ON_PAGE : number * ON_PAGE]]
            records = _records(session, shown["case_id"].tolist())
        listed = tuple(_listed(records[row["case_id"]], row, of, wanted) for row in shown if row["case_id"] in records)
        query = f"{behind(wanted, **narrow).partition('?')[2]}since={stamp(since)}&until={stamp(until)}"
        older = number + 1 if len(of) > number * ON_PAGE else None
        return CasesBehind(wanted, since, until, _said(narrow), words(wanted), len(of), listed, query, older)

    def _narrowed(
        self,
        session: Session,
        of: Outcomes,
        narrow: Mapping[str, str],
        wanted: Scope,
        since: datetime,
        until: datetime,
    ) -> Outcomes:
        """Those of which all of `narrow` holds."""
        if "person" in narrow:
            of = of.having("person", narrow["person"])
        if "hour" in narrow:
            of = _part(of, of.apart_by_hour(self._zone), narrow["hour"])
        if "team" in narrow:
            of = _part(of, of.apart_as(self._teams.of(session, of, since, until)), narrow["team"])
        for name in ("answer", "bar"):
            if name in narrow:
                of = of.where(_answered(of.rows, narrow[name], wanted.measure))
        return of


def _part(of: Outcomes, parts: Iterable[tuple[str, Outcomes]], name: str) -> Outcomes:
    return next((part for each, part in parts if each == name), of.where(np.zeros(len(of), bool)))


def _answered(rows: NDArray[Any], how: str, measure: Measure) -> NDArray[Any]:
    """Which of these belong to one of PARTS, or to a bar of the distribution."""
    answered, closed, seconds = rows["answered"], rows["closed"], rows[measure]
    known = answered & (seconds != NOT_KNOWN)
    low, high = _SPANS.get(how, (0.0, 0.0))
    found: dict[str, NDArray[Any]] = {
        "later": answered & ~(known & (seconds <= HOUR)),
        "unanswered": ~answered,
        WAITING: ~answered & ~closed,
        CLOSED: ~answered & closed,
        UNKNOWN: answered & ~known,
    }
    within: NDArray[Any] = known & (seconds > low) & (seconds <= high)
    return found.get(how, within)


def _listed(case: CaseRecord, row: Any, of: Outcomes, wanted: Scope) -> Listed:
    seconds = int(row[wanted.measure])
    return Listed(
        case=case,
        person=of.names[row["person"]],
        answered=bool(row["answered"]),
        closed=bool(row["closed"]),
        seconds=None if seconds == NOT_KNOWN else seconds,
    )


def _check(narrow: Mapping[str, str]) -> None:
    """Raises Impossible for what no figure leads to."""
    for name, known in (("answer", tuple(_ANSWERED)), ("bar", _LABELS), ("hour", _HOURS)):
        if name in narrow and narrow[name] not in known:
            raise Impossible(f'{name} is "{narrow[name][:40]}": it can be {", ".join(known)}.', {name: ""})


def _number(text: str | None) -> int:
    if not text:
        return 1
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 7 and int(text)):
        raise Impossible(f'page is "{text[:40]}", which is no number of a page: begin again.', {"page": ""})
    return int(text)


def _said(narrow: Mapping[str, str]) -> str:
    """What narrows them, in words."""
    told = {"answer": _ANSWERED.get(narrow.get("answer", "")), "hour": f"posted from {narrow.get('hour')}:00 on"}
    return ", ".join(shortened(told.get(name) or value, 40) for name, value in narrow.items())


def _records(session: Session, ids: list[int]) -> dict[int, CaseRecord]:
    return {each.id: each for each in case_records(session, case_query(GLANCE).where(CaseRow.id.in_(ids)))}
