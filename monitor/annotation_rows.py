"""The table of annotations, part of monitor/models.py."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from monitor.rows import Base


class AnnotationRow(Base):
    """What happened, so that whoever reads a trend knows: "campaign started"."""

    __tablename__ = "annotations"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    until: Mapped[datetime | None]  # None: at that moment
    text: Mapped[str] = mapped_column(Text)
    brand: Mapped[str | None] = mapped_column(String(100))  # None: all
    who: Mapped[str] = mapped_column(String(100))
    noted_at: Mapped[datetime]
    __table_args__ = (Index("ix_annotations_at", "at"),)
