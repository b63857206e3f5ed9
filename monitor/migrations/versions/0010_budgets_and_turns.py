"""Count what sources spend, rest where a service asked for it, and know how busy each source is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0012"
branch_labels = None
depends_on = None

moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "budget_days",
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=30), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("spent", sa.Double(), nullable=False),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.Column("weighed_at", moment, nullable=False),
        sa.Column("since", moment, nullable=False),
        sa.Column("spread_told_at", moment, nullable=True),
        sa.Column("spent_told_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("owner", "name", "day", name="pk_budget_days"),
    )
    op.create_table(
        "rests",
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("until", moment, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_rests"),
    )
    op.add_column("sources", sa.Column("arrivals", sa.Double(), nullable=True))


def downgrade() -> None:
    op.drop_column("sources", "arrivals")
    op.drop_table("rests")
    op.drop_table("budget_days")
