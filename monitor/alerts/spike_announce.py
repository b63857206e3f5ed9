"""Which messages a spike makes: one in the channel, which changes as the spike grows, and a word when it is over."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.alerts.outbox import enqueue
from monitor.models import DeliveryRow
from monitor.settings import Settings
from monitor.spikes.watch import Happened


class SpikeAnnouncer:
    """A listener of `Spikes`."""

    def __init__(self, settings: Settings, transport: str, channel: str) -> None:
        self._transport = transport
        self._channel = channel
        if transport == "slack":
            self._channel = settings.spikes.channel or settings.slack.ops_channel or channel

    def __call__(self, session: Session, happened: Happened) -> None:
        spike, at = happened.spike, happened.at
        assert spike.id is not None
        if happened.event == "opened":
            self._put(session, "incident", spike.id, "root", self._channel, at)
            return
        if self._transport == "slack" and not _waits(session, spike.id):
            self._put(session, "update", spike.id, "root", spike.slack_channel or self._channel, at)
        if happened.event == "ended":
            self._put(session, "note", spike.id, "over", spike.slack_channel or self._channel, at)

    def _put(self, session: Session, kind: str, spike_id: int, part: str, target: str, at: datetime) -> None:
        enqueue(session, kind, self._transport, target, at, payload={"spike": spike_id, "part": part})


def _waits(session: Session, spike_id: int) -> bool:
    """Whether a message that nobody has tried to send yet will show how it stands."""
    d = DeliveryRow
    waiting = select(d.payload).where(
        d.kind.in_(("incident", "update")), d.case_id.is_(None), d.state == "pending", d.intent_at.is_(None)
    )
    return any(payload.get("spike") == spike_id for payload in session.scalars(waiting))
