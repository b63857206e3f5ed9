"""The mentions behind a point of a trend, the newest first, a page at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, exists, func, or_, select
from sqlalchemy.orm import Session

from monitor.models import CorrectionRow, MentionRow, VerdictRow
from monitor.rollup_rows import TALLIED
from monitor.rollups import first_hour, hour_of
from monitor.trend_counts import Filter
from monitor.trend_reading import Reading
from monitor.trend_spans import MOST_POINTS, Grain, Span, hours_of

_OF_MENTION = (
    MentionRow.id,
    MentionRow.posted_at,
    MentionRow.source,
    MentionRow.url,
    MentionRow.author,
    MentionRow.author_name,
    MentionRow.text,
    MentionRow.rating,
    MentionRow.brands,
)
After = tuple[datetime, int]  # posted at, id: of the last mention of the page before
_MOMENT, _DAY = timedelta(microseconds=1), timedelta(days=1)
_STEPS = (2, 30, *[MOST_POINTS - 2] * 10)  # days, the latest first: what is frequent is found in the first


@dataclass(frozen=True, slots=True)
class Behind:
    """One mention as it counts in the trends. `complaint` is a correction's word where there is one."""

    id: int
    posted_at: datetime
    source: str
    url: str | None
    author: str | None
    author_name: str | None
    text: str
    rating: float | None
    brands: tuple[str, ...]
    language: str
    sentiment: str
    topic: str
    complaint: bool
    case_id: int | None


def behind(
    session: Session,
    since: datetime,
    until: datetime,
    wanted: Filter,
    after: After | None = None,
    limit: int = 50,
) -> tuple[Behind, ...]:
    """Up to `limit` mentions that count from `since` (inclusive) to `until` (exclusive), both aware: as many as the
    counts say where both are whole hours. `after` is where the page before ended."""
    found: list[Behind] = []
    for first, end in _where_counted(session, since, min(until, after[0] + _MOMENT) if after else until, wanted):
        found += within(session, first, end, wanted, after, limit - len(found))
        if len(found) >= limit:
            break
    return tuple(found)


def _where_counted(
    session: Session, since: datetime, until: datetime, wanted: Filter
) -> Iterator[tuple[datetime, datetime]]:
    """Where the counts say that such mentions are, the latest first: a rare one is not sought through all the
    others. Hours of which only a part is asked for are always looked at."""
    zone = ZoneInfo(session.scalar(select(TALLIED.c.zone).where(TALLIED.c.grain == "day").limit(1)) or "UTC")
    begin, end = _hour(first_hour(since)), _hour(hour_of(until))
    if end <= begin:
        yield since, until
        return
    if until > end:
        yield end, until
    latest = end
    for days in _STEPS:
        earliest = max(begin, latest - days * _DAY)
        asked = Reading(session, Span(earliest, latest, Grain.DAY, zone))
        for day in sorted({bucket for _, bucket, _ in asked.rows(wanted, None)}, reverse=True):
            hours = [hour for hour in hours_of(day, zone) if earliest <= _hour(hour) < latest]
            within = Reading(session, Span(_hour(hours[0]), _hour(hours[-1] + 1), Grain.HOUR, zone))
            for hour in sorted({hour for _, hour, _ in within.rows(wanted, None)}.intersection(hours), reverse=True):
                yield _hour(hour), _hour(hour + 1)
        if earliest == begin:
            break
        latest = earliest
    if since < begin:
        yield since, begin


def _hour(hour: int) -> datetime:
    return datetime.fromtimestamp(hour * 3600, UTC)


def within(
    session: Session,
    since: datetime,
    until: datetime,
    wanted: Filter,
    after: After | None = None,
    limit: int = 50,
    looked_at: int | None = None,
) -> list[Behind]:
    """The same by looking at all mentions of that time; with `looked_at`, at the latest so many, whatever they say."""
    connection, given = session.connection(), {"since": since, "until": until, "most": limit}
    if looked_at is not None:
        given["looked_at"] = looked_at
    if after is not None:
        given["after"], given["after_id"] = after
    statement = _asked(connection.dialect.name, wanted, looked_at is not None, after is not None)
    rows: Sequence[Any] = connection.execute(statement, given).all()
    return [Behind(*(*row[:8], tuple(row[8]), *row[9:12], bool(row[12]), row[13])) for row in rows]


@lru_cache(64)  # a page asks the same of many spans
def _asked(dialect: str, wanted: Filter, bounded: bool, continued: bool) -> Select[Any]:
    """Takes `since`, `until`, `most`; where it is bounded, `looked_at`; where it is continued, `after`, `after_id`."""
    m, v = MentionRow, VerdictRow
    since, until = bindparam("since", type_=m.posted_at.type), bindparam("until", type_=m.posted_at.type)
    corrected = (
        select(CorrectionRow.complaint)
        .where(CorrectionRow.mention_id == m.id)
        .order_by(CorrectionRow.at.desc(), CorrectionRow.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    complaint = func.coalesce(corrected, v.complaint)
    first: Any = since
    if bounded:  # by a moment, so that the search goes back from the latest and ends when there are enough
        here = select(m.posted_at).where(m.posted_at >= since, m.posted_at < until).order_by(m.posted_at.desc())
        first = func.coalesce(here.limit(1).offset(bindparam("looked_at", type_=Integer) - 1).scalar_subquery(), since)
    statement: Any = (
        select(*_OF_MENTION, v.language, v.sentiment, v.topic, complaint.label("complaint"), m.case_id)
        .join(v, and_(v.mention_id == m.id, v.revision == m.revision))
        .where(~m.own, m.removed_at.is_(None), m.posted_at >= first, m.posted_at < until)
        .order_by(m.posted_at.desc(), m.id.desc())
        .limit(bindparam("most", type_=Integer))
    )
    # an index that begins with the source must not tempt SQLite away from the one on posted_at
    columns = {"source": m.source.concat(""), "language": v.language, "topic": v.topic, "sentiment": v.sentiment}
    for name, column in columns.items():
        if values := getattr(wanted, name):
            statement = statement.where(column.in_(values))
    if wanted.brand:  # the verdict first: to look into a list is dear
        statement = statement.where(_about(dialect, wanted.brand, v.revision >= 0))
    if continued:
        at, id = bindparam("after", type_=m.posted_at.type), bindparam("after_id", type_=Integer)
        statement = statement.where(m.posted_at <= at, or_(m.posted_at < at, and_(m.posted_at == at, m.id < id)))
    if wanted.complaint is not None:
        statement = statement.where(complaint if wanted.complaint else ~complaint)
    return statement  # type: ignore[no-any-return]


def about(session: Session, brands: Sequence[str]) -> ColumnElement[bool]:
    """Whether a mention is about one of these brands."""
    return _about(session.get_bind().dialect.name, brands)


def _about(dialect: str, brands: Sequence[str], *also: ColumnElement[bool]) -> ColumnElement[bool]:
    each: Any = func.json_each if dialect == "sqlite" else func.json_array_elements_text
    name = each(MentionRow.brands).table_valued("value").alias("about")
    return exists(select(1).select_from(name).where(*also, name.c.value.in_(brands)))
