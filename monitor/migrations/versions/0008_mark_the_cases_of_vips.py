"""Mark the cases of VIPs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cases", sa.Column("vip", sa.String(length=20), nullable=True))


def downgrade() -> None:
    op.drop_column("cases", "vip")
