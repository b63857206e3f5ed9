"""All mentions counted anew, window by window, and whether the counts that are kept are what that gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import String, bindparam, func, select, text
from sqlalchemy.orm import Session

from monitor import last_words, tallies
from monitor.cells import cells_of_mentions
from monitor.counted_sql import COUNTS, KEY, counted_sql, each_sql
from monitor.database import Database, UTCDateTime, insert_many
from monitor.models import MentionRow, RollupRow
from monitor.rollups import Progress, brands, hour_of, lock
from monitor.trend_spans import day_of, hours_of

WINDOW = 50_000  # mentions recounted in one transaction: whoever else writes waits for no more
_CHUNK = 500
_EVER = 2**40  # hours
_UTC = ZoneInfo("UTC")
_ROLLUPS: Any = RollupRow.__table__


def rebuild(db: Database, now: datetime, zone: ZoneInfo = _UTC, progress: Progress | None = None) -> int:
    """Count anew, while the service runs; how many mentions were looked at. Safe to stop and to repeat. Adds up, too,
    what lies within a window; `tallies.settle` does the rest. `progress` is called with mentions done and mentions in
    all."""

    def anew(session: Session, window: _Window) -> None:
        if db.dialect == "postgresql":  # whoever counts just now commits first, or after this window
            session.execute(text("LOCK TABLE rollups IN SHARE ROW EXCLUSIVE MODE"))
        window.execute(session, f"DELETE FROM tallied WHERE {window.marks}")  # noqa: S608
        window.execute(session, f"DELETE FROM rollups WHERE brand IN :brands AND {window.hours}")  # noqa: S608
        rows = window.execute(session, each_sql(session, window.posted)).cursor  # plain tuples: all else is dear
        found = cells_of_mentions(iter(lambda: rows.fetchmany(_CHUNK), [])).together()
        insert_many(session, _ROLLUPS, found.rows())
        tallies.add_up(session, found, window.range, zone, now)

    found = _walk(db, db.write, anew, zone, progress)
    last_words.rebuild(db, lock)
    return found


def check(db: Database, progress: Progress | None = None) -> int:
    """How many rows a recount gives otherwise, or not at all: 0 is right. Each window is one statement, so that what
    is stored meanwhile is on both sides or on neither."""
    wrong = 0

    def compare(session: Session, window: _Window) -> None:
        nonlocal wrong
        key, differ = ", ".join(KEY), " OR ".join(f"sum({name}) <> 0" for name in COUNTS)
        less = ", ".join(f"-{name}" for name in COUNTS)
        kept = f"SELECT {key}, {less} FROM rollups WHERE brand IN :brands AND {window.hours}"  # noqa: S608
        both = f"{counted_sql(session, window.posted)} UNION ALL {kept}"
        wrong += window.execute(
            session,
            f"SELECT count(*) FROM (SELECT 1 FROM ({both}) AS b GROUP BY {key} HAVING {differ}) AS d",  # noqa: S608
        ).scalar_one()

    _walk(db, db.read, compare, _UTC, progress)
    return wrong + last_words.check(db)


@dataclass(frozen=True, slots=True)
class _Window:
    """A span of hours, as `hour_of` counts them; the first has no beginning and the last no end."""

    first: int | None
    end: int | None

    @property
    def range(self) -> range:
        return range(-_EVER if self.first is None else self.first, _EVER if self.end is None else self.end)

    @property
    def posted(self) -> str:
        return self._within("m.posted_at >= :since", "m.posted_at < :until")

    @property
    def hours(self) -> str:
        return self._within("hour >= :first", "hour < :end")

    @property
    def marks(self) -> str:
        """Those of every hour and day that has a part in it."""
        return self._within("end_hour > :first", "first_hour < :end")

    def _within(self, begun: str, not_over: str) -> str:
        bounds = [begun] * (self.first is not None) + [not_over] * (self.end is not None)
        return " AND ".join(bounds) or "1 = 1"

    def execute(self, session: Session, sql: str) -> Any:
        if session.get_bind().dialect.name == "postgresql":  # else it may read all verdicts for each window
            session.execute(text("SET LOCAL enable_hashjoin = off"))
            session.execute(text("SET LOCAL enable_mergejoin = off"))
        given: Sequence[Any] = (
            bindparam("since", _begin(self.first), UTCDateTime()),
            bindparam("until", _begin(self.end), UTCDateTime()),
            bindparam("first", self.first),
            bindparam("end", self.end),
            bindparam("brands", brands(session) if ":brands" in sql else [], String(), expanding=True),
        )
        return session.connection().execute(text(sql).bindparams(*(each for each in given if f":{each.key}" in sql)))


def _begin(hour: int | None) -> datetime | None:
    return None if hour is None else datetime.fromtimestamp(hour * 3600, UTC)


def _walk(
    db: Database,
    transaction: Callable[[], AbstractContextManager[Session]],
    act: Callable[[Session, _Window], None],
    zone: ZoneInfo,
    progress: Progress | None,
) -> int:
    """Act on all hours, in windows of whole days that hold WINDOW mentions at most, or of hours where one day has more;
    how many mentions there were."""
    m, done = MentionRow, 0
    with db.read() as session:
        total = session.scalar(select(func.count()).select_from(m)) or 0
    first: int | None = None
    while True:
        ahead = () if first is None else (m.posted_at >= _begin(first),)
        with db.read() as session:
            last = session.scalar(select(m.posted_at).where(*ahead).order_by(m.posted_at).offset(WINDOW).limit(1))
            end = None if last is None else _end(first, hour_of(last), zone)
            within = (*ahead, *(() if end is None else (m.posted_at < _begin(end),)))
            done += session.scalar(select(func.count()).select_from(m).where(*within)) or 0
        with transaction() as session:
            act(session, _Window(first, end))
        if progress is not None:
            progress(min(done, total), total)
        if end is None:
            return total
        first = end


def _end(first: int | None, last: int, zone: ZoneInfo) -> int:
    """Where a window ends that can hold no more than what was posted before the hour `last` is over."""
    midnight = min(hours_of(day_of(last, zone), zone))
    return midnight if first is None or midnight > first else last + 1
