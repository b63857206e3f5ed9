"""Rows for other programs. The columns are a contract; new ones are added at the end. row_files.py writes them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Select, and_, func, select, tuple_

from monitor.counted_sql import KEY
from monitor.database import Database
from monitor.errors import ConfigurationError
from monitor.models import CaseRow, MentionRow, RollupRow, VerdictRow
from monitor.rollups import brands, first_hour
from monitor.row_files import FORMATS, neutral, pieces

__all__ = ["COLUMNS", "FORMATS", "count", "hour", "hours", "neutral", "rows", "write"]

CHUNK = 2_000
_MENTION_VERDICT = ("language", "sentiment", "complaint", "complaint_score", "severity", "topic")
COLUMNS: dict[str, tuple[str, ...]] = {
    "mentions": (
        *("id", "source", "external_id", "url", "author", "text", "rating", "language", "posted_at", "seen_at"),
        *("brands", "sentiment", "complaint", "complaint_score", "severity", "topic", "case_id"),
        *("likes", "shares", "answers", "views", "media"),
    ),
    "cases": (
        *("id", "state", "owner", "brand", "source", "posted_at", "due_at", "first_response_at", "met"),
        *("breached_at", "resolved_at", "calendar_seconds", "business_seconds", "satisfaction", "satisfaction_at"),
    ),
    "trends": ("brand", "hour", "source", "language", "sentiment", "topic", "complaint", "mentions", "rated", "stars"),
}


def rows(
    db: Database, what: str, since: datetime | None, until: datetime | None, also: Sequence[str] = ()
) -> Iterator[dict[str, Any]]:
    """Every row of `what` posted from `since` (inclusive) to `until` (exclusive), ordered by id (trends: by brand and
    hour, those hours that begin within), in chunks so that neither memory nor a transaction grows with their number.
    `also` are further columns of mentions, behind the others."""
    if what == "trends":
        yield from _trends(db, since, until)
        return
    table: Any = {"mentions": MentionRow, "cases": CaseRow}[what]
    more = [getattr(table, name) for name in also]
    statement: Select[Any] = select(*_columns(what), *more).order_by(table.id).limit(CHUNK)
    if what == "mentions":
        statement = statement.outerjoin(
            VerdictRow, and_(VerdictRow.mention_id == MentionRow.id, VerdictRow.revision == MentionRow.revision)
        )
    if since is not None:
        statement = statement.where(table.posted_at >= since)
    if until is not None:
        statement = statement.where(table.posted_at < until)
    last = 0
    while True:
        with db.read() as session:
            chunk = session.execute(statement.where(table.id > last)).all()
        for row in chunk:
            yield {name: _plain(value) for name, value in zip((*COLUMNS[what], *also), row, strict=True)}
        if len(chunk) < CHUNK:
            return
        last = chunk[-1].id


def _trends(db: Database, since: datetime | None, until: datetime | None) -> Iterator[dict[str, Any]]:
    chunk: Sequence[Any] = []
    while True:
        chunk = hours(db, since, until, after=chunk[-1][: len(KEY)] if chunk else None)
        for row in chunk:
            yield {name: _plain(value) for name, value in hour(row).items()}
        if len(chunk) < CHUNK:
            return


def hours(
    db: Database,
    since: datetime | None,
    until: datetime | None,
    brand: Sequence[str] = (),
    after: Sequence[Any] | None = None,
    limit: int | None = None,
) -> Sequence[Any]:
    """Up to `limit` (None: CHUNK) rows of the hourly counts of these brands (none: of all) by brand and hour, of hours
    that begin from `since` (inclusive) to `until` (exclusive), from behind the key `after` on."""
    r, wanted = RollupRow, limit or CHUNK
    rest = tuple_(*(getattr(r, name) for name in KEY[1:]))
    statement = select(*(getattr(r, name) for name in COLUMNS["trends"])).where(r.mentions != 0).order_by(*rest.clauses)
    if since is not None:
        statement = statement.where(r.hour >= first_hour(since))
    if until is not None:
        statement = statement.where(r.hour < first_hour(until))
    found: list[Any] = []
    with db.read() as session:
        # one brand after the other: so the key leads to the hours, however many there are before them
        for name in sorted(set(brand or brands(session))):
            if after is not None and name < after[0]:
                continue
            of_brand = statement.where(r.brand == name)
            if after is not None and name == after[0]:
                of_brand = of_brand.where(rest > tuple_(*after[1:]))
            found += session.execute(of_brand.limit(wanted - len(found)))
            if len(found) == wanted:
                break
    return found


def hour(row: Any) -> dict[str, Any]:
    """A row of `hours`; `hour` is when the hour begins, `stars` the sum of the ratings."""
    named = {"hour": datetime.fromtimestamp(row.hour * 3600, UTC), "stars": row.stars / 100}
    return dict(zip(COLUMNS["trends"], row, strict=True)) | named


def _columns(what: str) -> list[Any]:
    if what == "cases":
        return [getattr(CaseRow, name) for name in COLUMNS[what]]
    return [getattr(VerdictRow if name in _MENTION_VERDICT else MentionRow, name) for name in COLUMNS[what]]


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value


def count(db: Database, what: str) -> int:
    with db.read() as session:
        table = {"mentions": MentionRow, "cases": CaseRow, "trends": RollupRow}[what]
        return session.scalar(select(func.count()).select_from(table)) or 0


def write(
    db: Database, what: str, kind: str, output: Path | None, since: datetime | None, until: datetime | None
) -> int:
    """Write the rows to `output` (None: standard output); how many there were. A file appears only when complete."""
    if output is None and kind == "parquet":
        raise ConfigurationError("--output", "parquet goes to a file", "add --output FILE.parquet")
    written = 0

    def counted() -> Iterator[dict[str, Any]]:
        nonlocal written
        for row in _shown(rows(db, what, since, until), db, what, hide=output is None):
            yield row
            written += 1

    file = pieces(counted(), COLUMNS[what], kind)
    if output is None:
        for piece in file:
            sys.stdout.write(piece.decode())
        sys.stdout.flush()
        return written
    part = output.with_name(output.name + ".part")
    try:
        with part.open("wb") as stream:
            stream.writelines(file)
        os.replace(part, output)
    finally:
        part.unlink(missing_ok=True)
    return written


def _shown(found: Iterator[dict[str, Any]], db: Database, what: str, hide: bool) -> Iterator[dict[str, Any]]:
    if hide or not sys.stderr.isatty() or (total := count(db, what)) < CHUNK:
        yield from found
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(found, what, total, console=Console(stderr=True))
