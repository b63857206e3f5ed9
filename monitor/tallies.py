"""Sums of the hourly counts, so that a question about a year need not read them all.

For each hour that is over, and each local day, the rollups are added up apart for every choice of dimensions that is
asked for. A mark says that a bucket's sums are right. Whoever changes a rollup takes away the marks of its hour and day
in the same transaction (monitor/rollups.py), and a job adds up again what has no mark. So a reader who takes sums where
there is a mark, and rollups elsewhere, within one transaction, is always exactly right (monitor/trend_reading.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, text, union_all
from sqlalchemy.orm import Session

from monitor.cells import DIMENSIONS, Cells, cells
from monitor.database import Database, insert_many
from monitor.rollup_rows import TALLIED, TALLIES, RollupRow
from monitor.rollups import Progress, brands, hour_of
from monitor.tally_cube import SHAPES, tallies
from monitor.trend_spans import day_of, hours_of

ROLLUPS = 50_000  # read in one transaction, and the rest of a day: whoever else writes waits for no more
CHUNK = 500
_TERMS = 400  # of a UNION, of which SQLite allows 500


@dataclass(frozen=True, slots=True)
class Stretch:
    """The hours of one local day that are over, and those of them to be added up. `whole`: all of the day is over."""

    day: int
    hours: tuple[int, ...]
    unmarked: tuple[int, ...]
    whole: bool


def settle(
    db: Database, zone: ZoneInfo, now: datetime, most: int | None = None, progress: Progress | None = None
) -> int:
    """Add up what is over and has no mark, the latest first, up to so many days (None: all of them); how many there
    were. Safe to stop, to repeat, and to run twice at once."""
    with db.read() as session:
        pending = list(_pending(session, zone, hour_of(now)))
    todo = pending = pending[::-1][:most]
    while todo:
        with db.write() as session:
            if db.dialect == "postgresql":  # whoever counts just now commits first, or after this
                session.execute(text("LOCK TABLE rollups IN SHARE ROW EXCLUSIVE MODE"))
            about, done = brands(session), 0
            while todo and done < ROLLUPS:
                done += _add_up(session, about, todo[0], zone)
                todo = todo[1:]
        if progress is not None:
            progress(len(pending) - len(todo), len(pending))
    return len(pending)


def add_up(session: Session, found: Cells, hours: range, zone: ZoneInfo, now: datetime) -> None:
    """The same at once where the rollups of these hours are at hand: of the hours, and of the days that lie in them."""
    present = hour_of(now)
    for day in sorted({day_of(hour, zone) for hour in np.unique(found.hours).tolist()}):
        whole = hours_of(day, zone)
        over = tuple(hour for hour in whole if hour < present)
        if inside := tuple(hour for hour in over if hour in hours):
            _keep(session, found.within(inside), Stretch(day, over, inside, len(inside) == len(whole)), zone)


def check(db: Database, zone: ZoneInfo, progress: Progress | None = None) -> int:
    """How many marked sums are not what the rollups add up to: 0 is right."""
    m, wrong = TALLIED.c, 0
    with db.read() as session:
        marked = session.execute(select(m.grain, m.bucket, m.zone).order_by(m.first_hour)).all()
    days = sorted({day_of(bucket, zone) if grain == "hour" else bucket for grain, bucket, _ in marked})
    for n, day in enumerate(days, 1):
        with db.read() as session:
            wrong += _differ(session, day, zone)
        if progress is not None:
            progress(n, len(days))
    return wrong


def _differ(session: Session, day: int, zone: ZoneInfo) -> int:
    """How many sums of this day and its hours differ."""
    m, hours = TALLIED.c, hours_of(day, zone)
    found = _read(session, brands(session), hours)
    marked = session.scalars(select(m.bucket).where(m.grain == "hour", m.bucket.in_(hours))).all()
    kept, right = _kept(session, "hour", marked), set(_by_hour(found, marked))
    today = (m.grain == "day", m.bucket == day, m.zone == zone.key)
    if hours and session.scalar(select(m.bucket).where(*today)) is not None:
        kept |= _kept(session, "day", [day])
        right |= set(tallies(found, "day", np.full_like(found.hours, day)))
    return len({row[:7] for row in kept ^ right})


def _kept(session: Session, grain: str, buckets: Sequence[int]) -> set[tuple[object, ...]]:
    return set(map(tuple, session.execute(select(TALLIES).where(*_of(grain, buckets)))))


def _of(grain: str, buckets: Sequence[int]) -> tuple[ColumnElement[bool], ...]:
    t = TALLIES.c
    return t.grain == grain, t.apart.in_(SHAPES[grain]), t.bucket.in_(buckets)


def _add_up(session: Session, about: Sequence[str], stretch: Stretch, zone: ZoneInfo) -> int:
    """How many rollups were read."""
    found = _read(session, about, stretch.hours if stretch.whole else stretch.unmarked)
    _keep(session, found, stretch, zone)
    return len(found.hours)


def _keep(session: Session, found: Cells, stretch: Stretch, zone: ZoneInfo) -> None:
    _replace(session, "hour", stretch.unmarked, _by_hour(found, stretch.unmarked))
    marks = [("hour", hour, "", hour, hour + 1) for hour in stretch.unmarked]
    if stretch.whole:
        _replace(session, "day", [stretch.day], tallies(found, "day", np.full_like(found.hours, stretch.day)))
        marks.append(("day", stretch.day, zone.key, stretch.hours[0], stretch.hours[-1] + 1))
    m = TALLIED.c
    buckets = {"hour": stretch.unmarked, "day": [stretch.day] if stretch.whole else []}
    session.execute(
        delete(TALLIED).where(or_(*(and_(m.grain == grain, m.bucket.in_(b)) for grain, b in buckets.items())))
    )
    session.execute(insert(TALLIED), [dict(zip(m.keys(), mark, strict=True)) for mark in marks])


def _replace(session: Session, grain: str, buckets: Sequence[int], rows: Iterator[tuple[Any, ...]]) -> None:
    session.execute(delete(TALLIES).where(*_of(grain, buckets)))
    insert_many(session, TALLIES, rows)


def _by_hour(found: Cells, hours: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    within = found.within(hours)
    return tallies(within, "hour", within.hours)


def _read(session: Session, about: Sequence[str], hours: Sequence[int]) -> Cells:
    r = RollupRow
    columns = (r.hour, *(getattr(r, name) for name in DIMENSIONS), r.sentiment, r.complaint)
    statement = select(*columns, r.mentions, r.rated, r.stars).where(
        r.brand.in_(about), r.hour >= min(hours), r.hour <= max(hours), r.mentions != 0
    )
    rows: Any = session.connection().execute(statement).cursor  # plain tuples: at this number all else is dear
    return cells(iter(lambda: rows.fetchmany(CHUNK), [])).within(hours)


def _pending(session: Session, zone: ZoneInfo, present: int) -> Iterator[Stretch]:
    """The days that have rollups and hours, or a sum of the whole, that are over and have no mark, in their order."""
    m = TALLIED.c
    marked: dict[str, set[int]] = {"hour": set(), "day": set()}
    for grain, bucket in session.execute(select(m.grain, m.bucket).where(m.zone.in_(("", zone.key)))):
        marked[grain].add(bucket)
    about = brands(session)
    hour = _first(session, about, None)
    while hour is not None and hour < present:
        day = day_of(hour, zone)
        while day in marked["day"] or not hours_of(day, zone):
            day += 1
        hours = [hour for hour in hours_of(day, zone) if hour < present]
        after = max(hours_of(day, zone), default=hour) + 1
        following = _first(session, about, min(hours, default=hour))
        if following is not None and following < after:
            unmarked = tuple(hour for hour in hours if hour not in marked["hour"])
            whole = after <= present
            if whole or unmarked:
                yield Stretch(day, tuple(hours), unmarked, whole)
            following = _first(session, about, after)
        hour = following


def _first(session: Session, about: Sequence[str], since: int | None) -> int | None:
    """The first hour from `since` on that has rollups."""
    r, firsts = RollupRow, []
    for n in range(0, len(about), _TERMS):
        each = [select(func.min(r.hour).label("hour")).where(r.brand == name) for name in about[n : n + _TERMS]]
        found = union_all(*(first if since is None else first.where(r.hour >= since) for first in each)).subquery()
        firsts.append(session.scalar(select(func.min(found.c.hour))))
    return min((hour for hour in firsts if hour is not None), default=None)
