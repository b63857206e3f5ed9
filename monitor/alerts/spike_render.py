"""From a row of the outbox that belongs to a spike to the message that is sent; see render.py."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from monitor.alerts import spike_blocks
from monitor.alerts.desk_places import of_spike
from monitor.alerts.outbox import Delivery, Message, message
from monitor.alerts.spike_picture import picture
from monitor.models import SpikeRow
from monitor.settings import Settings
from monitor.spikes.event import spike_of
from monitor.spikes.makeup import makeup


class SpikeRenderer:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self, session: Session, delivery: Delivery, now: datetime) -> Message | None:
        row = session.get(SpikeRow, int(delivery.payload["spike"]))
        if row is None:
            return None
        spike = spike_of(row)
        if delivery.payload["part"] == "over":
            lasts = spike.ended_at is not None and spike.ended_at - spike.until < self._settings.spikes.calm
            return message(delivery, spike_blocks.over(spike, lasts), thread=spike.slack_ts, target=spike.slack_channel)
        if delivery.kind == "update" and spike.slack_ts is None:
            return None
        made = makeup(session, spike, self._settings.clock.zone, now)
        text, shown = spike_blocks.root(
            spike, made, now, of_spike(self._settings.web.url, spike, self._settings.clock.zone)
        )
        drawn = picture(spike, made, self._settings.clock.zone, now) if delivery.transport == "slack" else ()
        if delivery.kind == "update":
            edit = message(delivery, text, shown, edits=spike.slack_ts, target=spike.slack_channel)
            return replace(edit, pictures=drawn)
        return replace(message(delivery, text, shown), pictures=drawn)
