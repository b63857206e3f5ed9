"""What a spike is made of, next to what is usual there, and how it came: for the message and its picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.models import SourceState
from monitor.spikes.event import Spike
from monitor.spikes.history import HOUR, hour_of
from monitor.spikes.words import Quote, quotes, wanted
from monitor.trend_spans import Grain, Span
from monitor.trends import over_time, totals

WEEKS = 4  # before, whose same hours are the usual of a part
BEFORE = 24 * HOUR  # of ordinary hours that are shown before a spike


@dataclass(frozen=True, slots=True)
class Part:
    """`usual` is None where nothing is known of the weeks before."""

    name: str
    count: int
    usual: float | None


@dataclass(frozen=True, slots=True)
class SourceNow:
    """How a source is read: `since` when it has failed, None where it works, and `read_at` when it last did."""

    name: str
    failing_since: datetime | None
    stopped: bool
    error: str | None
    read_at: datetime | None

    @property
    def works(self) -> bool:
        return self.failing_since is None and not self.stopped


@dataclass(frozen=True, slots=True)
class Makeup:
    """`hours` are the counts before and during it, from `first` on; `usual` those of the weeks before, or empty."""

    sources: tuple[Part, ...]
    topics: tuple[Part, ...]
    moods: tuple[Part, ...]
    languages: tuple[Part, ...]
    quotes: tuple[Quote, ...]
    first: datetime
    hours: tuple[int, ...]
    usual: tuple[float, ...]
    read: tuple[SourceNow, ...]


def makeup(session: Session, spike: Spike, zone: ZoneInfo, now: datetime) -> Makeup:
    span = Span(spike.began_at, min(spike.until, hour_of(now) + HOUR), Grain.HOUR, zone)
    shown = Span(spike.began_at - BEFORE, span.until, Grain.HOUR, zone)
    about = wanted(spike)
    earlier = [_weeks_before(shown, week) for week in range(1, WEEKS + 1)]
    counts = [[point.mentions for point in over_time(session, each, about)] for each in earlier]
    told = [points for points in counts if any(points)]
    spans = [_weeks_before(span, week) for week in range(1, WEEKS + 1)]

    def parts(by: str) -> tuple[Part, ...]:
        here = totals(session, span, about, by)
        before = [totals(session, each, about, by) for each in spans] if told else []
        return tuple(
            Part(
                name,
                point.mentions,
                sum(each[name].mentions for each in before if name in each) / len(told) if told else None,
            )
            for name, point in here.items()
        )

    usual = [sum(column) / len(told) for column in zip(*told, strict=False)] if told else []
    hours = [point.mentions for point in over_time(session, shown, about)]
    return Makeup(
        sources=parts("source") if not spike.source else (),
        topics=parts("topic") if not spike.topic else (),
        moods=parts("sentiment") if not spike.sentiment else (),
        languages=parts("language"),
        quotes=tuple(quotes(session, spike)),
        first=shown.since,
        hours=tuple(hours),
        usual=tuple(usual[: len(hours)]),
        read=_read(session, spike) if spike.kind == "hush" else (),
    )


def _weeks_before(span: Span, weeks: int) -> Span:
    """The same on the clock on the wall."""

    def earlier(moment: datetime) -> datetime:
        return moment.astimezone(span.zone) - timedelta(weeks=weeks)

    return replace(span, since=earlier(span.since), until=earlier(span.until))


def _read(session: Session, spike: Spike) -> tuple[SourceNow, ...]:
    rows = select(SourceState).order_by(SourceState.name)
    if spike.source:
        rows = rows.where(SourceState.name == spike.source)
    return tuple(
        SourceNow(row.name, row.failing_since, row.stopped_for is not None, row.error, row.last_success_at)
        for row in session.scalars(rows)
    )
