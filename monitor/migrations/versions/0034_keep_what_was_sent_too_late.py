"""Keep what was sent too late with the session that had grown old."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("unsent", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("sessions", "unsent")
