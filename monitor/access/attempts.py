"""Slows down those who guess passwords: by account and by address, in the database, so that replicas count together.

An attempt is counted before the password is looked at, and forgiven when it was right: many at once win nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from monitor.access.rows import AttemptRow
from monitor.access.users import folded
from monitor.database import Database

FORGOTTEN = timedelta(minutes=15)  # after which a failure counts no more


@dataclass(frozen=True, slots=True)
class Limit:
    """So many failures are free; each further one makes wait, twice as long as the one before, up to `longest`."""

    free: int
    first: timedelta
    longest: timedelta

    def wait(self, failures: int) -> timedelta | None:
        if failures <= self.free:
            return None
        doubled: int = 2 ** min(20, failures - self.free - 1)
        return min(self.longest, self.first * doubled)


ACCOUNT = Limit(free=4, first=timedelta(seconds=15), longest=timedelta(minutes=15))
ADDRESS = Limit(free=30, first=timedelta(seconds=15), longest=timedelta(minutes=15))


class Attempts:
    def __init__(self, db: Database) -> None:
        self._db = db

    def begin(self, name: str, address: str | None, now: datetime) -> datetime | None:
        """Count an attempt. Returns None where it may be made, else from when on it may."""
        counted = _counted(name, address)
        with self._db.write() as session:
            rows = [(self._row(session, who, now), limit) for who, limit in counted]
            blocked = [
                row.blocked_until for row, _ in rows if row.blocked_until is not None and row.blocked_until > now
            ]
            if blocked:
                return max(blocked)
            for row, limit in rows:
                last = max(row.last_at, row.blocked_until or row.last_at)
                row.failures = 1 if now - last > FORGOTTEN else row.failures + 1
                row.last_at = now
                pause = limit.wait(row.failures)
                row.blocked_until = now + pause if pause is not None else None
        return None

    def forgive(self, name: str, address: str | None) -> None:
        """The attempt was right: the account begins anew, the address gets its one back."""
        (account, _), *places = _counted(name, address)
        with self._db.write() as session:
            session.execute(delete(AttemptRow).where(AttemptRow.who == account))
            for place, _ in places:
                less = update(AttemptRow).where(AttemptRow.who == place, AttemptRow.failures > 0)
                session.execute(less.values(failures=AttemptRow.failures - 1, blocked_until=None))

    def forget(self, now: datetime) -> None:
        with self._db.write() as session:
            session.execute(delete(AttemptRow).where(AttemptRow.last_at < now - 2 * FORGOTTEN))

    def _row(self, session: Session, who: str, now: datetime) -> AttemptRow:
        insert: Any = sqlite.insert if self._db.dialect == "sqlite" else postgresql.insert
        fresh = insert(AttemptRow).values(who=who, failures=0, last_at=now)
        session.execute(fresh.on_conflict_do_nothing(index_elements=[AttemptRow.who]))
        return session.get_one(AttemptRow, who, with_for_update=True, populate_existing=True)


def _counted(name: str, address: str | None) -> list[tuple[str, Limit]]:
    """In a fixed order, so that two replicas do not wait for each other."""
    found = [(_hash("account", folded(name)), ACCOUNT)]
    return [*found, (_hash("address", address), ADDRESS)] if address is not None else found


def _hash(kind: str, value: str) -> str:
    return hashlib.sha256(f"{kind} {value}".encode("utf-8", "replace")).hexdigest()
