"""What people wrote in a span: all of it, or as much as can be read at once, evenly over the span."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache

from sqlalchemy.orm import Session

from monitor.cells import DIMENSIONS
from monitor.terms import terms
from monitor.trend_counts import Filter
from monitor.trend_mentions import Behind, within
from monitor.trend_reading import HOURLY
from monitor.trend_spans import Grain, Span
from monitor.trends import over_time

SLICES = 13  # of four weeks each has 52 hours, so that they end at several times of the day
LOOKED_AT = 12_000  # mentions, to find those that are wanted
_HOURLY = timedelta(days=62)


@dataclass(frozen=True, slots=True)
class Person:
    """All that one person wrote of it, the latest first, so that who repeats it counts once."""

    mentions: tuple[Behind, ...]
    language: str
    terms: frozenset[str]


@dataclass(frozen=True, slots=True)
class Texts:
    """`read` of the `of` texts that there were, by the people who wrote them."""

    people: tuple[Person, ...]
    read: int
    of: int


NO_TEXTS = Texts((), 0, 0)


def texts(session: Session, span: Span, wanted: Filter, most: int) -> Texts:
    """Up to `most` texts of the span. Where there are more, of each part of it as many as it has of the whole, its
    latest."""
    finer = replace(span, grain=Grain.HOUR if span.until - span.since <= _HOURLY and _summed(wanted) else Grain.DAY)
    counts = [point.mentions for point in over_time(session, finer, wanted)]
    whole = sum(counts)
    if not whole:
        return NO_TEXTS
    starts = [max(start, span.since) for start in finer.starts]
    step = -(-len(starts) // SLICES)
    parts = range(0, len(starts), step)
    found: list[Behind] = []
    for first in parts:
        here = counts[first : first + step]
        until = starts[first + step] if first + step < len(starts) else span.until
        if any(here):
            quota = max(1, round(sum(here) * min(1.0, most / whole)))
            since = starts[first + _enough(here, quota)]
            found += within(session, since, until, wanted, limit=quota, looked_at=LOOKED_AT // len(parts))
    return Texts(_people(found), len(found), whole)


def _summed(wanted: Filter) -> bool:
    """Whether the sums of hours know such mentions; else their counts are dear."""
    return sum(bool(getattr(wanted, name)) for name in DIMENSIONS) <= HOURLY


def _enough(counts: Sequence[int], quota: int) -> int:
    """Where the last of the counts begin that are so many together."""
    together = 0
    for place in range(len(counts) - 1, -1, -1):
        together += counts[place]
        if together >= quota:
            return place
    return 0


def some_of(texts: Texts, topic: str) -> Texts:
    """Those about one topic, where all of them were read."""
    found = [mention for person in texts.people for mention in person.mentions if mention.topic == topic]
    return Texts(_people(found), len(found), len(found))


def _people(found: Iterable[Behind]) -> tuple[Person, ...]:
    """In the order of their latest mention. One whose text was forgotten says nothing."""
    wrote: dict[object, list[Behind]] = {}
    for mention in sorted(found, key=lambda each: (each.posted_at, each.id), reverse=True):
        if mention.text.strip():
            who = mention.id if mention.author is None else (mention.source, mention.author)
            wrote.setdefault(who, []).append(mention)
    return tuple(
        Person(tuple(each), each[0].language, frozenset().union(*(_terms(mention.text) for mention in each)))
        for each in wrote.values()
    )


@lru_cache(4_096)  # texts: a page is drawn more than once, and shares most of them with the next one
def _terms(text: str) -> frozenset[str]:
    return frozenset(terms(text))
