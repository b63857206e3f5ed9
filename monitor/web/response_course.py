"""How the response went over the period that is asked for, beside the period before: read once for all its charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitor.annotations import noted
from monitor.charts.time_axis import Mark, TimeAxis, following
from monitor.models import IncidentRow
from monitor.outcome_columns import Outcomes
from monitor.outcome_days import OutcomeDays
from monitor.sla import Policies
from monitor.trend_spans import Grain, Span
from monitor.waits import Point, course, point, waits
from monitor.web.scope import Scope

HOURLY, DAILY = 2, 120  # days at most
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Course:
    """A point for each of `axis`, and of the period before; `all` and `then` are the whole periods. `storms` are the
    incidents of the brand that touch the period."""

    axis: TimeAxis
    points: tuple[Point, ...]
    before: tuple[Point, ...]
    all: Point
    then: Point
    than: str
    marks: tuple[Mark, ...]
    storms: tuple[tuple[datetime, datetime], ...]


def read(
    session: Session, days: OutcomeDays, counted: Outcomes, scope: Scope, policies: Policies, now: datetime
) -> Course:
    """`counted` are the cases of the scope; those of the period before are read from `days`."""
    axis = axis_of(scope, now)
    starts = [start.astimezone(UTC) for start in axis.starts]
    earlier = [_earlier(moment, axis, scope) for moment in (*axis.starts, axis.ends[-1])]
    before = scope.narrowed(days.read(session, earlier[0], min(earlier[-1], starts[0]))).clocked()
    found, past = (waits(session, of, scope.measure, policies, now) for of in (counted, before))
    brands = [scope.brand] if scope.brand else []
    return Course(
        axis=axis,
        points=course(found, starts),
        before=course(past, earlier[:-1]),
        all=point(found),
        then=point(past),
        than=_than(axis),
        marks=tuple(each.mark for each in noted(session, scope.since, scope.until, brands)),
        storms=_storms(session, scope, now),
    )


def axis_of(scope: Scope, now: datetime) -> TimeAxis:
    """By the hour, the day or the week, up to the hour that is running. The first and the last week may be parts."""
    days = (scope.last - scope.first).days + 1
    grain = Grain.HOUR if days <= HOURLY else Grain.DAY if days <= DAILY else Grain.WEEK
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    span = Span(scope.since, min(scope.until, hour + _HOUR), grain, scope.zone)
    starts = [max(start, scope.since.astimezone(scope.zone)) for start in span.starts]
    last = min(following(span.starts[-1], grain), scope.until.astimezone(scope.zone))
    ends = [*(after for _, after in pairwise(starts)), last]
    return TimeAxis(grain, tuple(starts), tuple(ends), last > now)


def _earlier(moment: datetime, axis: TimeAxis, scope: Scope) -> datetime:
    """The same on the clock on the wall as many days, or whole weeks, before."""
    days = len({start.date() for start in axis.starts}) if axis.grain is not Grain.WEEK else 7 * len(axis.starts)
    local = moment.astimezone(scope.zone).replace(tzinfo=None) - timedelta(days=days)
    return local.replace(tzinfo=scope.zone).astimezone(UTC)


def _than(axis: TimeAxis) -> str:
    if axis.grain is Grain.WEEK:
        return f"the {len(axis.starts)} weeks before"
    days = len({start.date() for start in axis.starts})
    return f"the {days} days before" if days > 1 else "the day before"


def _storms(session: Session, scope: Scope, now: datetime) -> tuple[tuple[datetime, datetime], ...]:
    i = IncidentRow
    ended = func.coalesce(i.ended_at, now)
    found = select(i.began_at, ended).where(i.began_at < scope.until, ended >= scope.since)
    found = found.where(i.brand == scope.brand) if scope.brand else found
    return tuple((began, ended) for began, ended in session.execute(found.order_by(i.began_at)))


def overlaps(start: datetime, end: datetime, spans: Sequence[tuple[datetime, datetime]]) -> bool:
    return any(began < end and ended >= start for began, ended in spans)
