"""Find the mentions that were set aside without looking at all of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0026"
branch_labels = None
depends_on = None

parked = sa.text("judging = 'parked'")


def upgrade() -> None:
    op.create_index("ix_mentions_parked", "mentions", ["id"], sqlite_where=parked, postgresql_where=parked)


def downgrade() -> None:
    op.drop_index("ix_mentions_parked", "mentions")
