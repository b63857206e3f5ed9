"""The tables of the search, part of monitor/models.py. The index itself, `mention_words`, is another thing on each
database, and made by a migration: monitor/word_index.py."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from monitor.rows import Base


class UnindexedRow(Base):
    """One row while there are mentions that cannot be found yet: those up to `below`."""

    __tablename__ = "unindexed"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    below: Mapped[int]
