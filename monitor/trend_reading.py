"""Which rows answer a question of the trends: the fewest that are right.

Sums of days where they are marked right (monitor/tallies.py), sums of hours in what is left, and the hourly counts
themselves in the rest. All of it in the session's one transaction, so that no answer mixes two moments.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    any_,
    bindparam,
    case,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.orm import Session

from monitor.rollup_rows import SENTIMENTS, TALLIED, TALLIES, RollupRow, cell
from monitor.rollups import brands
from monitor.trend_counts import Filter
from monitor.trend_spans import Grain, Span, hours_of

KEYED = ("brand", "source", "language", "topic")  # in the order of the tallies' key, and known there by first letter
HOURLY = 2  # so many dimensions are hourly tallies apart by at most
_LONGEST = 25  # hours of a day, unless clocks went back across midnight
_FAR = 1_000_000  # days, so that a division rounds down before 1970 too
Row = tuple[str, int, Sequence[int]]  # a value of the dimension asked for, an hour or a local day, the sums


@dataclass(frozen=True)
class Reading:
    """What answers questions about one span."""

    session: Session
    span: Span

    def rows(self, wanted: Filter, by: str | None, apart: bool = True) -> Iterator[Row]:
        """The sums that make up Counts, apart for each value of the dimension `by` (None: ""), and for each hour or
        local day of the span if `apart` (else 0). A pair of value and bucket may come more than once."""
        if by == "sentiment":
            for mood in SENTIMENTS:
                if not wanted.sentiment or mood in wanted.sentiment:
                    only = Filter(wanted.brand, wanted.source, wanted.language, wanted.topic, (mood,), wanted.complaint)
                    yield from ((mood, bucket, sums) for _, bucket, sums in self.rows(only, None, apart))
            return
        if not wanted.moods:
            return
        dimensions = [name for name in KEYED if name == by or getattr(wanted, name)]
        left = self._left
        if self._days:
            yield from self._sums("day", self._days, dimensions, wanted, by, apart)
        if len(dimensions) <= HOURLY and self._hours:
            yield from self._sums("hour", sorted(self._hours), dimensions, wanted, by, apart)
            left = left - self._hours
        for first, last in _runs(left):
            yield from self._rollups(first, last, wanted, by, apart)

    @cached_property
    def _days(self) -> dict[int, range | list[int]]:
        """The hours of each whole day of the span that has sums."""
        if self.span.grain is Grain.HOUR:
            return {}
        m, (first, end) = TALLIED.c, self.span.hours
        marks = select(m.bucket, m.first_hour, m.end_hour).where(
            *(m.grain == "day", m.bucket.between(first // 24 - 2, end // 24 + 2)),
            *(m.zone == self.span.zone.key, m.first_hour >= first, m.end_hour <= end),
        )
        found = self.session.execute(marks.order_by(m.bucket))
        return {day: range(a, b) if b - a <= _LONGEST else hours_of(day, self.span.zone) for day, a, b in found}

    @cached_property
    def _left(self) -> set[int]:
        """The hours of the span that are in no such day."""
        left = set(range(*self.span.hours))
        for hours in self._days.values():
            left.difference_update(hours)
        return left

    @cached_property
    def _hours(self) -> set[int]:
        """Those of them that have sums."""
        if not self._left:
            return set()
        m = TALLIED.c
        marks = select(m.bucket).where(m.grain == "hour", m.bucket.between(min(self._left), max(self._left)))
        return self._left.intersection(self.session.scalars(marks))

    @cached_property
    def _brands(self) -> list[str]:
        return brands(self.session)

    def _sums(
        self, grain: str, buckets: Collection[int], dimensions: list[str], wanted: Filter, by: str | None, apart: bool
    ) -> Iterator[Row]:
        t: Any = TALLIES.c
        where = [t.grain == grain, t.apart == "".join(name[0] for name in dimensions), self._among(t.bucket, buckets)]
        for name in KEYED:
            if values := getattr(wanted, name):
                where.append(t[name].in_(values))
            elif name not in dimensions:
                where.append(t[name] == "")
            elif name != dimensions[-1]:  # what is named can be sought, and what comes after it in the key too
                where.append(t[name].in_(self._values(grain, buckets, name)))
        bucket = None if not apart else t.bucket if grain == "day" else self.bucket(t.bucket)
        yield from self._grouped(t[by] if by else None, bucket, _tally_sums(wanted), where)

    def _values(self, grain: str, buckets: Collection[int], name: str) -> list[str]:
        t: Any = TALLIES.c
        others = [t[other] == "" for other in KEYED if other != name]
        found = (
            select(t[name])
            .distinct()
            .where(t.grain == grain, t.apart == name[0], self._among(t.bucket, buckets), *others)
        )
        return sorted(self.session.scalars(found))

    def _rollups(self, first: int, last: int, wanted: Filter, by: str | None, apart: bool) -> Iterator[Row]:
        r: Any = RollupRow
        # the key begins with the brand: with all of them named, only the span's hours are read
        where = [r.brand.in_(wanted.brand or self._brands), r.hour >= first, r.hour <= last]
        where += [getattr(r, name).in_(values) for name in KEYED[1:] if (values := getattr(wanted, name))]
        if wanted.sentiment:
            where.append(r.sentiment.in_(wanted.sentiment))
        if wanted.complaint is not None:
            where.append(r.complaint.is_(wanted.complaint))
        bucket = self.bucket(r.hour) if apart else None
        yield from self._grouped(getattr(r, by) if by else None, bucket, _rollup_sums(), where)

    def _grouped(self, name: Any, bucket: Any, sums: list[Any], where: list[Any]) -> Iterator[Row]:
        keys = [key for key in (name, bucket) if key is not None]
        whole = [cast(each, BigInteger) for each in sums]  # PostgreSQL adds them up to decimals
        named, first = name is not None, len(keys)
        for row in self.session.execute(select(*keys, *whole).where(*where).group_by(*keys)).all():
            if row[first]:
                yield row[0] if named else "", row[first - 1] if bucket is not None else 0, row[first:]

    def _among(self, column: ColumnElement[int], values: Collection[int]) -> ColumnElement[bool]:
        """One parameter, however many values."""
        if self.session.get_bind().dialect.name == "sqlite":
            each: Any = func.json_each(json.dumps(list(values))).table_valued("value")
            return column.in_(select(each.c.value))
        return column == any_(bindparam(None, list(values), ARRAY(BigInteger)))

    def bucket(self, hour: Any) -> ColumnElement[int]:
        """The hour, or the local day that it begins in."""
        if self.span.grain is Grain.HOUR:
            return hour  # type: ignore[no-any-return]
        offsets = list(self.span.offsets())
        ahead: Any = literal(offsets[-1][1]) if offsets else literal(0)
        if len(offsets) > 1:
            ends = zip(offsets[1:], offsets, strict=False)
            ahead = case(*((hour < end, minutes) for (end, _), (_, minutes) in ends), else_=offsets[-1][1])
        return (hour * 60 + ahead + _FAR * 1440) // 1440 - _FAR  # type: ignore[no-any-return]


def _runs(hours: Collection[int]) -> Iterator[tuple[int, int]]:
    """The first and last of each unbroken run."""
    for _, run in groupby(enumerate(sorted(hours)), lambda each: each[1] - each[0]):
        found = [hour for _, hour in run]
        yield found[0], found[-1]


def _tally_sums(wanted: Filter) -> list[Any]:
    t: Any = TALLIES.c
    moods = wanted.moods

    def added(measure: str, *only: object) -> Any:
        columns = [t[cell(measure, *mood)] for mood in moods if not only or set(only) & set(mood)]
        return func.sum(sum(columns[1:], columns[0])) if columns else literal(0)

    several = [added("mentions"), added("mentions", True), *(added("mentions", each) for each in SENTIMENTS)]
    return [*several, added("rated"), added("stars")]


def _rollup_sums() -> list[ColumnElement[int]]:
    r = RollupRow
    mentions = [func.sum(r.mentions), func.sum(case((r.complaint, r.mentions), else_=0))]
    moods = [func.sum(case((r.sentiment == mood, r.mentions), else_=0)) for mood in SENTIMENTS]
    return [*mentions, *moods, func.sum(r.rated), func.sum(r.stars)]
