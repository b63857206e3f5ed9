"""What is remembered of posts that replies answer and that are no mentions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from monitor.rows import Base


class ParentRow(Base):
    """A post that was asked for because of a reply to it, kept to judge the reply by; see monitor/parents.py."""

    __tablename__ = "parents"
    source: Mapped[str] = mapped_column(String(100), primary_key=True)
    external_id: Mapped[str] = mapped_column(String(400), primary_key=True)
    text: Mapped[str] = mapped_column(Text)  # empty where its source does not show it
    author: Mapped[str | None] = mapped_column(String(300))
    brands: Mapped[list[str]]
    read_at: Mapped[datetime]
    __table_args__ = (Index("ix_parents_read", "read_at"),)
