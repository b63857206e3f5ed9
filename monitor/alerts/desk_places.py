"""Addresses on the desk to which messages lead, where `[web] url` says how people open it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from monitor.spikes.event import Spike

AROUND = timedelta(days=1)  # before a spike, that its trend shows


def trends(desk: str | None, since: datetime, until: datetime, zone: ZoneInfo, **filters: str) -> str | None:
    """The trends of that time; `filters` as the page's address has them, empty ones left out."""
    if desk is None:
        return None
    first, last = (moment.astimezone(zone).date() for moment in (since, until - timedelta(seconds=1)))
    chosen = {"from": first.isoformat(), "to": last.isoformat()} | filters
    return f"{desk}/trends?{urlencode({name: value for name, value in chosen.items() if value})}"


def of_spike(desk: str | None, spike: Spike, zone: ZoneInfo) -> dict[str, str]:
    """Where a spike is seen, by what that is called."""
    about = {"brand": spike.brand, "source": spike.source, "topic": spike.topic, "sentiment": spike.sentiment}
    trend = trends(desk, spike.began_at - AROUND, spike.until, zone, grain="hour", **about)
    if trend is None:
        return {}
    span = {"since": f"{spike.began_at.astimezone(UTC):%Y-%m-%dT%H:%MZ}", "until": f"{spike.until:%Y-%m-%dT%H:%MZ}"}
    behind = urlencode({name: value for name, value in about.items() if value} | span)
    return {"See it in the trends": trend, "The mentions behind it": f"{desk}/trends/mentions?{behind}"}
