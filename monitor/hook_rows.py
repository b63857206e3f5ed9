"""What is remembered of calls to `/hooks/NAME`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from monitor.rows import Base


class CallRow(Base):
    """A call that was stored, for as long as a copy of it would pass for genuine."""

    __tablename__ = "calls"
    source: Mapped[str] = mapped_column(String(100), primary_key=True)
    nonce: Mapped[str] = mapped_column(String(400), primary_key=True)
    until: Mapped[datetime]
    __table_args__ = (Index("ix_calls_until", "until"),)
