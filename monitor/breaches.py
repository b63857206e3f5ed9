"""Cases that were not answered by the time they were due, and why: one reason each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from monitor.outcomes import HAVING, Outcome

# the first that holds
REASONS: Mapping[str, tuple[str, str]] = {
    "heard_late": ("Heard too late", "The case was opened only once it was already due."),
    "owner_silent": ("Owner silent", "Nobody had it when it was due: it was taken back from an owner who kept silent."),
    "given_back": ("Given back", "Nobody had it when it was due: whoever had taken it gave it back."),
    "nobody_took_it": ("Nobody took it", "Nobody had taken it by the time it was due."),
    "answered_late": ("Answered late", "Somebody had it when it was due, and it was answered later."),
    "not_answered": ("Taken, not answered", "Somebody had it when it was due, and it was never answered."),
}


@dataclass(frozen=True, slots=True)
class Breach:
    """A case that was not answered by the time it was due, and why: a key of REASONS."""

    outcome: Outcome
    reason: str
    due_at: datetime


def breaches(outcomes: Iterable[Outcome]) -> list[Breach]:
    """The breached cases, those due last first."""
    late = [Breach(o, _reason(o, o.breached_at), o.breached_at) for o in outcomes if o.breached_at is not None]
    return sorted(late, key=lambda breach: (breach.due_at, breach.outcome.case_id), reverse=True)


def _reason(outcome: Outcome, due_at: datetime) -> str:
    """The first of REASONS that holds; by who had the case at `due_at`."""
    if outcome.opened_at >= due_at:
        return "heard_late"
    last = None
    for turn in outcome.turns:
        if turn.kind in HAVING and turn.at <= due_at:
            last = turn.kind
    if last == "silent_owner":
        return "owner_silent"
    if last == "release":
        return "given_back"
    if last is None:
        return "nobody_took_it"
    return "answered_late" if outcome.answered else "not_answered"
