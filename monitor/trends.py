"""What the trends pages show: counts over time, shares, what changed. Every figure has its one definition here.

What counts as a mention: monitor/rollups.py. Which rows are read: monitor/trend_reading.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from monitor.trend_counts import DIMENSIONS as DIMENSIONS
from monitor.trend_counts import NOTHING, surprise
from monitor.trend_counts import Counts as Counts
from monitor.trend_counts import Filter as Filter
from monitor.trend_reading import Reading
from monitor.trend_spans import Grain, Span


@dataclass(frozen=True, slots=True)
class Share:
    """One brand (source, topic ...) among the others."""

    name: str
    counts: Counts
    voice: float | None  # its mentions in proportion to those of all, 0 to 1; None where there are none
    complaint: float | None  # its complaints in proportion to those of all


@dataclass(frozen=True, slots=True)
class Change:
    """How a brand (source, topic ...) differs from the span before; `surprise` is that of the mentions."""

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
    found: dict[str, dict[int, list[int]]] = {}
    for name, bucket, sums in Reading(session, span).rows(wanted, _known(by) if by else None):
        points, place = found.setdefault(name, {}), span.places[bucket]
        points[place] = _added(points.get(place), sums)
    ordered = sorted(found, key=lambda name: (-sum(point[0] for point in found[name].values()), name))
    places = range(len(span.starts))
    return {
        name: tuple(Counts(*point) if (point := found[name].get(n)) else NOTHING for n in places) for name in ordered
    }


def totals(session: Session, span: Span, wanted: Filter, by: str) -> dict[str, Counts]:
    """The counts of the whole span for each value of the dimension `by`, the most frequent first."""
    return _totals(_whole(session, span), wanted, _known(by))


def total(session: Session, span: Span, wanted: Filter) -> Counts:
    """The counts of the whole span."""
    return _totals(_whole(session, span), wanted, None).get("", NOTHING)


def _whole(session: Session, span: Span) -> Reading:
    """What answers for the whole span, whatever its grain: by days where it can."""
    return Reading(session, replace(span, grain=Grain.DAY))


def _totals(reading: Reading, wanted: Filter, by: str | None) -> dict[str, Counts]:
    found: dict[str, list[int]] = {}
    for name, _, sums in reading.rows(wanted, by, apart=False):
        found[name] = _added(found.get(name), sums)
    return {name: Counts(*found[name]) for name in sorted(found, key=lambda name: (-found[name][0], name))}


def _added(known: list[int] | None, more: Sequence[int]) -> list[int]:
    return list(more) if known is None else [a + b for a, b in zip(known, more, strict=True)]


def _known(by: str) -> str:
    if by not in DIMENSIONS:
        raise ValueError(f'"{by}" is no dimension; there are: {", ".join(DIMENSIONS)}')
    return by


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
    readings = [_whole(session, each) for each in (span, before or span.previous)]
    found = []
    for dimension in map(_known, by):
        now, then = (_totals(reading, wanted, dimension) for reading in readings)
        for name in sorted(now | then):
            a, b = now.get(name, NOTHING), then.get(name, NOTHING)
            found.append(Change(dimension, name, a, b, surprise(a.mentions, b.mentions)))
    return tuple(sorted(found, key=lambda change: -abs(change.surprise)))
