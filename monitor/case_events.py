"""What one event does to a case: the state after the table, the owner, the clock, the next step, a row of history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitor import case_clock, sla
from monitor.case_views import Case, Change, Listener, views
from monitor.clock import aware
from monitor.corrections import correct
from monitor.database import insert_rows
from monitor.models import CaseEventRow, CaseRow
from monitor.transitions import AFTERWARDS, BEFORE, CLOSED_STATES, ON_THE_WAY, SHOWN, after

SYSTEM = "firsthour"  # the actor of what nobody did
_UNMUTE = ("unmute", "release", "silent_owner", "reopen", "customer_again")  # who muted it has it no more, or it is new
REPLIES = ("reply", "reply_seen")
_KEEP_SCHEDULE = ("note", "auto_ack", "escalate", "ask_solved", *AFTERWARDS, *ON_THE_WAY, *SHOWN)


@dataclass(frozen=True, slots=True)
class Happened:
    """An event, before and after it was stored. `clock` is the clock afterwards where the event alone does not tell."""

    event: str
    actor: str
    origin: str
    at: datetime
    detail: dict[str, Any] = field(default_factory=dict)
    key: str | None = None
    clock: sla.CaseClock | None = None
    learnt_at: datetime | None = None  # where that is later than `at`

    def change(self, case: Case) -> Change:
        return Change(case, self.event, self.actor, self.at, self.origin, self.detail)


class CaseWriter:
    """The only code that changes a case. Each listener hears of each Change inside the transaction that makes it."""

    def __init__(self, policies: sla.Policies, listeners: Sequence[Listener]) -> None:
        self.policies = policies
        self.listeners = tuple(listeners)

    def tell(self, session: Session, stored: Sequence[tuple[CaseRow, Happened]]) -> list[Change]:
        """Write the history of what was applied, and tell the listeners, with each case as it is after all of it."""
        if not stored:
            return []
        insert_rows(session, CaseEventRow, [_history(row, happened) for row, happened in stored])
        rows = {row.id: row for row, _ in stored}
        cases = {case.id: case for case in views(session, list(rows.values()))}
        changes = [happened.change(cases[row.id]) for row, happened in stored]
        for change in changes:
            for listener in self.listeners:
                listener(session, change)
        return changes

    def apply(self, session: Session, row: CaseRow, happened: Happened) -> Happened:
        """Change the row; what `tell` has to be given. Raises Refused."""
        target, event, at = after(row.state, happened.event), happened.event, happened.at
        policy, known = self.policies.named(row.policy), case_clock.load(row)
        clock = happened.clock or known
        detail = {name: _json(value) for name, value in happened.detail.items() if value is not None}
        before = row.state
        belated = event in REPLIES and clock.kind == "next" and clock.starts_at is not None and at < clock.starts_at
        if belated:  # it answers what came before the words that the clock now runs for
            target = before
        elif event in REPLIES:
            clock = _answer(policy, row, clock, at)
        if before == "snoozed" and target != "snoozed":
            if target == BEFORE:
                target = _state_before(session, row)
            clock = clock if target in CLOSED_STATES else sla.resume(policy, clock, at)
            row.snoozed_until = None
        if event == "snooze":
            detail["from"] = before if before != "snoozed" else _state_before(session, row)
            row.snoozed_until = happened.detail["until"]
            clock = sla.pause(policy, clock, at)
        elif event in ("resolve", "dismiss"):
            row.resolved_at = at
            clock = sla.close(policy, clock, at) if before != "replied" else clock
        elif event in ("reopen", "customer_again"):
            row.resolved_at = None
            if happened.clock is None:
                clock = self._clock_again(session, policy, row, clock, at)
        elif event == "rated":
            row.satisfaction, row.satisfaction_at = detail["score"], row.satisfaction_at or at
        if event == "mute":
            row.muted_until = happened.detail.get("until", case_clock.FOR_GOOD)
        elif event in _UNMUTE:
            row.muted_until = None
        if event in ("dismiss", "reopen") and "dismissed" in (before, target):
            correct(session, row.mention_id, event == "reopen", happened.actor, at)
        _own(row, happened, target)
        row.state = target
        if "step" in detail and event != "renag":
            row.step = detail["step"] + 1
        if clock != known:
            case_clock.store(row, clock)
        if event not in _KEEP_SCHEDULE and not belated and not (event == "joined" and clock == known):
            present = happened.learnt_at or at
            case_clock.leave_out_passed(policy, row, clock, present, event not in ("release", "silent_owner"))
            case_clock.schedule(policy, row, clock, present)
        row.version += 1
        return Happened(event, happened.actor, happened.origin, at, detail, happened.key)

    def _clock_again(
        self, session: Session, policy: sla.Policy, row: CaseRow, clock: sla.CaseClock, at: datetime
    ) -> sla.CaseClock:
        """The clock of a case that somebody opened again: a next one after an answer, else the same one goes on."""
        if answered(clock, last_reply(session, row)):
            row.step = 0
            return sla.start(policy, at, "next")
        return sla.reopen(policy, clock, at)


def _history(row: CaseRow, happened: Happened) -> dict[str, Any]:
    return {
        "case_id": row.id,
        "kind": happened.event,
        "actor": happened.actor[:100],
        "origin": happened.origin[:30],
        "at": happened.at,
        "detail": _without_secrets(happened.detail),
        "key": happened.key,
    }


def answered(clock: sla.CaseClock, replied_at: datetime | None) -> bool:
    """Whether the clock was stopped by a reply rather than by closing the case."""
    if clock.kind == "first":
        return clock.answered_at is not None
    return replied_at is not None and (clock.starts_at is None or replied_at >= clock.starts_at)


def last_reply(session: Session, row: CaseRow) -> datetime | None:
    return session.scalar(
        select(func.max(CaseEventRow.at)).where(CaseEventRow.case_id == row.id, CaseEventRow.kind.in_(REPLIES))
    )


def _answer(policy: sla.Policy, row: CaseRow, clock: sla.CaseClock, at: datetime) -> sla.CaseClock:
    """The clock after a reply at `at`, which may be found out late: one that came before the case was closed, or
    before the answer known so far, still counts."""
    if row.state == "resolved" and row.resolved_at is not None and at > row.resolved_at:
        return clock
    if clock.state != "stopped" or (clock.kind == "first" and (clock.answered_at is None or at < clock.answered_at)):
        return sla.answer(policy, clock, at)
    return clock


def _own(row: CaseRow, happened: Happened, target: str) -> None:
    """Who has the case, and since when that person's silence counts."""
    if happened.event in ("take", "hand_over"):
        row.owner = str(happened.detail.get("to", happened.actor))[:100]
        row.taken_at = happened.at
    elif happened.event in ("release", "silent_owner"):
        row.owner = row.taken_at = None
    elif happened.event == "reply" and row.owner is None:
        row.owner = happened.actor[:100]
    elif happened.event == "unsnooze" and target == "taken":
        row.taken_at = happened.at
    elif target == "reopened" and row.state != target:
        row.taken_at = None


def _state_before(session: Session, row: CaseRow) -> str:
    """The state in which the case was snoozed."""
    detail = session.scalar(
        select(CaseEventRow.detail)
        .where(CaseEventRow.case_id == row.id, CaseEventRow.kind == "snooze")
        .order_by(CaseEventRow.id.desc())
        .limit(1)
    )
    return str(detail["from"]) if detail else "open"


def _without_secrets(detail: dict[str, Any]) -> dict[str, Any]:
    """The detail for the history, which people read: an Apprise URL holds passwords, so only its scheme is kept."""
    notify = str(detail.get("notify", ""))
    return {**detail, "notify": notify.partition("://")[0]} if "://" in notify else detail


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return aware(value).isoformat()
    return value.total_seconds() if isinstance(value, timedelta) else value
