"""What is said of a silence: that it begins, and what was missed once it is over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from monitor.alerts import lists, silences
from monitor.alerts.blocks import mention
from monitor.alerts.routes import Routes
from monitor.alerts.tally import tally
from monitor.cases import Case, Cases

SHOWN = 10


def about_silence(
    session: Session, cases: Cases, routes: Routes, kind: str, payload: Mapping[str, Any], now: datetime
) -> str | None:
    """The words of a note or digest about the silence that `payload` names, as things stand now; None: none left."""
    silence = silences.get(session, int(payload["silence"]))
    if silence is None:
        return None
    if kind == "note":
        ended = silence.ended_at is not None or (silence.until is not None and silence.until <= now)
        return None if ended else lists.told_of(silence, now)
    if silence.kind == silences.PAUSE:
        held = [cases.get(session, case_id) for case_id in silences.held(session, silence)]
        return lists.after_pause(silence, sorted(held, key=_urgency), now)
    if silence.kind == silences.QUIET:
        held = [cases.get(session, case_id) for case_id in silences.held(session, silence)]
        return lists.after_quiet(sorted(held, key=_urgency), now) if held else None
    waiting = [case for case in cases.open_cases(session, 3 * SHOWN) if case.clock == "running"]
    return lists.after_outage(silence, tally(session, silence.since, now), waiting[:SHOWN], _call(routes, now), now)


def _urgency(case: Case) -> tuple[bool, float]:
    return case.due_at is None, case.due_at.timestamp() if case.due_at else 0.0


def _call(routes: Routes, now: datetime) -> str | None:
    """Who is told of cases that ran out of time meanwhile: those on call and the lead, once for all of them."""
    lead = routes.pick().lead
    told = [*routes.rota.at(now), *([lead] if lead and lead.startswith(("U", "W")) else [])]
    return " ".join(mention(target) for target in dict.fromkeys(told)) or None
