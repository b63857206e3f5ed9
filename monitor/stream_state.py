"""Which sources are being listened to, and by whom."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from monitor.rows import Base, Leased


class StreamState(Leased, Base):
    """Whoever holds the lease listens to the source; monitor/streams.py."""

    __tablename__ = "streams"
    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    connected_at: Mapped[datetime | None]  # empty while there is no connection


def connected_since(session: Session, now: datetime) -> dict[str, datetime]:
    """Since when each source that is being listened to has been. A listener that died counts until its lease ends."""
    alive = (StreamState.connected_at.is_not(None), StreamState.lease_until > now)
    rows = session.execute(select(StreamState.name, StreamState.connected_at).where(*alive))
    return {name: connected for name, connected in rows if connected is not None}
