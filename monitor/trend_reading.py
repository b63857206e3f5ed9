"""Which rows answer a question of the trends: the fewest that are right.

Sums of days where they are marked right (monitor/tallies.py), sums of hours in what is left, and the hourly counts
themselves in the rest. All of it in the session's one transaction, so that no answer mixes two moments.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import groupby
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from monitor.rollup_rows import SENTIMENTS, TALLIED, cell
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
        where, given = self._among(grain, "".join(name[0] for name in dimensions), buckets)
        for name in KEYED:
            if values := getattr(wanted, name):
                where.append(_one_of(name, values, given))
            elif name not in dimensions:
                where.append(f"{name} = ''")
            elif name != dimensions[-1]:  # what is named can be sought, and what comes after it in the key too
                where.append(_one_of(name, self._values(grain, buckets, name), given))
        bucket = None if not apart else "bucket" if grain == "day" else self.bucket("bucket")
        yield from self._grouped("tallies", by, bucket, _tally_sums(wanted.moods), where, given)

    def _values(self, grain: str, buckets: Collection[int], name: str) -> list[str]:
        where, given = self._among(grain, name[0], buckets)
        others = [f"{other} = ''" for other in KEYED if other != name]
        found = f"SELECT DISTINCT {name} FROM tallies WHERE {' AND '.join([*where, *others])}"  # noqa: S608
        return sorted(self.session.scalars(text(found), given))

    def _rollups(self, first: int, last: int, wanted: Filter, by: str | None, apart: bool) -> Iterator[Row]:
        given: dict[str, Any] = {"first": first, "last": last}
        # the key begins with the brand: with all of them named, only the span's hours are read
        where = [_one_of("brand", wanted.brand or self._brands, given), "hour >= :first", "hour <= :last"]
        for name in (*KEYED[1:], "sentiment"):
            if values := getattr(wanted, name):
                where.append(_one_of(name, values, given))
        if wanted.complaint is not None:
            where.append("complaint" if wanted.complaint else "NOT complaint")
        yield from self._grouped("rollups", by, self.bucket("hour") if apart else None, _ROLLUP_SUMS, where, given)

    def _grouped(
        self, table: str, by: str | None, bucket: str | None, sums: str, where: Sequence[str], given: dict[str, Any]
    ) -> Iterator[Row]:
        """Written by hand: a page asks dozens of these, and to put one together from columns takes as long as its
        answer."""
        keys = [key for key in (by, bucket) if key is not None]
        group = f" GROUP BY {', '.join(map(str, range(1, len(keys) + 1)))}" if keys else ""
        asked = f"SELECT {', '.join([*keys, sums])} FROM {table} WHERE {' AND '.join(where)}{group}"  # noqa: S608
        first = len(keys)
        for row in self.session.connection().execute(text(asked), given).cursor.fetchall():  # plain tuples
            if row[first]:
                yield row[0] if by else "", row[first - 1] if bucket else 0, row[first:]

    def _among(self, grain: str, apart: str, buckets: Collection[int]) -> tuple[list[str], dict[str, Any]]:
        """The rows of a shape in these buckets, which are one parameter, however many."""
        given: dict[str, Any] = {"grain": grain, "apart": apart}
        if self.session.get_bind().dialect.name == "sqlite":
            among, given["buckets"] = "bucket IN (SELECT value FROM json_each(:buckets))", json.dumps(list(buckets))
        else:
            among, given["buckets"] = "bucket = ANY(CAST(:buckets AS BIGINT[]))", list(buckets)
        return ["grain = :grain", "apart = :apart", among], given

    def bucket(self, hour: str) -> str:
        """The hour in a column, or the local day that it begins in, in SQL."""
        if self.span.grain is Grain.HOUR:
            return hour
        offsets = list(self.span.offsets())
        ahead = str(offsets[-1][1] if offsets else 0)
        if len(offsets) > 1:
            ends = zip(offsets[1:], offsets, strict=False)
            when = " ".join(f"WHEN {hour} < {end} THEN {minutes}" for (end, _), (_, minutes) in ends)
            ahead = f"CASE {when} ELSE {ahead} END"
        return f"({hour} * 60 + {ahead} + {_FAR * 1440}) / 1440 - {_FAR}"


def _one_of(name: str, values: Sequence[str], given: dict[str, Any]) -> str:
    """The condition; its parameters go into `given`."""
    if not values:
        return "1 = 0"
    given |= {f"{name}{n}": value for n, value in enumerate(values)}
    return f"{name} IN ({', '.join(f':{name}{n}' for n in range(len(values)))})"


def _runs(hours: Collection[int]) -> Iterator[tuple[int, int]]:
    """The first and last of each unbroken run."""
    for _, run in groupby(enumerate(sorted(hours)), lambda each: each[1] - each[0]):
        found = [hour for _, hour in run]
        yield found[0], found[-1]


@cache
def _tally_sums(moods: tuple[tuple[str, bool], ...]) -> str:
    def added(measure: str, *only: object) -> str:
        cells = [cell(measure, *mood) for mood in moods if not only or set(only) & set(mood)]
        return f"CAST(sum({' + '.join(cells)}) AS BIGINT)" if cells else "0"  # else PostgreSQL adds up to decimals

    several = [added("mentions"), added("mentions", True), *(added("mentions", each) for each in SENTIMENTS)]
    return ", ".join([*several, added("rated"), added("stars")])


_ROLLUP_SUMS = ", ".join(
    f"CAST(sum({each}) AS BIGINT)"
    for each in (
        *("mentions", "CASE WHEN complaint THEN mentions ELSE 0 END"),
        *(f"CASE WHEN sentiment = '{mood}' THEN mentions ELSE 0 END" for mood in SENTIMENTS),
        *("rated", "stars"),
    )
)
