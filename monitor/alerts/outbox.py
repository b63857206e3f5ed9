"""The outbox: messages that must arrive once, and the stage that sends them.

A row is `pending` until a worker commits `sending`, and only then makes the call. A worker that comes upon a row in
`sending` with a dead lease, or in `unknown`, cannot know whether the message arrived: it looks before it sends. What a
message says is worked out at that moment from the present state; what has become untrue is `dropped`. Messages of a
case go out in the order in which they were put in, so that a thread reply always finds its root.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import exists, or_, select, text, update
from sqlalchemy.orm import Session, aliased

from monitor import leases
from monitor.database import Database
from monitor.models import CaseRow, DeliveryRow, IncidentRow, SpikeRow

KINDS = ("alert", "update", "reminder", "breach", "escalation", "incident", "note", "digest", "ops", "redact")
URGENT = ("breach", "escalation")  # what another transport takes over when the first one is down
LEASE = timedelta(seconds=60)  # longer than any one call and the looking before it
# Literal on purpose: SQLite uses a partial index only for a condition without parameters.
_OPEN = "{table}.state IN ('pending', 'sending', 'unknown')"
_EARLIER = aliased(DeliveryRow, name="earlier")  # once: making one takes longer than the query


def still_open(table: str) -> str:
    """The condition under which a row of `table` (a name of ours) has still to be sent."""
    return _OPEN.format(table=table)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A claimed row. `look`: an earlier call may have taken effect. `after` is the receipt of a message that surely
    went to the same place before the first call, when there is one: looking need not go back further."""

    lease: leases.Lease
    key: str
    kind: str
    case_id: int | None
    transport: str
    target: str
    payload: dict[str, Any]
    created_at: datetime
    intent_at: datetime
    look: bool
    after: str | None = None
    incident_id: int | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """`alt` says what it shows, for those who do not see it."""

    name: str
    alt: str
    png: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be sent. `thread` and `edits` are receipts: of the message it answers, of the one that it replaces.
    `text` says all that matters, for notifications and for transports that have no blocks; it is mrkdwn already.
    `repeat` marks a message that may have arrived before. Not every transport shows `pictures`; `html` is for mail."""

    key: str
    kind: str
    case_id: int | None
    target: str
    text: str
    since: datetime
    blocks: tuple[dict[str, Any], ...] = ()
    thread: str | None = None
    edits: str | None = None
    broadcast: bool = False
    after: str | None = None
    repeat: bool = False
    pictures: tuple[Picture, ...] = ()
    html: str | None = None


def message(
    delivery: Delivery,
    text: str,
    shown: tuple[dict[str, Any], ...] = (),
    thread: str | None = None,
    edits: str | None = None,
    broadcast: bool = False,
    target: str | None = None,
) -> Message:
    """What is sent for a delivery; only a thread reply can be shown to the channel as well."""
    return Message(
        key=delivery.key,
        kind=delivery.kind,
        case_id=delivery.case_id,
        target=target or delivery.target,
        text=text,
        since=delivery.intent_at,
        blocks=shown,
        thread=thread,
        edits=edits,
        broadcast=broadcast and thread is not None,
        after=delivery.after,
    )


@dataclass(frozen=True, slots=True)
class Receipt:
    """How the other side calls the message; `place` is where it really went."""

    id: str
    place: str | None = None


class Transport(Protocol):
    def send(self, message: Message) -> Receipt:
        """Errors: RetryLater (surely not sent), Uncertain (perhaps sent), AuthError (nothing can be sent),
        ConfigurationError (nothing can be sent to this target), GiveUp (this message can never be sent)."""
        ...

    def find(self, message: Message) -> Receipt | None:
        """The message if it has arrived, None if it has not. GiveUp if that cannot be told; RetryLater."""
        ...

    def check(self) -> str:
        """Reach the other side once; a short word on what was found. Errors as for `send`."""
        ...


Render = Callable[[Session, Delivery], Message | None]  # None: no longer true, drop it


def enqueue(
    session: Session,
    kind: str,
    transport: str,
    target: str,
    now: datetime,
    case_id: int | None = None,
    payload: dict[str, Any] | None = None,
    not_before: datetime | None = None,
    key: str | None = None,
    incident_id: int | None = None,
) -> str:
    """Put a message in, in the caller's transaction; the key that identifies it everywhere."""
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is no kind of delivery")
    row = DeliveryRow(
        key=key or uuid.uuid4().hex,
        kind=kind,
        case_id=case_id,
        incident_id=incident_id,
        transport=transport,
        target=target,
        payload=payload or {},
        state="pending",
        created_at=now,
        not_before=not_before or now,
    )
    session.add(row)
    return row.key


def claim_next(
    db: Database,
    transport: str,
    owner: str,
    now: datetime,
    held: Collection[int] = (),
    held_targets: Collection[str] = (),
) -> Delivery | None:
    """The next message of a transport, now ours and `sending`. Looks before it takes the write lock."""
    earlier = _EARLIER
    candidates = (
        select(DeliveryRow.id)
        .where(
            text(still_open("deliveries")),
            DeliveryRow.transport == transport,
            # what was put in for "at once" does not wait when the machine's clock is set back
            or_(DeliveryRow.not_before <= now, DeliveryRow.not_before <= DeliveryRow.created_at),
            DeliveryRow.id.not_in(held),
            DeliveryRow.target.not_in(held_targets),
            ~exists().where(
                earlier.case_id == DeliveryRow.case_id,
                earlier.transport == DeliveryRow.transport,
                earlier.id < DeliveryRow.id,
                text(still_open("earlier")),
            ),
            # what belongs into an incident's thread waits for the thread
            ~exists().where(
                earlier.incident_id == DeliveryRow.incident_id,
                earlier.transport == DeliveryRow.transport,
                earlier.kind == "incident",
                earlier.id < DeliveryRow.id,
                text(_OPEN.format(table="earlier")),
            ),
        )
        .order_by(DeliveryRow.not_before, DeliveryRow.id)
        .limit(1)
    )
    with db.read() as session:
        if session.scalar(candidates.where(leases.free(DeliveryRow, now))) is None:
            return None
    with db.write() as session:
        for lease in leases.claim(session, DeliveryRow, candidates, owner, now, LEASE):
            row = session.get_one(DeliveryRow, lease.id, populate_existing=True)
            look = row.state != "pending"
            row.state, row.intent_at = "sending", row.intent_at or now
            if row.kind in ("alert", "update") and row.case_id is not None:
                _supersede_updates(session, row)
            return Delivery(
                lease,
                row.key,
                row.kind,
                row.case_id,
                row.transport,
                row.target,
                dict(row.payload),
                row.created_at,
                row.intent_at,
                look,
                _last_before(session, row) if look else None,
                row.incident_id,
            )
    return None


def _supersede_updates(session: Session, row: DeliveryRow) -> None:
    """One edit shows everything that is committed by now, so edits that wait behind it have nothing left to say."""
    session.execute(
        update(DeliveryRow)
        .where(
            DeliveryRow.case_id == row.case_id,
            DeliveryRow.transport == row.transport,
            DeliveryRow.kind == "update",
            DeliveryRow.state == "pending",
            DeliveryRow.id != row.id,
        )
        .values(state="dropped", error=f"said by {row.key}")
        .execution_options(synchronize_session=False)
    )


def _last_before(session: Session, row: DeliveryRow) -> str | None:
    return session.scalar(
        select(DeliveryRow.receipt)
        .where(
            DeliveryRow.id < row.id,
            DeliveryRow.transport == row.transport,
            DeliveryRow.target == row.target,
            DeliveryRow.state == "sent",
            DeliveryRow.kind != "update",
            DeliveryRow.sent_at <= row.intent_at,
        )
        .order_by(DeliveryRow.id.desc())
        .limit(1)
    )


def settle(
    session: Session,
    delivery: Delivery,
    state: str,
    now: datetime,
    error: str | None = None,
    receipt: Receipt | None = None,
) -> bool:
    """Write how it ended, unless somebody else holds the row by now. A root message's receipt goes to its case."""
    values: dict[str, Any] = {"state": state, "error": error}
    if receipt is not None:
        values |= {"receipt": receipt.id, "sent_at": now}
    if not leases.finish(session, DeliveryRow, delivery.lease, **values):
        return False
    if receipt is not None and delivery.kind == "alert" and delivery.transport == "slack":
        session.execute(
            update(CaseRow)
            .where(CaseRow.id == delivery.case_id)
            .values(slack_ts=receipt.id, slack_channel=receipt.place or delivery.target)
        )
    if receipt is not None and delivery.incident_id is not None and delivery.transport == "slack":
        _keep_place(session, delivery.incident_id, delivery, receipt, now)
    if receipt is not None and delivery.kind == "incident" and "spike" in delivery.payload:
        shown = {"slack_ts": receipt.id, "slack_channel": receipt.place or delivery.target}
        session.execute(update(SpikeRow).where(SpikeRow.id == delivery.payload["spike"]).values(**shown))
    return True


def _keep_place(session: Session, incident_id: int, delivery: Delivery, receipt: Receipt, now: datetime) -> None:
    """Where an incident's message is, or the cases that a message of its thread shows."""
    part, place = delivery.payload.get("part"), receipt.place or delivery.target
    incident = update(IncidentRow).where(IncidentRow.id == incident_id)
    if part == "root":
        session.execute(incident.values(slack_ts=receipt.id, slack_channel=place, shown_at=now))
    elif delivery.kind == "update" and "page" not in delivery.payload:
        session.execute(incident.values(shown_at=now))
    elif part == "cases":
        thread = select(IncidentRow.slack_ts).where(IncidentRow.id == incident_id).scalar_subquery()
        session.execute(
            update(CaseRow)
            .where(CaseRow.incident_id == incident_id, CaseRow.page == delivery.payload["page"])
            .values(slack_ts=receipt.id, slack_channel=place, slack_thread=thread)
            .execution_options(synchronize_session=False)
        )


def take_over(
    db: Database, transport: str, fallbacks: Iterable[tuple[str, str]], now: datetime, after: timedelta
) -> int:
    """Give what is urgent and has waited on `transport` for longer than `after` to each fallback `(transport, target)`
    as well, once. The original stays and goes out when it can, if it is still true by then."""
    late = select(DeliveryRow).where(
        text(still_open("deliveries")),
        DeliveryRow.transport == transport,
        DeliveryRow.kind.in_(URGENT),
        DeliveryRow.not_before < now - after,
    )
    with db.read() as session:
        wanted = [
            (_twin(row.key, other, target), row, other, target)
            for row in session.scalars(late)
            for other, target in fallbacks
        ]
        missing = {key for key, *_ in wanted} - set(
            session.scalars(select(DeliveryRow.key).where(DeliveryRow.key.in_([key for key, *_ in wanted])))
        )
    if not missing:
        return 0
    with db.write() as session:
        there = set(session.scalars(select(DeliveryRow.key).where(DeliveryRow.key.in_(missing))))
        for key, row, other, target in wanted:
            if key in missing - there:
                enqueue(
                    session,
                    row.kind,
                    other,
                    target,
                    now,
                    row.case_id,
                    dict(row.payload),
                    key=key,
                    incident_id=row.incident_id,
                )
    return len(missing - there)


def _twin(key: str, transport: str, target: str) -> str:
    return uuid.uuid5(uuid.UUID(hex=key), f"{transport} {target}").hex
