"""Judge imported history after what is live."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0011"
branch_labels = None
depends_on = None

waiting = sa.text("judging = 'waiting'")


def upgrade() -> None:
    _index("backfill", "id")


def downgrade() -> None:
    _index("id")


def _index(*columns: str) -> None:
    op.drop_index("ix_mentions_waiting", "mentions")
    op.create_index("ix_mentions_waiting", "mentions", list(columns), sqlite_where=waiting, postgresql_where=waiting)
