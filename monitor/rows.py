"""What every table's rows are made of."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Integer, MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from monitor.database import UTCDateTime

Id = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    # migrations can only change a constraint that has a name
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {datetime: UTCDateTime, dict[str, Any]: JSON, list[str]: JSON, int: Id}


class Leased:
    """A worker's dated claim on a row. `attempt` counts the claims and is the fencing token: a worker may finish a row
    only while the row still carries the attempt that the worker was given."""

    lease_owner: Mapped[str | None] = mapped_column(String(100))
    lease_until: Mapped[datetime | None]
    attempt: Mapped[int] = mapped_column(default=0, server_default="0")
