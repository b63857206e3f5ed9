"""Remember calls to hooks, so that a copied one does nothing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calls",
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("nonce", sa.String(length=400), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source", "nonce", name="pk_calls"),
    )
    op.create_index("ix_calls_until", "calls", ["until"])


def downgrade() -> None:
    op.drop_table("calls")
