"""Who listens to which source."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0020"
branch_labels = None
depends_on = None

integer = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "streams",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("connected_at", moment, nullable=True),
        sa.Column("lease_owner", sa.String(length=100), nullable=True),
        sa.Column("lease_until", moment, nullable=True),
        sa.Column("attempt", integer, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_streams")),
    )


def downgrade() -> None:
    op.drop_table("streams")
