"""What stands in the desk's reply form, and what it says of a text while somebody writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from monitor.cases import Case
from monitor.composing import begun, hints_in, offered
from monitor.outgoing import IN_FLIGHT, Outgoing, Replies, Route
from monitor.sources.length import length
from monitor.transitions import CLOSED_STATES

SHOWN = 6  # hints; more help nobody


@dataclass(frozen=True, slots=True)
class Weighed:
    """How long a text is to the service, and what to think over in it. `excess` is 0 where it fits."""

    used: int
    limit: int
    excess: int
    hints: Sequence[str]


@dataclass(frozen=True, slots=True)
class Writing:
    """The form for one case and one writer. `under_way` are replies that wait for approval or are being sent;
    `templates` are names with their texts."""

    route: Route
    text: str
    trouble: str | None
    busy: str | None
    weighed: Weighed
    templates: Sequence[tuple[str, str]]
    under_way: Sequence[Outgoing]

    @property
    def standing(self) -> tuple[object, ...]:
        """What another person may change in it: not the text, which is its writer's own."""
        return self.route, self.busy, self.under_way


def writing(
    session: Session, replies: Replies, case: Case, me: str | None, now: datetime, text: str | None = None
) -> Writing | None:
    """The form, with `text` where that is given; None for a case that is closed."""
    if case.state in CLOSED_STATES:
        return None
    route, begin = replies.route(case), begun(session, replies, case, me or "", now)
    words = begin.text if text is None else text
    return Writing(
        route=route,
        text=words,
        trouble=begin.trouble if text is None else None,
        busy=begin.busy,
        weighed=weigh(words, case, route),
        templates=offered(replies, case, me or ""),
        under_way=[each for each in replies.of_case(session, case.id) if each.state in IN_FLIGHT],
    )


def weigh(text: str, case: Case, route: Route) -> Weighed:
    hints = tuple(hint.words for hint in hints_in(text, case)[:SHOWN])
    return Weighed(length(text, route.counting), route.limit, route.excess(text), hints)
