"""The clock of a case: pure arithmetic, no database, no wall clock.

Definitions after Zendesk's first-reply and next-reply time; docs/clock.md has the edges. A clock consumes business
time from `starts_at`; a pause consumes nothing; an answer stops it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.business_time import BusinessHours, HolidayCalendar, Window, holiday_calendar, windows
from monitor.settings import ClockSettings, PolicySettings, StepSettings, duration_text

__all__ = ["BusinessHours", "CaseClock", "HolidayCalendar", "Policy", "Step", "Window", "holiday_calendar", "windows"]

SECOND = timedelta(seconds=1)
ZERO = timedelta()
DEFAULT = "default"  # the policy's name where none of [[clock.policies]] fits


@dataclass(frozen=True, slots=True)
class Step:
    """What happens once a clock has consumed `at`. `event` is remind, oncall or breach."""

    at: timedelta
    notify: str
    event: str
    configured: bool = True  # False: the breach itself, where no step is set for the target
    for_takers: bool = False  # asks for somebody to take the case; silent once somebody has

    @property
    def kind(self) -> str:
        """The kind of delivery that it makes."""
        return {"remind": "reminder", "breach": "breach"}.get(self.event, "escalation")


@dataclass(frozen=True)
class Policy:
    name: str
    hours: BusinessHours
    target: timedelta
    steps: tuple[Step, ...]  # by `at`; exactly one is the breach
    renag: timedelta
    silent_owner: timedelta

    @property
    def breach_step(self) -> int:
        return next(i for i, step in enumerate(self.steps) if step.event == "breach")


@dataclass(frozen=True, slots=True)
class Subject:
    """What the conditions of a policy look at; None: not known, so that no condition on it holds."""

    source: str | None = None
    brand: str | None = None
    severity: str | None = None
    language: str | None = None
    rating: float | None = None
    followers: int | None = None


class Policies:
    """The policies of `[clock]`, made once."""

    def __init__(self, settings: ClockSettings) -> None:
        self.settings = settings
        self._default = _policy(settings, PolicySettings(name=DEFAULT))
        self._rules = [(rule, _policy(settings, rule)) for rule in settings.policies]

    def choose(self, subject: Subject) -> tuple[Policy, str]:
        """The first policy all of whose conditions hold, and why."""
        for rule, policy in self._rules:
            reasons = _reasons(rule, subject)
            if reasons is not None:
                return policy, "first that fits: " + (", ".join(reasons) or "it has no conditions")
        return self._default, "no policy fits" if self._rules else "no policies are set"

    def named(self, name: str) -> Policy:
        """The policy that a case was opened under; the default where it is no longer configured."""
        return next((policy for rule, policy in self._rules if rule.name == name), self._default)


def policy_for(settings: ClockSettings, subject: Subject) -> tuple[Policy, str]:
    return Policies(settings).choose(subject)


def _reasons(rule: PolicySettings, subject: Subject) -> list[str] | None:
    """Why `rule` fits, None where it does not."""
    reasons = []
    lists: Mapping[str, tuple[list[str], str | None]] = {
        "source": (rule.source, subject.source),
        "brand": (rule.brand, subject.brand),
        "severity": (rule.severity, subject.severity),
        "language": (rule.language, subject.language),
    }
    for name, (wanted, value) in lists.items():
        if wanted:
            if value not in wanted:
                return None
            reasons.append(f"{name} is {value}")
    if rule.rating_at_most is not None:
        if subject.rating is None or subject.rating > rule.rating_at_most:
            return None
        reasons.append(f"rating {subject.rating:g} is at most {rule.rating_at_most:g}")
    if rule.followers_at_least is not None:
        if subject.followers is None or subject.followers < rule.followers_at_least:
            return None
        reasons.append(f"{subject.followers} followers are at least {rule.followers_at_least}")
    return reasons


def _policy(base: ClockSettings, rule: PolicySettings) -> Policy:
    hours = base.hours if rule.hours is None else rule.hours
    days_off = base.holidays if rule.holidays is None else rule.holidays
    target = base.target if rule.target is None else rule.target
    steps = base.steps if rule.steps is None else rule.steps
    return Policy(
        name=rule.name,
        hours=BusinessHours(windows(hours), ZoneInfo(rule.timezone or base.timezone), holiday_calendar(days_off)),
        target=target,
        steps=_steps(steps, target),
        renag=base.renag,
        silent_owner=base.silent_owner,
    )


def _steps(configured: list[StepSettings], target: timedelta) -> tuple[Step, ...]:
    steps, breached = [], False
    for step in sorted(configured, key=lambda s: s.at):
        if step.at == target and not breached:
            steps.append(Step(step.at, step.notify, "breach"))
            breached = True
        elif step.notify in ("thread", "channel"):
            steps.append(Step(step.at, step.notify, "remind", for_takers=step.notify == "thread" and step.at < target))
        else:
            steps.append(Step(step.at, step.notify, "oncall"))
    if not breached:
        steps.append(Step(target, "thread", "breach", configured=False))
    return tuple(sorted(steps, key=lambda s: s.at))


@dataclass(frozen=True, slots=True)
class CaseClock:
    """The state of one clock. `state` is none, running, paused or stopped; `kind` first or next.

    `seconds_left` is set while paused: business seconds until due, or, once overdue, minus the calendar seconds since
    then. `paused_at` outlives an answer that came while paused. The seconds are those up to the answer or the end.
    `head_start` is set where the case became worse: the business seconds before its target and its steps count.
    """

    kind: str = "first"
    state: str = "none"
    starts_at: datetime | None = None
    due_at: datetime | None = None
    seconds_left: float | None = None
    paused_at: datetime | None = None
    paused_calendar: float = 0.0
    paused_business: float = 0.0
    head_start: float = 0.0
    answered_at: datetime | None = None
    met: bool | None = None
    breached_at: datetime | None = None
    calendar_seconds: float | None = None
    business_seconds: float | None = None


def start(policy: Policy, at: datetime, kind: str = "first") -> CaseClock:
    return CaseClock(kind=kind, state="running", starts_at=at, due_at=policy.hours.add(at, policy.target))


def first_sight(settings: ClockSettings, policy: Policy, posted_at: datetime, seen_at: datetime) -> CaseClock:
    """The clock of words posted and first seen then: none at all where they were already too old. A post that claims
    to come from the future starts when it was seen."""
    if seen_at - posted_at > settings.ignore_older_than:
        return CaseClock()
    return start(policy, seen_at if settings.starts == "seen" else min(posted_at, seen_at))


def late(at: datetime, due_at: datetime) -> bool:
    """Whether an answer at `at` is too late; the very second of `due_at` is not."""
    return at.replace(microsecond=0) > due_at


def moment(policy: Policy, clock: CaseClock, span: timedelta) -> datetime | None:
    """When a running clock will have consumed `span` (right for what lies after its last pause); None where no time
    can be told: it is paused (or was when it stopped), or there is no clock."""
    if clock.starts_at is None or clock.paused_at is not None:
        return None
    return policy.hours.add(clock.starts_at, span + timedelta(seconds=clock.paused_business + clock.head_start))


def step_at(policy: Policy, clock: CaseClock, step: Step) -> datetime | None:
    """When `step` is to happen: the breach one second after the last second in which an answer is in time."""
    if step.event == "breach":
        return None if clock.due_at is None else clock.due_at.replace(microsecond=0) + SECOND
    return moment(policy, clock, step.at)


def used(policy: Policy, clock: CaseClock, at: datetime) -> tuple[float, float]:
    """Calendar and business seconds that the clock had consumed at `at`, pauses left out."""
    if clock.starts_at is None:
        return 0.0, 0.0
    end = min(at, clock.paused_at) if clock.paused_at else at
    calendar = (end - clock.starts_at).total_seconds() - clock.paused_calendar
    business = policy.hours.between(clock.starts_at, end).total_seconds() - clock.paused_business
    return max(0.0, calendar), max(0.0, business)


def pause(policy: Policy, clock: CaseClock, at: datetime) -> CaseClock:
    """Stop consuming, and keep what is left; nothing happens to a clock that does not run."""
    if clock.state != "running" or clock.starts_at is None or clock.due_at is None:
        return clock
    if late(at, clock.due_at):
        left = (clock.due_at - at).total_seconds()
    else:
        left = policy.hours.between(max(at, clock.starts_at), clock.due_at).total_seconds()
    return replace(clock, state="paused", paused_at=at, seconds_left=left, due_at=None)


def resume(policy: Policy, clock: CaseClock, at: datetime) -> CaseClock:
    """Go on with what was left. What was overdue stays due when it was."""
    if clock.state != "paused" or clock.starts_at is None or clock.paused_at is None or clock.seconds_left is None:
        return clock
    at = max(at, clock.paused_at)
    begin, end = max(clock.paused_at, clock.starts_at), max(at, clock.starts_at)
    left = timedelta(seconds=clock.seconds_left)
    return replace(
        clock,
        state="running",
        paused_at=None,
        seconds_left=None,
        due_at=clock.paused_at + left if left < ZERO else policy.hours.add(end, left),
        paused_calendar=clock.paused_calendar + (end - begin).total_seconds(),
        paused_business=clock.paused_business + policy.hours.between(begin, end).total_seconds(),
    )


def answer(policy: Policy, clock: CaseClock, at: datetime) -> CaseClock:
    """A person replied in public. An answer that is found out later, but was in time, takes a breach back."""
    calendar, business = used(policy, clock, at)
    if clock.starts_at is None:
        return replace(clock, state="stopped", answered_at=at)
    due_at = clock.due_at
    if due_at is None and clock.paused_at and clock.seconds_left is not None and clock.seconds_left < 0:
        due_at = clock.paused_at + timedelta(seconds=clock.seconds_left)
    breached = due_at is not None and late(at, due_at)
    return replace(
        clock,
        state="stopped",
        answered_at=at,
        met=not breached,
        breached_at=due_at if breached else None,
        calendar_seconds=calendar,
        business_seconds=business,
    )


def close(policy: Policy, clock: CaseClock, at: datetime) -> CaseClock:
    """The case ended without a reply: neither met nor missed."""
    if clock.state not in ("running", "paused"):
        return clock
    calendar, business = used(policy, clock, at)
    return replace(clock, state="stopped", met=None, calendar_seconds=calendar, business_seconds=business)


def reopen(policy: Policy, clock: CaseClock, at: datetime) -> CaseClock:
    """A clock that ended without a reply goes on as if it had never ended."""
    if clock.state != "stopped" or clock.answered_at is not None or clock.starts_at is None:
        return clock
    clock = replace(clock, calendar_seconds=None, business_seconds=None, met=False if clock.breached_at else None)
    return (
        replace(clock, state="running")
        if clock.paused_at is None
        else resume(policy, replace(clock, state="paused"), at)
    )


def worsen(policy: Policy, clock: CaseClock, at: datetime) -> CaseClock:
    """A running clock once its case has become worse, by words of `at`, and so comes under `policy`: target and steps
    count from those words, but what was promised before is not put off."""
    if clock.state != "running" or clock.starts_at is None or clock.due_at is None:
        return clock
    due_at = min(clock.due_at, policy.hours.add(max(at, clock.starts_at), policy.target))
    until_due = policy.hours.between(clock.starts_at, due_at) - policy.target
    return replace(clock, due_at=due_at, head_start=until_due.total_seconds() - clock.paused_business)


def breach(clock: CaseClock) -> CaseClock:
    """Nobody answered in time."""
    return replace(clock, met=False, breached_at=clock.due_at)


def as_next(clock: CaseClock) -> CaseClock:
    """The same clock, for an answer to what the customer wrote after ours."""
    return replace(clock, kind="next")


def why_no_clock(settings: ClockSettings) -> str:
    return f"older than {duration_text(settings.ignore_older_than)} when first seen: no clock"
