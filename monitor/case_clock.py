"""A case's clock in its row, and when the clock is next due for something."""

from __future__ import annotations

from datetime import UTC, datetime

from monitor.models import CaseRow
from monitor.sla import ZERO, CaseClock, Policy, step_at

FOR_GOOD = datetime(9999, 1, 1, tzinfo=UTC)  # the end of a mute that has none


def load(row: CaseRow) -> CaseClock:
    """The clock that the row holds. The outcome in the row is that of the first clock, also once a next one runs."""
    first = row.clock_kind == "first"
    return CaseClock(
        kind=row.clock_kind,
        state=row.clock,
        starts_at=row.starts_at,
        due_at=row.due_at,
        seconds_left=row.seconds_left,
        paused_at=row.paused_at,
        paused_calendar=row.paused_calendar,
        paused_business=row.paused_business,
        head_start=row.head_start,
        answered_at=row.first_response_at if first else None,
        met=row.met if first else None,
        breached_at=row.breached_at if first else None,
        calendar_seconds=row.calendar_seconds if first else None,
        business_seconds=row.business_seconds if first else None,
    )


def store(row: CaseRow, clock: CaseClock) -> None:
    row.clock_kind = clock.kind
    row.clock = clock.state
    row.starts_at = clock.starts_at
    row.due_at = clock.due_at
    row.seconds_left = clock.seconds_left
    row.paused_at = clock.paused_at
    row.paused_calendar = clock.paused_calendar
    row.paused_business = clock.paused_business
    row.head_start = clock.head_start
    if clock.kind == "first":
        row.first_response_at = clock.answered_at
        row.met = clock.met
        row.breached_at = clock.breached_at
        row.calendar_seconds = clock.calendar_seconds
        row.business_seconds = clock.business_seconds


def next_step(policy: Policy, row: CaseRow, clock: CaseClock) -> tuple[int, datetime | None]:
    """The next step to be taken and when; the number of steps and None when all are done. A case that somebody has
    taken is not asked for takers."""
    for index in range(row.step, len(policy.steps)):
        step = policy.steps[index]
        if not (step.for_takers and row.state == "taken"):
            return index, step_at(policy, clock, step)
    return len(policy.steps), None


def muted(row: CaseRow, at: datetime) -> bool:
    return row.muted_until is not None and row.muted_until > at


def composing(row: CaseRow, at: datetime) -> bool:
    """Whether somebody is writing the reply just now: until that ends, or runs out, nobody is asked for one."""
    return row.composing_until is not None and row.composing_until > at


def owner_silent_at(policy: Policy, row: CaseRow) -> datetime | None:
    """When the owner will have been silent for too long."""
    if row.state != "taken" or row.taken_at is None or policy.silent_owner <= ZERO:
        return None
    return policy.hours.add(row.taken_at, policy.silent_owner)


def leave_out_passed(policy: Policy, row: CaseRow, clock: CaseClock, at: datetime, overtaken_only: bool) -> None:
    """Leave out reminders whose time has passed unseen: after a late first sight only those that a stronger step has
    overtaken, after an owner gave the case back all of them."""
    while row.step < len(policy.steps):
        step = policy.steps[row.step]
        after = policy.steps[row.step + 1] if overtaken_only and row.step + 1 < len(policy.steps) else step
        when = step_at(policy, clock, after)
        if not step.for_takers or when is None or when > at:
            return
        row.step += 1


def schedule(policy: Policy, row: CaseRow, clock: CaseClock, at: datetime) -> None:
    """Set `next_step_at`: the end of a snooze, the next step, the owner's silence, or the next nagging."""
    row.next_step_at = None
    if row.state == "snoozed":
        row.next_step_at = row.snoozed_until
    elif clock.state == "running":
        index, when = next_step(policy, row, clock)
        if index == len(policy.steps) and row.state != "taken" and policy.renag > ZERO:
            when = _nag_at(policy, row, at)
        times = [time for time in (when, owner_silent_at(policy, row)) if time is not None]
        row.next_step_at = min(times, default=None)
        if row.next_step_at is not None and row.composing_until is not None and composing(row, at):
            row.next_step_at = max(row.next_step_at, row.composing_until)


def _nag_at(policy: Policy, row: CaseRow, at: datetime) -> datetime | None:
    """When to nag next; None while it is muted for good."""
    when = policy.hours.add(at, policy.renag)
    if row.muted_until is None or row.muted_until <= when:
        return when
    return None if row.muted_until >= FOR_GOOD else row.muted_until
