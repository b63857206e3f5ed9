"""What became of cases: how the first clock of each ended, and who did what. Read from the tables once, then plain."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, NamedTuple

from sqlalchemy import and_, inspect, or_, select
from sqlalchemy.orm import Session

from monitor.case_events import REPLIES
from monitor.models import CaseEventRow, CaseRow
from monitor.transitions import CLOSED_STATES

Measure = Literal["calendar", "business"]
NOBODY = "nobody"
HAVING = ("take", "hand_over", "release", "silent_owner")  # after which somebody, or nobody, has the case
# why a case was not answered by the time it was due: the first that holds
REASONS: Mapping[str, tuple[str, str]] = {
    "heard_late": ("Heard too late", "The case was opened only once it was already due."),
    "owner_silent": ("Owner silent", "Nobody had it when it was due: it was taken back from an owner who kept silent."),
    "given_back": ("Given back", "Nobody had it when it was due: whoever had taken it gave it back."),
    "nobody_took_it": ("Nobody took it", "Nobody had taken it by the time it was due."),
    "answered_late": ("Answered late", "Somebody had it when it was due, and it was answered later."),
    "not_answered": ("Taken, not answered", "Somebody had it when it was due, and it was never answered."),
}


class Turn(NamedTuple):  # of which a page reads tens of thousands: a tuple is made several times as fast
    """Somebody took, handed over, gave back or answered the case: an event's `kind`, and `sent` where it is an answer
    that went out from here."""

    kind: str
    actor: str
    at: datetime
    sent: bool = False


@dataclass(frozen=True)  # without slots: what is derived is kept, since it is asked for more than once
class Outcome:
    """What became of one case: how its first clock ended, and who did what, in the order of the history. Times are
    aware. `clocked` is False for a case that was too old when first seen, or imported."""

    case_id: int
    brand: str
    source: str
    language: str
    state: str
    owner: str | None
    posted_at: datetime
    opened_at: datetime
    clocked: bool
    answered_at: datetime | None = None
    met: bool | None = None
    breached_at: datetime | None = None
    calendar_seconds: float | None = None
    business_seconds: float | None = None
    satisfaction: int | None = None
    turns: tuple[Turn, ...] = ()

    @property
    def answered(self) -> bool:
        return self.answered_at is not None

    @property
    def closed(self) -> bool:
        return self.state in CLOSED_STATES

    @cached_property
    def answer(self) -> Turn | None:
        """The first answer, where the history still holds it."""
        answers = [turn for turn in self.turns if turn.kind in REPLIES]
        return min(answers, key=lambda turn: turn.at, default=None)

    @cached_property
    def person(self) -> str:
        """Who is known here to have given the first answer, else who has the case, else nobody."""
        answer = self.answer
        return answer.actor if answer is not None and answer.kind == "reply" else self.owner or NOBODY

    @cached_property
    def seconds_to_take(self) -> float | None:
        taken = [turn.at for turn in self.turns if turn.kind in ("take", "hand_over")]
        return max(0.0, (min(taken) - self.opened_at).total_seconds()) if taken else None

    @cached_property
    def reason(self) -> str | None:
        """Of a breach, the first of REASONS that holds; by who had the case when it was due."""
        if self.breached_at is None:
            return None
        if self.opened_at >= self.breached_at:
            return "heard_late"
        last = None
        for turn in self.turns:
            if turn.kind in HAVING and turn.at <= self.breached_at:
                last = turn.kind
        if last == "silent_owner":
            return "owner_silent"
        if last == "release":
            return "given_back"
        if last is None:
            return "nobody_took_it"
        return "answered_late" if self.answered else "not_answered"

    def seconds(self, measure: Measure) -> float | None:
        """Whole seconds of the clock to the first response; None without one. Fractions do not count, as in
        `monitor.sla.late`."""
        used = self.calendar_seconds if measure == "calendar" else self.business_seconds
        return math.floor(used) if self.answered and used is not None else None


_OWN = [field.name for field in fields(Outcome) if hasattr(CaseRow, field.name)]


def outcomes(session: Session, since: datetime, until: datetime) -> list[Outcome]:
    """Every case whose first complaint was posted from `since` (inclusive) to `until` (exclusive), by id."""
    c, e = inspect(CaseRow).local_table.c, inspect(CaseEventRow).local_table.c  # plain columns: rows are many
    posted = [c.posted_at >= since, c.posted_at < until]
    sent = and_(e.kind.in_(REPLIES), e.detail["reply_id"].as_integer().is_not(None))
    told = select(e.case_id, e.kind, e.actor, e.at, sent).join_from(e.id.table, c.id.table, c.id == e.case_id)
    turns: defaultdict[int, list[Turn]] = defaultdict(list)
    for case_id, *turn in session.execute(told.where(*posted, e.kind.in_((*HAVING, *REPLIES))).order_by(e.id)).all():
        turns[case_id].append(Turn(*turn))
    # a next clock runs in place of the first, whose outcome stays
    clocked = or_(c.calendar_seconds.is_not(None), and_(c.clock_kind == "first", c.starts_at.is_not(None)))
    columns = {"case_id": c.id, "answered_at": c.first_response_at, "clocked": clocked}
    columns |= {name: c[name] for name in _OWN}
    found = session.execute(select(*columns.values()).where(*posted).order_by(c.id)).all()
    return [_outcome(columns, row, tuple(turns[row[0]])) for row in found]


def _outcome(names: Iterable[str], row: Iterable[Any], turns: tuple[Turn, ...]) -> Outcome:
    """As `Outcome(...)`, which sets its fields one by one and slowly, since it is frozen."""
    outcome = object.__new__(Outcome)
    outcome.__dict__.update(zip(names, row, strict=True), turns=turns)
    return outcome
