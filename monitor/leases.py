"""Claim rows, do the work outside any transaction, then finish only what is still ours.

A claim is one UPDATE, so two workers never get the same row: a row is free when nobody holds it or when its lease has
run out. Each claim adds one to the row's `attempt`; finishing names the attempt, so a worker whose lease ran out while
it slept cannot overwrite what its successor did.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Select, TextClause, and_, or_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from monitor.models import SlotRow

MAX_ATTEMPTS = 5  # after this many a row is parked: visible, never lost, no longer in the way


class LeasedTable(Protocol):
    lease_owner: Any
    lease_until: Any
    attempt: Any


@dataclass(frozen=True, slots=True)
class Lease:
    """A claim on the row with primary key `id`."""

    id: Any
    attempt: int
    owner: str


def worker_name() -> str:
    """A name for this process that no other has, also after a restart with the same pid."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:6]}"


def free(table: type[Any], now: datetime) -> ColumnElement[bool]:
    return or_(table.lease_until.is_(None), table.lease_until <= now)


def claim(
    session: Session,
    table: type[Any],
    candidates: Select[Any],
    owner: str,
    now: datetime,
    lasts: timedelta,
) -> list[Lease]:
    """Claim the rows whose primary key `candidates` selects (ordered and limited by the caller), as far as they are
    free. To be called in a write transaction of its own."""
    key = table.__mapper__.primary_key[0]
    wanted = candidates.where(free(table, now))
    if session.get_bind().dialect.name == "postgresql":
        wanted = wanted.with_for_update(skip_locked=True, of=table)
    ids = list(session.scalars(wanted))
    if not ids:
        return []
    rows = session.execute(
        update(table)
        .where(key.in_(ids), free(table, now))
        .values(lease_owner=owner, lease_until=now + lasts, attempt=table.attempt + 1)
        .returning(key, table.attempt)
        .execution_options(synchronize_session=False)
    ).all()
    got = {row[0]: Lease(row[0], row[1], owner) for row in rows}
    return [got[i] for i in ids if i in got]


def held(table: type[Any], lease: Lease) -> ColumnElement[bool]:
    """The condition under which a worker may still write to its row."""
    key = table.__mapper__.primary_key[0]
    return and_(key == lease.id, table.lease_owner == lease.owner, table.attempt == lease.attempt)


def finish(session: Session, table: type[Any], lease: Lease, **values: Any) -> bool:
    """Write `values` and give the row back. False, and nothing written, if somebody else holds the row by now."""
    result = session.execute(
        update(table)
        .where(held(table, lease))
        .values(lease_owner=None, lease_until=None, **values)
        .execution_options(synchronize_session=False)
    )
    return bool(result.rowcount == 1)  # type: ignore[attr-defined]


def renew(session: Session, table: type[Any], lease: Lease, until: datetime) -> bool:
    """Keep a row for longer; False if it is no longer ours."""
    result = session.execute(update(table).where(held(table, lease)).values(lease_until=until))
    return bool(result.rowcount == 1)  # type: ignore[attr-defined]


def release(session: Session, table: type[Any], leases: Sequence[Lease]) -> None:
    """Give rows back untouched, as at a stop: the attempt does not count against them."""
    for lease in leases:
        finish(session, table, lease, attempt=lease.attempt - 1)


def take_slot(session: Session, job: str, slot: datetime, owner: str) -> bool:
    """True for the one caller, of all replicas, that runs `job` for `slot`."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    taken = insert(SlotRow).values(job=job, slot=slot, taken_by=owner).on_conflict_do_nothing()
    return session.scalar(taken.returning(SlotRow.job)) is not None


def release_owner(session: Session, table: type[Any], owner: str, *conditions: ColumnElement[bool] | TextClause) -> int:
    """Give back, untouched, every row (of those under `conditions`) that `owner` still holds; how many there were."""
    result = session.execute(
        update(table)
        .where(table.lease_owner == owner, *conditions)
        .values(lease_owner=None, lease_until=None, attempt=table.attempt - 1)
        .execution_options(synchronize_session=False)
    )
    return int(result.rowcount)  # type: ignore[attr-defined]
