"""The table of spikes, part of monitor/models.py."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, Index, String
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from monitor.rows import Base

_OPEN = sql("state = 'open'")


class SpikeRow(Base):
    """One event: a peak or a hush, from its recognition to its end. An empty `brand`, `source`, `sentiment` or `topic`
    is all of them. See monitor/spikes/."""

    __tablename__ = "spikes"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))  # peak, hush
    state: Mapped[str] = mapped_column(String(10))  # open, ended
    brand: Mapped[str] = mapped_column(String(100))
    source: Mapped[str] = mapped_column(String(100))
    sentiment: Mapped[str] = mapped_column(String(10))
    topic: Mapped[str] = mapped_column(String(30))
    began_at: Mapped[datetime]  # the first unusual hour
    until: Mapped[datetime]  # the end of the last
    opened_at: Mapped[datetime]  # when it was recognised
    ended_at: Mapped[datetime | None]
    count: Mapped[int]  # from `began_at` to `until`
    usual: Mapped[float]  # what was to be expected of that time
    most: Mapped[int]  # the greatest count that is no surprise, of the hour that was one most
    chance: Mapped[float]  # of the greatest surprise, that luck alone brings it in one hour
    ground: Mapped[str] = mapped_column(String(60))  # what the expectation rests on
    terms: Mapped[list[str]]  # what is said more often than before
    quoted: Mapped[list[int]] = mapped_column(JSON)  # ids of the mentions whose words are shown
    slack_channel: Mapped[str | None] = mapped_column(String(30))
    slack_ts: Mapped[str | None] = mapped_column(String(30))
    __table_args__ = (
        # two replicas never open one event twice
        Index(
            "ux_spikes_open",
            "kind",
            "brand",
            "source",
            "sentiment",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
        Index("ix_spikes_began", "began_at"),
    )
