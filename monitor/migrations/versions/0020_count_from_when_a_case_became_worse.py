"""Count from when a case became worse."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cases", sa.Column("head_start", sa.Double(), server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("cases", "head_start")
