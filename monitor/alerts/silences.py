"""Spans in which the team is not reached: alerts that somebody paused, quiet hours, and outages of a transport.

While a channel's alerts are paused they wait in the outbox and go out after, behind one message that tells what came
in. Clocks run on. A critical case is never held back, and no case is held any longer once its clock calls somebody: a
pause gives quiet, it does not break the promise. Quiet hours hold low cases in the same way until their window ends.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from monitor.alerts.outbox import enqueue, still_open
from monitor.errors import Refused
from monitor.models import DeliveryRow, SilenceRow

LONGEST = timedelta(hours=24)
PAUSE, AWAY, QUIET = "pause", "away", "quiet"
_NOTICED = timedelta(minutes=5)
_QUIET = uuid.UUID("2f0f8a52-6a0e-4c0e-9a2b-5d0e3a7c1b64")  # namespace of the keys of quiet hours' messages
_FIRST = timedelta(days=3650)  # before everything else that waits


@dataclass(frozen=True, slots=True)
class Silence:
    id: int
    kind: str
    target: str
    since: datetime
    until: datetime | None
    ended_at: datetime | None
    actor: str | None
    ended_by: str | None
    reason: str | None
    digest: str


def paused(session: Session, channel: str, now: datetime) -> Silence | None:
    """The pause of the channel's alerts that is on at `now`."""
    row = _last(session, PAUSE, channel)
    if row is None or row.ended_at is not None or row.until is None or row.until <= now:
        return None
    return _view(row)


def get(session: Session, silence_id: int) -> Silence | None:
    row = session.get(SilenceRow, silence_id)
    return _view(row) if row is not None else None


def pause(
    session: Session, transport: str, channel: str, lasts: timedelta, actor: str, reason: str, now: datetime
) -> Silence:
    """Hold the channel's alerts from now on for `lasts`. A pause that is on gets the new end and reason. Raises
    Refused."""
    if not timedelta(0) < lasts <= LONGEST:
        raise Refused("Alerts can be paused for up to 24 hours: customers wait meanwhile.")
    until = now + lasts
    current = paused(session, channel, now)
    if current is not None:
        _move(session, current, until, now)
        row = session.get_one(SilenceRow, current.id)
        row.until, row.actor, row.reason = until, actor[:100], reason or row.reason
    else:
        row = SilenceRow(
            kind=PAUSE,
            target=channel,
            since=now,
            until=until,
            actor=actor[:100],
            reason=reason,
            digest=uuid.uuid4().hex,
        )
        session.add(row)
        session.flush()
        enqueue(session, "digest", transport, channel, now, None, {"silence": row.id}, until, row.digest)
    _let_quiet_end(session, channel, until, now)
    enqueue(session, "note", transport, channel, now, payload={"silence": row.id})
    return _view(row)


def resume(session: Session, channel: str, actor: str, now: datetime) -> Silence:
    """End the pause: what was held goes out. Raises Refused where there is none."""
    current = paused(session, channel, now)
    if current is None:
        raise Refused("Alerts are not paused here.")
    row = session.get_one(SilenceRow, current.id)
    row.ended_at, row.ended_by = now, actor[:100]
    _move(session, current, now, now)
    _let_quiet_end(session, channel, now, now)
    return _view(row)


def hold(
    session: Session, transport: str, channel: str, severity: str, quiet_until: datetime | None, now: datetime
) -> Silence | None:
    """The silence that an alert put in now has to wait for: a pause, or the quiet hours that hold its severity back
    until `quiet_until`, whichever ends later."""
    known: dict[object, Silence | None] = session.info.setdefault("silences", {})  # a batch opens many cases at once
    if (channel, now) not in known:
        known[channel, now] = paused(session, channel, now)
    pause = None if severity == "critical" else known[channel, now]
    if quiet_until is None or (pause is not None and pause.until is not None and pause.until >= quiet_until):
        return pause
    if (channel, quiet_until) not in known:
        known[channel, quiet_until] = _quiet(session, transport, channel, quiet_until, now)
    return known[channel, quiet_until]


def hold_anew(session: Session, case_id: int, until: Silence | None, now: datetime) -> None:
    """The case is of a severity that quiet hours do not hold: let its alert wait for the pause `until`, or for
    nothing."""
    for row in _held_alerts(session, case_id, now):
        silence = session.get(SilenceRow, row.payload["silence"])
        if silence is not None and (silence.kind == QUIET or until is None):
            row.not_before = now
            if until is not None and until.until is not None:
                row.payload, row.not_before = {**row.payload, "silence": until.id}, until.until


def let_through(session: Session, case_id: int, now: datetime) -> None:
    """Hold the case's alert back no longer."""
    for row in _held_alerts(session, case_id, now):
        row.not_before = now


def held_until_after(session: Session, case_id: int, at: datetime) -> bool:
    """Whether a pause kept the case's alert back at `at`."""
    rows = session.execute(
        select(DeliveryRow.payload, DeliveryRow.sent_at).where(
            DeliveryRow.case_id == case_id, DeliveryRow.kind == "alert"
        )
    )
    return any("silence" in payload and sent_at is not None and sent_at > at for payload, sent_at in rows)


def held(session: Session, silence: Silence) -> list[int]:
    """The cases whose alerts still wait for the end of the pause."""
    rows = session.execute(
        select(DeliveryRow.case_id, DeliveryRow.payload)
        .where(text(still_open("deliveries")), DeliveryRow.kind == "alert", DeliveryRow.target == silence.target)
        .order_by(DeliveryRow.id)
    )
    return [case_id for case_id, payload in rows if case_id is not None and payload.get("silence") == silence.id]


def away(session: Session, transport: str, channel: str, since: datetime, now: datetime) -> bool:
    """Note that a transport has been away since `since`, unless that is known: its first message when it is back will
    tell what happened meanwhile. True if this was news."""
    known = _last(session, AWAY, transport)
    if known is not None and known.ended_at is None:
        waiting = select(DeliveryRow.id).where(
            DeliveryRow.key == known.digest, DeliveryRow.state.in_(("pending", "sending", "unknown"))
        )
        if session.scalar(waiting) is not None:
            return False
        known.ended_at = now  # its message was given up
    first = session.scalar(  # the message that was the first to fail had been waiting already
        select(func.min(DeliveryRow.created_at)).where(
            text(still_open("deliveries")),
            DeliveryRow.transport == transport,
            DeliveryRow.not_before <= since,
            DeliveryRow.created_at >= since - _NOTICED,
        )
    )
    since = min(since, first or since)
    row = SilenceRow(kind=AWAY, target=transport, since=since, digest=uuid.uuid4().hex)
    session.add(row)
    session.flush()
    enqueue(session, "digest", transport, channel, now, None, {"silence": row.id}, since - _FIRST, row.digest)
    return True


def back(session: Session, silence_id: int, now: datetime) -> None:
    """The message that tells of it has arrived."""
    session.execute(
        update(SilenceRow)
        .where(SilenceRow.id == silence_id, SilenceRow.kind == AWAY, SilenceRow.ended_at.is_(None))
        .values(ended_at=now)
    )


def missed(session: Session, transport: str, at: datetime) -> bool:
    """Whether what was put in at `at` fell into the latest outage of the transport, of which its summary has told."""
    known = _last(session, AWAY, transport)
    return known is not None and known.ended_at is not None and known.since <= at <= known.ended_at


def _last(session: Session, kind: str, target: str) -> SilenceRow | None:
    return session.scalar(
        select(SilenceRow)
        .where(SilenceRow.target == target, SilenceRow.kind == kind)
        .order_by(SilenceRow.id.desc())
        .limit(1)
    )


def _quiet(session: Session, transport: str, channel: str, until: datetime, now: datetime) -> Silence:
    """The quiet hours of the channel that end at `until`, with the one message for that moment."""
    key = uuid.uuid5(_QUIET, f"{transport} {channel} {until.isoformat()}").hex
    known = select(SilenceRow).where(SilenceRow.target == channel, SilenceRow.kind == QUIET, SilenceRow.digest == key)
    row = session.scalar(known)
    if row is None:
        row = SilenceRow(kind=QUIET, target=channel, since=now, until=until, digest=key)
        try:
            with session.begin_nested():
                session.add(row)
                session.flush()
                enqueue(session, "digest", transport, channel, now, None, {"silence": row.id}, until, key)
        except IntegrityError:  # another worker's case was the first of this night
            row = session.scalars(known).one()
    return _view(row)


def _let_quiet_end(session: Session, channel: str, paused_until: datetime, now: datetime) -> None:
    """What quiet hours hold comes when they end, but not within a pause."""
    row = _last(session, QUIET, channel)
    if row is not None and row.until is not None:
        _move(session, _view(row), max(row.until, paused_until), now)


def _held_alerts(session: Session, case_id: int, now: datetime) -> list[DeliveryRow]:
    rows = session.scalars(
        select(DeliveryRow).where(
            DeliveryRow.case_id == case_id,
            DeliveryRow.kind == "alert",
            DeliveryRow.state == "pending",
            DeliveryRow.not_before > now,
        )
    )
    return [row for row in rows if "silence" in row.payload]


def _move(session: Session, silence: Silence, to: datetime, now: datetime) -> None:
    """Let what still waits for the silence wait until `to`."""
    rows = session.scalars(
        select(DeliveryRow).where(
            text(still_open("deliveries")), DeliveryRow.target == silence.target, DeliveryRow.not_before > now
        )
    )
    for row in rows:
        if row.payload.get("silence") == silence.id and row.kind in ("alert", "digest") and row.state == "pending":
            row.not_before = to


def _view(row: SilenceRow) -> Silence:
    return Silence(**{name: getattr(row, name) for name in Silence.__dataclass_fields__})
