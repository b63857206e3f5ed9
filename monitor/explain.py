"""What `firsthour clock` prints: a clock worked out from its events, for people who wonder why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from monitor import sla
from monitor.clock import aware
from monitor.settings import ClockSettings, duration_text

KINDS = ("take", "hand_over", "note", "auto_ack", "reply", "customer_again", "snooze", "unsnooze", "resolve")
ENDS_SNOOZE = ("unsnooze", "take", "hand_over")  # who has a case, or gives it to somebody, wakes it


def parse_event(text: str) -> tuple[datetime, str]:
    """An event written as "2026-11-20T16:50+02:00 reply". Raises ValueError."""
    moment, _, kind = text.strip().rpartition(" ")
    if kind not in KINDS:
        raise ValueError(f'"{text}": write TIME KIND, with KIND one of {", ".join(KINDS)}')
    try:
        return aware(datetime.fromisoformat(moment.strip())), kind
    except ValueError as error:
        raise ValueError(f'"{text}": write the time with its offset, as 2026-11-20T16:45+02:00 ({error})') from None


def explain(
    settings: ClockSettings,
    subject: sla.Subject,
    posted_at: datetime,
    seen_at: datetime | None = None,
    events: Sequence[tuple[datetime, str]] = (),
    now: datetime | None = None,
    *,
    today: datetime,
) -> dict[str, Any]:
    """The clock of words posted and first seen then (`seen_at` None: at once), after `events`, as it is at `now`:
    later events are left out. Without `now` it is told as at `today`, the present, or after the last event if that is
    later. The keys are those of the command's JSON; times are texts in UTC, seconds numbers."""
    seen_at = posted_at if seen_at is None else seen_at
    told_at = now if now is not None else max([today, posted_at, seen_at, *(at for at, _ in events)])
    policy, why = sla.policy_for(settings, subject)
    clock = sla.first_sight(settings, policy, posted_at, seen_at)
    if clock.state == "none":
        why += "; " + sla.why_no_clock(settings)
    told = [_Told(policy, clock)]
    for at, kind in sorted(((at, kind) for at, kind in events if at <= told_at), key=lambda event: event[0]):
        _happen(settings, told, at, kind)
    answer: dict[str, Any] | None = None
    for one in reversed(told):
        answer = one.as_dict(told_at, why, answer)
    assert answer is not None
    return answer


@dataclass
class _Told:
    """One clock on its way through the events. `reached` keeps the steps that had come before a pause."""

    policy: sla.Policy
    clock: sla.CaseClock
    closed: bool = False
    reached: dict[int, datetime] = field(default_factory=dict)

    def pause(self, at: datetime) -> None:
        for index, step in enumerate(self.policy.steps):
            when = self._moment(step)
            if index not in self.reached and when is not None and when <= at:
                self.reached[index] = when
        self.clock = sla.pause(self.policy, self.clock, at)

    def _moment(self, step: sla.Step) -> datetime | None:
        return self.clock.due_at if step.event == "breach" else sla.moment(self.policy, self.clock, step.at)

    def as_dict(self, now: datetime, why: str, following: dict[str, Any] | None) -> dict[str, Any]:
        clock, policy = self.clock, self.policy
        if clock.state in ("running", "paused"):
            calendar, business = sla.used(policy, clock, now)
            overdue = clock.due_at is not None and sla.late(now, clock.due_at)
            met = False if overdue or (clock.seconds_left or 0) < 0 else None
        else:
            calendar, business = clock.calendar_seconds or 0.0, clock.business_seconds or 0.0
            met = clock.met
        running = clock.starts_at is not None
        return {
            "policy": policy.name,
            "why": why,
            "starts_at": _time(clock.starts_at),
            "due_at": _time(clock.due_at),
            "steps": [
                {
                    "after": duration_text(step.at),
                    "at": _time(self.reached.get(index, self._moment(step))),
                    "kind": step.kind,
                }
                for index, step in enumerate(policy.steps)
                if step.configured and running
            ],
            "met": met,
            "first_response_at": _time(clock.answered_at),
            "calendar_seconds": _seconds(calendar) if running else None,
            "business_seconds": _seconds(business) if running else None,
            "next": following,
        }


def _happen(settings: ClockSettings, told: list[_Told], at: datetime, kind: str) -> None:
    last = told[-1]
    answered = last.clock.answered_at is not None
    if kind == "reply" and not answered and not last.closed:
        last.clock = sla.answer(last.policy, last.clock, at)
    elif kind == "snooze":
        last.pause(at)
    elif kind in ENDS_SNOOZE:
        last.clock = sla.resume(last.policy, last.clock, at)
    elif kind == "resolve":
        last.closed = True
        if not answered:
            last.clock = sla.close(last.policy, last.clock, at)
    elif kind == "customer_again" and answered:
        told.append(_Told(last.policy, sla.as_next(sla.first_sight(settings, last.policy, at, at))))
    elif kind == "customer_again" and last.closed:
        last.closed = False
        last.clock = sla.reopen(last.policy, last.clock, at)


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else aware(moment).isoformat()


def _seconds(value: float) -> float:
    return int(value) if value == int(value) else value
