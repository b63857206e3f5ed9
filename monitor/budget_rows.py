"""The tables of what polls may use up, part of monitor/models.py."""

from __future__ import annotations

import datetime

from sqlalchemy import Date, String
from sqlalchemy.orm import Mapped, mapped_column

from monitor.rows import Base


class BudgetDayRow(Base):
    """What was spent of a budget on one day of the service."""

    __tablename__ = "budget_days"
    owner: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(30), primary_key=True)
    day: Mapped[datetime.date] = mapped_column(Date, primary_key=True)
    spent: Mapped[float] = mapped_column(default=0.0)
    weight: Mapped[float] = mapped_column(default=0.0)  # what was spent of late, faded by age; as of `weighed_at`
    weighed_at: Mapped[datetime.datetime]
    since: Mapped[datetime.datetime]  # when it was first counted, some day
    spread_told_at: Mapped[datetime.datetime | None]  # when the ops channel heard that polls are spread out
    spent_told_at: Mapped[datetime.datetime | None]  # when it heard that nothing is left


class RestRow(Base):
    """Until when a service asked to be left alone by everybody who shares `key`: a credential, or a host."""

    __tablename__ = "rests"
    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    until: Mapped[datetime.datetime]
