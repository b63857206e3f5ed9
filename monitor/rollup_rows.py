"""How many mentions there were, by the hour."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from monitor.rows import Base


class RollupRow(Base):
    """The mentions of one brand that were posted in one hour and are alike in all that trends ask for. What counts, and
    who keeps it right: monitor/rollups.py. The order of the key is that in which it is read: a brand, a span."""

    __tablename__ = "rollups"
    brand: Mapped[str] = mapped_column(String(100), primary_key=True)
    hour: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # since 1970-01-01T00Z
    source: Mapped[str] = mapped_column(String(100), primary_key=True)
    language: Mapped[str] = mapped_column(String(10), primary_key=True)
    sentiment: Mapped[str] = mapped_column(String(10), primary_key=True)
    topic: Mapped[str] = mapped_column(String(30), primary_key=True)
    complaint: Mapped[bool] = mapped_column(primary_key=True)
    mentions: Mapped[int]
    rated: Mapped[int]  # how many of them came with stars
    stars: Mapped[int]  # of these, together, in hundredths, so that taking away leaves no remainder
    __table_args__ = ({"sqlite_with_rowid": False},)
