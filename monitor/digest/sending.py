"""The job that puts digests into the outbox, each once for its slot and place, whatever the number of processes."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from monitor.alerts.apprise_transport import label
from monitor.alerts.outbox import enqueue
from monitor.database import Database
from monitor.digest.figures import Request
from monitor.digest.slots import when
from monitor.digest_settings import DigestSettings
from monitor.models import DeliveryRow
from monitor.settings import Settings

LATE = timedelta(hours=3)  # a slot that was missed for longer than this is left out
_NAMESPACE = uuid.UUID("6b3c1f0e-6c0a-4d8e-9a39-6f0d6f3f7b51")


@dataclass(frozen=True, slots=True)
class Sending:
    """One digest to one place."""

    key: str
    transport: str
    target: str
    request: Request


def due(settings: Settings, transport: str, now: datetime) -> list[Sending]:
    """What should have gone out by now, of late. `transport` is that of alerts, slack or console."""
    found = []
    for each in settings.digests:
        slots, zone = when(each.when), zone_of(each, settings)
        slot = slots.last(now, zone)
        if now - slot <= LATE:
            request = Request(each.audience, brands_of(each, settings), slots.before(slot, zone), slot, zone)
            found += [_sending(each, request, *place) for place in places(each, transport)]
    return found


def places(each: DigestSettings, transport: str) -> Iterator[tuple[str, str]]:
    """Where it goes: transports and targets."""
    if each.channel:
        yield (transport, each.channel if transport == "slack" else "-")
    yield from (("mail", address) for address in each.email)
    yield from (("apprise", label(url)) for url in each.apprise)


def zone_of(each: DigestSettings, settings: Settings) -> ZoneInfo:
    return ZoneInfo(each.timezone) if each.timezone else settings.clock.zone


def brands_of(each: DigestSettings | None, settings: Settings) -> tuple[str, ...]:
    """The brands of a digest, in the order of the settings."""
    wanted = set(each.brands) if each is not None and each.brands else None
    return tuple(b.name for b in settings.brands if (not b.competitor if wanted is None else b.name in wanted))


def _sending(each: DigestSettings, request: Request, transport: str, target: str) -> Sending:
    parts = (
        request.audience,
        *request.brands,
        each.when,
        request.zone.key,
        transport,
        target,
        request.until.isoformat(),
    )
    return Sending(uuid.uuid5(_NAMESPACE, "\n".join(parts)).hex, transport, target, request)


class Digests:
    def __init__(self, db: Database, settings: Settings, transport: str) -> None:
        self._db, self._settings, self._transport = db, settings, transport

    def tick(self, now: datetime) -> int:
        """Put in what is due and is not there yet; how many."""
        wanted = {each.key: each for each in due(self._settings, self._transport, now)}
        if not wanted:
            return 0
        with self._db.read() as session:
            there = set(session.scalars(select(DeliveryRow.key).where(DeliveryRow.key.in_(wanted))))
        missing = [each for key, each in wanted.items() if key not in there]
        if not missing:
            return 0
        with self._db.write() as session:
            return sum(_put(session, each, now) for each in missing)


def _put(session: Session, each: Sending, now: datetime) -> bool:
    """False where another replica was first."""
    if session.scalar(select(DeliveryRow.id).where(DeliveryRow.key == each.key)) is not None:
        return False
    try:
        with session.begin_nested():
            enqueue(session, "digest", each.transport, each.target, now, payload=payload(each.request), key=each.key)
    except IntegrityError:
        return False
    return True


def payload(request: Request) -> dict[str, Any]:
    told = {"audience": request.audience, "brands": list(request.brands), "zone": request.zone.key}
    return {"digest": told | {"since": request.since.isoformat(), "until": request.until.isoformat()}}


def request_of(payload: dict[str, Any]) -> Request:
    told = payload["digest"]
    since, until = (datetime.fromisoformat(told[name]) for name in ("since", "until"))
    return Request(told["audience"], tuple(told["brands"]), since, until, ZoneInfo(told["zone"]))
