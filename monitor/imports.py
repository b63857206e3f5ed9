"""History from files: each row a mention that never starts a clock. Doing it again changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, TextIO

from monitor.brands import Brands
from monitor.database import Database
from monitor.errors import ConfigurationError
from monitor.import_rows import Row, rows, size_of
from monitor.intake import whole_first
from monitor.mentions import Stored, store_one_by_one, store_page
from monitor.sources.base import Item, Page
from monitor.sources.record import KEYS, read_item

CHUNK = 1_000  # rows of one commit
_MEANT = {  # names of columns, in small letters and without blanks, that say the same
    "id": ("externalid", "reviewid", "commentid", "postid", "messageid"),
    "text": ("body", "content", "comment", "review", "reviewtext", "message", "feedback", "description"),
    "posted_at": ("date", "createdat", "created", "time", "timestamp", "submittedat", "publishedat", "reviewdate"),
    "author": ("user", "username", "handle", "reviewer", "customer", "screenname"),
    "author_name": ("name", "fullname", "displayname"),
    "rating": ("stars", "score", "starrating"),
    "url": ("link", "permalink"),
    "language": ("lang",),
    "followers": ("authorfollowers", "followerscount"),
    "conversation": ("conversationid", "threadid"),
    "parent": ("parentid", "inreplyto", "inreplytoid"),
}


@dataclass(frozen=True, slots=True)
class Mapped:
    """How rows are read. `columns` gives for each of KEYS the column; `posted_at` is the date of rows without one."""

    columns: Mapping[str, str]
    zone: tzinfo | None = None
    posted_at: datetime | None = None
    best_rating: float = 5.0

    def item(self, values: Mapping[str, Any], now: datetime) -> Item:
        """Raises ValueError, which names the field and what is wrong with it."""
        given = {key: values.get(column) for key, column in self.columns.items() if values.get(column) is not None}
        if given.get("posted_at") in (None, "") and self.posted_at is None:
            raise ValueError("posted_at is missing; --posted gives it to all rows without one")
        item = read_item(given, self.posted_at or now, self.zone)
        return item if item.rating is None else replace(item, rating=item.rating * 5 / self.best_rating)


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file's rows; `known` ones were stored before, `unmatched` ones are about no brand."""

    rows: int = 0
    new: int = 0
    changed: int = 0
    known: int = 0
    unmatched: int = 0
    rejected: int = 0


def columns_of(names: Iterable[str], chosen: Mapping[str, str]) -> dict[str, str]:
    """The column for each key: as `chosen`, else of the key's own name or one that says the same. Raises
    ConfigurationError for a key or a column that there is not, and without a text."""
    known = list(names)
    for key, column in chosen.items():
        if key not in KEYS:
            raise ConfigurationError("--column", f'"{key}" is no field', "one of " + ", ".join(KEYS))
        if column not in known:
            raise ConfigurationError("--column", f'there is no column "{column}"', "there are " + ", ".join(known))
    plain = {"".join(letter for letter in name.lower() if letter.isalnum()): name for name in reversed(known)}
    found = {}
    for key in KEYS:
        names_of_it = (key.replace("_", ""), *_MEANT.get(key, ()))
        meant = next((plain[each] for each in names_of_it if each in plain), None)
        taken = chosen.get(key) or meant
        if taken is not None and (key in chosen or taken not in chosen.values()):
            found[key] = taken
    if "text" not in found:
        raise ConfigurationError("--column", "which column holds the text?", f"--column text=NAME; {', '.join(known)}")
    return found


def import_file(
    db: Database | None,
    path: Path,
    format: str,
    source: str,
    mapped: Mapped,
    brands: Brands,
    only: Collection[str],
    now: datetime,
    errors: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
    delimiter: str | None = None,
) -> Imported:
    """Store every row under the name `source`, CHUNK at a time; without `db` only count. Rows that cannot be read are
    listed in `errors`, which is made when the first one comes."""
    total, so_far = size_of(path, format), Imported()
    with ExitStack() as at_end:
        log: TextIO | None = None
        for chunk in _chunks(rows(path, format, delimiter)):
            items = []
            for row in chunk:
                try:
                    if row.values is None:
                        raise ValueError(row.reason)
                    items.append(mapped.item(row.values, now))
                except (ValueError, OverflowError, RecursionError) as error:
                    if log is None:
                        log = at_end.enter_context(errors.open("w", encoding="utf-8"))
                    raw = row.raw if row.values is None else row.values
                    told = {"line": row.line, "reason": str(error), "row": raw}
                    log.write(json.dumps(told, ensure_ascii=False, default=str) + "\n")
            matched = _dry(items, brands, source, only) if db is None else _store(db, items, brands, source, only, now)
            so_far = _plus(so_far, len(chunk), len(items), matched)
            progress(chunk[-1].done, total)
    return so_far


def _chunks(found: Iterator[Row]) -> Iterator[list[Row]]:
    chunk: list[Row] = []
    for row in found:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _store(
    db: Database, items: list[Item], brands: Brands, source: str, only: Collection[str], now: datetime
) -> Stored:
    def commit(one_by_one: bool) -> Stored:
        store = store_one_by_one if one_by_one else store_page
        with db.write() as session:
            return store(session, source, Page(tuple(items), {}), brands, only, now, backfill=True)

    return whole_first(commit, source)


def _dry(items: list[Item], brands: Brands, source: str, only: Collection[str]) -> Stored:
    matched = sum(1 for item in items if brands.names(item, source, only))
    return Stored(new=matched, unmatched=len(items) - matched)


def _plus(before: Imported, rows: int, readable: int, stored: Stored) -> Imported:
    """`Stored` counts what it did; whatever else was readable was known."""
    done = stored.new + stored.changed + stored.removed + stored.unmatched + stored.rejected
    return Imported(
        before.rows + rows,
        before.new + stored.new,
        before.changed + stored.changed + stored.removed,
        before.known + max(0, readable - done),
        before.unmatched + stored.unmatched,
        before.rejected + rows - readable + stored.rejected,
    )
