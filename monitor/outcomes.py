"""What became of cases: how the first clock of each ended, and who did what. Read from the tables once, then plain."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cached_property
from typing import Literal

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from monitor.case_events import REPLIES
from monitor.models import CaseEventRow, CaseRow
from monitor.transitions import CLOSED_STATES

Measure = Literal["calendar", "business"]
NOBODY = "nobody"
HAVING = ("take", "hand_over", "release", "silent_owner")  # after which somebody, or nobody, has the case


@dataclass(frozen=True, slots=True)
class Turn:
    """Somebody took, handed over, gave back or answered the case: an event's `kind`, and `sent` where it is an answer
    that went out from here."""

    kind: str
    actor: str
    at: datetime
    sent: bool = False


@dataclass(frozen=True)  # without slots: what is derived is kept, since every table of a page asks for it
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

    def seconds(self, measure: Measure) -> float | None:
        """Whole seconds of the clock to the first response; None without one. Fractions do not count, as in
        `monitor.sla.late`."""
        used = self.calendar_seconds if measure == "calendar" else self.business_seconds
        return math.floor(used) if self.answered and used is not None else None


_OWN = [field.name for field in fields(Outcome) if hasattr(CaseRow, field.name)]


def outcomes(session: Session, since: datetime, until: datetime) -> list[Outcome]:
    """Every case whose first complaint was posted from `since` (inclusive) to `until` (exclusive), by id."""
    posted = [CaseRow.posted_at >= since, CaseRow.posted_at < until]
    e = CaseEventRow
    told = (
        select(e.case_id, e.kind, e.actor, e.at, e.detail["reply_id"].as_integer())
        .join(CaseRow, CaseRow.id == e.case_id)
        .where(*posted, e.kind.in_((*HAVING, *REPLIES)))
        .order_by(e.id)
    )
    turns: defaultdict[int, list[Turn]] = defaultdict(list)
    for case_id, kind, actor, at, reply_id in session.execute(told):
        turns[case_id].append(Turn(kind, actor, at, reply_id is not None))
    cases = select(
        CaseRow.id.label("case_id"),
        CaseRow.first_response_at.label("answered_at"),
        # a next clock runs in place of the first, whose outcome stays
        or_(
            CaseRow.calendar_seconds.is_not(None), and_(CaseRow.clock_kind == "first", CaseRow.starts_at.is_not(None))
        ).label("clocked"),
        *(getattr(CaseRow, name) for name in _OWN),
    )
    found = session.execute(cases.where(*posted).order_by(CaseRow.id)).mappings()
    return [Outcome(**row, turns=tuple(turns[row["case_id"]])) for row in found]
