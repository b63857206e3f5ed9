"""The tables of incidents, part of monitor/models.py."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from monitor.rows import Base


class IncidentRow(Base):
    """Many similar complaints about one brand within a short time: a storm, from its recognition to its end."""

    __tablename__ = "incidents"
    id: Mapped[int] = mapped_column(primary_key=True)
    brand: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(10))  # open, ended
    topics: Mapped[list[str]]  # cases of these belong to it, whatever their words
    features: Mapped[bytes | None] = mapped_column(LargeBinary)  # and cases like these, whatever their topic
    began_at: Mapped[datetime]  # when its first complaint was posted
    opened_at: Mapped[datetime]  # when it was recognised
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(100))
    usual: Mapped[float]  # complaints an hour, had there been no storm
    size: Mapped[float]  # of the negative binomial; see monitor/usual.py
    answer: Mapped[str | None] = mapped_column(Text)  # what a reply to any of its cases begins as
    answer_by: Mapped[str | None] = mapped_column(String(100))
    shown_at: Mapped[datetime | None]  # when its message last changed
    slack_channel: Mapped[str | None] = mapped_column(String(30))
    slack_ts: Mapped[str | None] = mapped_column(String(30))
    __table_args__ = (Index("ix_incidents_state", "state", "brand"),)


class FeaturesRow(Base):
    """What the model saw in the first complaint of a case, kept for as long as its words."""

    __tablename__ = "features"
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    features: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(index=True)
