"""Hourly counts of mentions, kept right in the transactions that change what they count.

A mention counts for each of its brands, competitors too, in the hour in which it was posted, from its verdict on. It
does not count while it waits to be judged (again), where its source removed it, nor if one of the brand's own accounts
wrote it. Purging takes away words, not counts. Whether it is a complaint, the last person to correct it says, else the
verdict. So one query says what counts, and everything else here adds or takes away what that query gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import and_, bindparam, delete, func, or_, select, text, tuple_
from sqlalchemy.orm import Session

from monitor import last_words
from monitor.counted_sql import COUNTS, KEY, counted_sql
from monitor.database import at_end
from monitor.models import MentionRow, RollupRow
from monitor.rollup_rows import TALLIED

Progress = Callable[[int, int], None]
_COLUMNS = ", ".join((*KEY, *COUNTS))
_ADD = f"""
INSERT INTO rollups ({_COLUMNS}) VALUES ({", ".join(f":{name}" for name in (*KEY, *COUNTS))})
ON CONFLICT ({", ".join(KEY)}) DO UPDATE SET
{", ".join(f"{name} = rollups.{name} + excluded.{name}" for name in COUNTS)}
"""  # noqa: S608
_Changes = dict[tuple[Any, ...], tuple[int, ...]]


def count(session: Session, mentions: Iterable[int]) -> None:
    """Add what these mentions give by now; each must have been taken away before, or be new."""
    found = list(mentions)
    _change(session, found, "")
    if found:
        last_words.keep(session, found)


def discount(session: Session, mentions: Sequence[int]) -> None:
    """Take away what these mentions give, before they are changed; locks them."""
    lock(session, mentions)
    _change(session, mentions, "-")
    if mentions:
        last_words.drop(session, mentions)


def lock(session: Session, mentions: Sequence[int]) -> None:
    """In the order of their ids, as all who change mentions do. A verdict may just be on its way."""
    m = MentionRow
    if mentions and session.get_bind().dialect.name != "sqlite":
        session.execute(select(m.id).where(m.id.in_(mentions)).order_by(m.id).with_for_update())


@contextmanager
def undone_with(session: Session) -> Iterator[None]:
    """What was counted in the block is not, if it raises: for savepoints."""
    before = dict(_changes(session))
    try:
        yield
    except BaseException:
        session.info["rollups"] = before
        raise


def _changes(session: Session) -> _Changes:
    changes: _Changes = session.info.setdefault("rollups", {})
    return changes


def _change(session: Session, mentions: Sequence[int], sign: str) -> None:
    """Remember it for the end of the transaction: all who count lock the same rows, so they do it last, and in the
    order of the key. Then two who count at once wait for one another, never both."""
    if not mentions:
        return
    session.flush()
    found = text(counted_sql(session, "m.id IN :ids", sign)).bindparams(bindparam("ids", mentions, expanding=True))
    changes = _changes(session)
    for *key, complaint, mentions_, rated, stars in session.execute(found):
        place = (*key, bool(complaint))
        known = changes.get(place, (0, 0, 0))
        changes[place] = (known[0] + mentions_, known[1] + rated, known[2] + int(stars))
    at_end(session, _apply)


def _apply(session: Session) -> None:
    changes = _changes(session)
    rows = [dict(zip((*KEY, *COUNTS), (*key, *changes[key]), strict=True)) for key in sorted(changes)]
    if rows := [row for row in rows if any(row[name] for name in COUNTS)]:
        session.connection().execute(text(_ADD), rows)
        _unmark(session, {row["hour"] for row in rows})


def _unmark(session: Session, hours: set[int]) -> None:
    """Say that the sums of these hours, and of the days that they are in, are right no more: monitor/tallies.py."""
    m, least, most = TALLIED.c, min(hours), max(hours)
    days = and_(m.bucket.between(least // 24 - 2, most // 24 + 2), m.first_hour <= most, m.end_hour > least)
    marks = select(m.grain, m.bucket, m.first_hour, m.end_hour).where(
        or_(and_(m.grain == "hour", m.bucket.in_(hours)), and_(m.grain == "day", days))
    )
    # locked in the order of the key, as rollups are
    marked = session.execute(marks.order_by(m.grain, m.bucket).with_for_update()).all()
    old = [(grain, bucket) for grain, bucket, first, end in marked if not hours.isdisjoint(range(first, end))]
    if old:
        session.execute(delete(TALLIED).where(tuple_(m.grain, m.bucket).in_(old)))


def hour_of(moment: datetime) -> int:
    """Hours from 1970-01-01T00Z to the beginning of the hour of `moment`."""
    return int(moment.timestamp() // 3600)


def first_hour(moment: datetime) -> int:
    """As `hour_of`, of the first hour that does not begin before `moment`."""
    return -int(-moment.timestamp() // 3600)


def brands(session: Session) -> list[str]:
    """Every brand that was ever counted; a step along the key for each, not a look at every row."""
    steps = select(func.min(RollupRow.brand).label("brand")).cte("steps", recursive=True)
    after = select(func.min(RollupRow.brand)).where(RollupRow.brand > steps.c.brand).scalar_subquery()
    steps = steps.union_all(select(after).where(steps.c.brand.is_not(None)))
    return list(session.scalars(select(steps.c.brand).where(steps.c.brand.is_not(None)).order_by(steps.c.brand)))


def heard_since(session: Session, names: Sequence[str]) -> datetime | None:
    """When the first hour with a count of any of these brands begins; None where there is none."""
    hours = [session.scalar(select(func.min(RollupRow.hour)).where(RollupRow.brand == name)) for name in names]
    return min((datetime.fromtimestamp(hour * 3600, UTC) for hour in hours if hour is not None), default=None)
