"""Alembic's entry: migrates over the connection that monitor/schema.py hands in."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from monitor import bi
from monitor.database import UTCDateTime
from monitor.models import Base


def render(kind: str, column_type: Any, _context: Any) -> str | Literal[False]:
    """A migration must not change when the code's own column types do, so it names only SQLAlchemy's."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(column_type, UTCDateTime) else False


connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_item=render)
rights = bi.take_down(connection)
context.run_migrations()
if context.get_context().get_current_revision() == context.get_head_revision():
    bi.put_up(connection, rights)
