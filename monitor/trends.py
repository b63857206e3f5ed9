"""What the trends pages show: counts over time, shares, what changed. Every figure has its one definition here.

All of them are read from the hourly rollups (monitor/rollups.py), which say what counts as a mention.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal, select
from sqlalchemy.orm import Session

from monitor.models import RollupRow
from monitor.rollups import brands
from monitor.trend_spans import Grain, Span

DIMENSIONS = ("brand", "source", "language", "topic", "sentiment")
_FAR = 1_000_000  # days, so that a division rounds down before 1970 too


@dataclass(frozen=True, slots=True)
class Filter:
    """Which mentions are asked for; an empty tuple, or None, is no condition."""

    brand: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    topic: tuple[str, ...] = ()
    sentiment: tuple[str, ...] = ()
    complaint: bool | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """Mentions, by what the verdict and corrections say of them."""

    mentions: int = 0
    complaints: int = 0
    negative: int = 0
    neutral: int = 0
    positive: int = 0
    rated: int = 0
    hundredths: int = 0  # of stars, of all that are rated together

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    @property
    def net_sentiment(self) -> float | None:
        """Positive less negative mentions, in proportion to all: -1 to 1. None of nothing."""
        return (self.positive - self.negative) / self.mentions if self.mentions else None

    @property
    def complaint_rate(self) -> float | None:
        """Complaints in proportion to mentions, 0 to 1. None of nothing."""
        return self.complaints / self.mentions if self.mentions else None

    @property
    def stars(self) -> float | None:
        """The mean rating, 1 to 5, of the mentions that have one. None where none has."""
        return self.hundredths / 100 / self.rated if self.rated else None


NOTHING = Counts()


@dataclass(frozen=True, slots=True)
class Share:
    """One brand (source, topic ...) among the others."""

    name: str
    counts: Counts
    voice: float | None  # its mentions in proportion to those of all, 0 to 1; None where there are none
    complaint: float | None  # its complaints in proportion to those of all


@dataclass(frozen=True, slots=True)
class Change:
    """How a brand (source, topic ...) differs from the span before. `surprise` is the difference of the mentions in
    standard deviations of what two counts by chance alone would differ by: (now - before) / sqrt(now + before)."""

    by: str
    name: str
    now: Counts
    before: Counts
    surprise: float


def over_time(session: Session, span: Span, wanted: Filter) -> tuple[Counts, ...]:
    """The counts of each of `span.starts`."""
    return series(session, span, wanted, None).get("", (NOTHING,) * len(span.starts))


def series(session: Session, span: Span, wanted: Filter, by: str | None) -> dict[str, tuple[Counts, ...]]:
    """As `over_time`, apart for each value of the dimension `by`, the most frequent first; None: together, under ""."""
    bucket = _bucket(span)
    apart = literal("") if by is None else _column(by)
    found: dict[str, list[Counts]] = {}
    statement = select(apart, bucket, *_sums()).where(*_where(session, span, wanted)).group_by(apart, bucket)
    for name, number, *sums in session.execute(statement):
        points = found.setdefault(name, [NOTHING] * len(span.starts))
        points[span.places[int(number)]] += Counts(*map(int, sums))
    ordered = sorted(found, key=lambda name: (-sum(point.mentions for point in found[name]), name))
    return {name: tuple(found[name]) for name in ordered if any(point.mentions for point in found[name])}


def totals(session: Session, span: Span, wanted: Filter, by: str) -> dict[str, Counts]:
    """The counts of the whole span for each value of the dimension `by`, the most frequent first."""
    apart = _column(by)
    statement = select(apart, *_sums()).where(*_where(session, span, wanted)).group_by(apart)
    found = [(name, Counts(*map(int, sums))) for name, *sums in session.execute(statement)]
    return {name: counts for name, counts in sorted(found, key=lambda f: (-f[1].mentions, f[0])) if counts.mentions}


def total(session: Session, span: Span, wanted: Filter) -> Counts:
    """The counts of the whole span."""
    return sum(totals(session, span, wanted, "sentiment").values(), NOTHING)


def shares(session: Session, span: Span, wanted: Filter, by: str) -> tuple[Share, ...]:
    """Who has how much of it, the most first: by brand the share of voice, of complaints by topic their composition.
    A mention of two brands is one of each."""
    found = totals(session, span, wanted, by)
    every = sum(found.values(), NOTHING)
    return tuple(
        Share(
            name,
            counts,
            counts.mentions / every.mentions if every.mentions else None,
            counts.complaints / every.complaints if every.complaints else None,
        )
        for name, counts in found.items()
    )


def changes(
    session: Session, span: Span, wanted: Filter, by: Sequence[str] = DIMENSIONS, before: Span | None = None
) -> tuple[Change, ...]:
    """What differs from the span `before` (None: the previous one), the most surprising first."""
    before = before or span.previous
    found = []
    for dimension in by:
        now, then = (totals(session, each, wanted, dimension) for each in (span, before))
        for name in sorted(now | then):
            a, b = now.get(name, NOTHING), then.get(name, NOTHING)
            surprise = (a.mentions - b.mentions) / math.sqrt(a.mentions + b.mentions)
            found.append(Change(dimension, name, a, b, surprise))
    return tuple(sorted(found, key=lambda change: -abs(change.surprise)))


def _column(by: str) -> Any:
    if by not in DIMENSIONS:
        raise ValueError(f'"{by}" is no dimension; there are: {", ".join(DIMENSIONS)}')
    return getattr(RollupRow, by)


def _sums() -> list[ColumnElement[int]]:
    r = RollupRow
    mentions = [func.sum(r.mentions), func.sum(case((r.complaint, r.mentions), else_=0))]
    moods = [func.sum(case((r.sentiment == mood, r.mentions), else_=0)) for mood in ("negative", "neutral", "positive")]
    return [*mentions, *moods, func.sum(r.rated), func.sum(r.stars)]


def _where(session: Session, span: Span, wanted: Filter) -> list[ColumnElement[bool]]:
    r = RollupRow
    first, end = span.hours
    # the key begins with the brand: with all of them named, only the span's hours are read
    found: list[ColumnElement[bool]] = [
        r.brand.in_(wanted.brand or brands(session)),
        and_(r.hour >= first, r.hour < end),
    ]
    found += [getattr(r, name).in_(values) for name in DIMENSIONS[1:] if (values := getattr(wanted, name))]
    if wanted.complaint is not None:
        found.append(r.complaint.is_(wanted.complaint))
    return found


def _bucket(span: Span) -> ColumnElement[int]:
    """The hour, or the local day that it begins in."""
    hour: Any = RollupRow.hour
    if span.grain is Grain.HOUR:
        return hour  # type: ignore[no-any-return]
    offsets = list(span.offsets())
    ahead: Any = literal(offsets[-1][1]) if offsets else literal(0)
    if len(offsets) > 1:
        ends = zip(offsets[1:], offsets, strict=False)
        ahead = case(*((hour < end, minutes) for (end, _), (_, minutes) in ends), else_=offsets[-1][1])
    return (hour * 60 + ahead + _FAR * 1440) // 1440 - _FAR  # type: ignore[no-any-return]
