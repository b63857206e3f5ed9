"""What a digest tells of: read once, then plain. Counts are those of the trends, figures of the response those of its
page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitor.breaches import reasons
from monitor.case_views import Case, views
from monitor.digest.ahead import Ahead, ahead
from monitor.digest_settings import Audience
from monitor.models import CaseRow, SpikeRow
from monitor.outcome_columns import Outcomes
from monitor.outcomes import Outcome, outcomes
from monitor.response import SATISFIED, Figures, figures, grouped
from monitor.settings import Settings
from monitor.spikes.event import Spike, spike_of
from monitor.trend_counts import NOTHING, Counts, together
from monitor.trend_spans import Grain, Span
from monitor.trends import Change, Filter, Share, changes, over_time, shares, total, totals

WEEK, DAY = timedelta(days=7), timedelta(days=1)
TOPICS, ANSWERS, LISTED, PEOPLE, EVENTS = 5, 3, 5, 6, 5
FAST = 3600  # seconds: what is answered within the hour


@dataclass(frozen=True, slots=True)
class Request:
    """Which digest: of these brands, from `since` to `until`, both aware, as days of `zone`."""

    audience: Audience
    brands: tuple[str, ...]
    since: datetime
    until: datetime
    zone: ZoneInfo

    @property
    def days(self) -> float:
        return (self.until - self.since) / DAY

    @property
    def weekly(self) -> bool:
        return self.days > 4


@dataclass(frozen=True, slots=True)
class Answer:
    """A case that was answered fast, and whose customer is satisfied."""

    case: Case
    person: str
    seconds: float
    satisfaction: int


@dataclass(frozen=True, slots=True)
class Digest:
    """`before` is the same time a week earlier, of a longer digest the time before."""

    request: Request
    now: Counts
    before: Counts
    span: Span  # by the day, of a day by the hour
    points: tuple[Counts, ...]  # of the span
    earlier: tuple[Counts, ...]  # those before
    why: tuple[Change, ...]  # of the negative mentions, by topic, source and language, the most surprising first
    topics: tuple[tuple[str, int, int], ...]  # of complaints: now, and before
    voices: tuple[Share, ...]  # the brands and their competitors
    response: Figures
    response_before: Figures
    people: tuple[tuple[str, Figures], ...]
    reasons: tuple[tuple[str, int], ...]  # why cases were late
    late: tuple[Case, ...]  # that wait and are overdue, the longest first
    overdue: int
    waiting: int
    answers: tuple[Answer, ...]
    spikes: tuple[Spike, ...]
    ahead: tuple[Ahead, ...]


def digest(session: Session, settings: Settings, request: Request, now: datetime) -> Digest:
    grain = Grain.DAY if request.weekly else Grain.HOUR
    span = Span(request.since, request.until, grain, request.zone)
    before = _before(span)
    ours = Filter(brand=request.brands)
    negative, complaints = replace(ours, sentiment=("negative",)), replace(ours, complaint=True)
    topics = [totals(session, each, complaints, "topic") for each in (span, before)]
    found, then = (_cases(session, each, request.brands) for each in (span, before))
    cases = [each for each in found if each.clocked]
    response, response_before = (Outcomes.of(each).clocked() for each in (found, then))
    late, overdue, waiting = _open(session, request.brands, now)
    points = over_time(session, span, ours)
    return Digest(
        request=request,
        now=together(points),
        before=total(session, before, ours),
        span=span,
        points=points,
        earlier=over_time(session, before, ours),
        why=changes(session, span, negative, ("topic", "source", "language"), before),
        topics=tuple((name, c.mentions, topics[1].get(name, NOTHING).mentions) for name, c in topics[0].items())[
            :TOPICS
        ],
        voices=_voices(session, settings, span, request.brands),
        response=figures(response),
        response_before=figures(response_before),
        people=tuple(sorted(grouped(response.apart("person")), key=lambda each: -each[1].answered)[:PEOPLE]),
        reasons=tuple(reasons(response)),
        late=tuple(late),
        overdue=overdue,
        waiting=waiting,
        answers=_best(session, cases),
        spikes=_spikes(session, request),
        ahead=tuple(
            ahead(session, complaints, request.zone, now, 7 * 24 if request.weekly else 24, 3 if request.weekly else 2)
        ),
    )


def _before(span: Span) -> Span:
    """The same hours of the week before, since no day is like the one before it; of a longer span, the span before."""
    if span.until - span.since > WEEK + DAY:
        return span.previous

    def earlier(moment: datetime) -> datetime:
        return moment.astimezone(span.zone) - WEEK

    return replace(span, since=earlier(span.since), until=earlier(span.until))


def _cases(session: Session, span: Span, brands: Sequence[str]) -> list[Outcome]:
    return [each for each in outcomes(session, span.since, span.until) if each.brand in brands]


def _open(session: Session, brands: Sequence[str], now: datetime) -> tuple[list[Case], int, int]:
    """The first of those that are overdue, how many those are, and how many wait."""
    c = CaseRow
    running = (c.state.in_(("open", "taken", "reopened")), c.clock == "running", c.brand.in_(brands))
    waiting = session.scalar(select(func.count()).select_from(c).where(*running)) or 0
    overdue = session.scalar(select(func.count()).select_from(c).where(*running, c.due_at < now)) or 0
    rows = session.scalars(select(c).where(*running, c.due_at < now).order_by(c.due_at, c.id).limit(LISTED)).all()
    return views(session, rows), overdue, waiting


def _best(session: Session, cases: Sequence[Outcome]) -> tuple[Answer, ...]:
    """Those of whom the customer says that they were helped, answered within the hour: the best rated, then the
    fastest."""
    good = [
        (outcome, seconds)
        for outcome in cases
        if (outcome.satisfaction or 0) >= SATISFIED
        and (seconds := outcome.seconds("calendar")) is not None
        and seconds <= FAST
    ]
    good.sort(key=lambda each: (-(each[0].satisfaction or 0), each[1], each[0].case_id))
    chosen = good[:ANSWERS]
    rows = session.scalars(select(CaseRow).where(CaseRow.id.in_([each.case_id for each, _ in chosen]))).all()
    shown = {case.id: case for case in views(session, rows)}
    return tuple(
        Answer(shown[outcome.case_id], outcome.person, seconds, outcome.satisfaction or 0)
        for outcome, seconds in chosen
    )


def _spikes(session: Session, request: Request) -> tuple[Spike, ...]:
    s = SpikeRow
    rows = session.scalars(
        select(s)
        .where(s.began_at < request.until, s.until > request.since, s.brand.in_(("", *request.brands)))
        .order_by(s.chance, s.id)
        .limit(EVENTS)
    )
    return tuple(sorted((spike_of(row) for row in rows), key=lambda spike: spike.began_at))


def _voices(session: Session, settings: Settings, span: Span, brands: Sequence[str]) -> tuple[Share, ...]:
    rivals = tuple(brand.name for brand in settings.brands if brand.competitor)
    return shares(session, span, Filter(brand=(*brands, *rivals)), "brand") if rivals else ()
