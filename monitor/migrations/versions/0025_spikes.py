"""Keep spikes: peaks and hushes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0029"
branch_labels = None
depends_on = None

integer = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.DateTime(timezone=True)
is_open = sa.text("state = 'open'")


def upgrade() -> None:
    op.create_table(
        "spikes",
        sa.Column("id", integer, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("brand", sa.String(length=100), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("sentiment", sa.String(length=10), nullable=False),
        sa.Column("topic", sa.String(length=30), nullable=False),
        sa.Column("began_at", moment, nullable=False),
        sa.Column("until", moment, nullable=False),
        sa.Column("opened_at", moment, nullable=False),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("count", integer, nullable=False),
        sa.Column("usual", sa.Double(), nullable=False),
        sa.Column("most", integer, nullable=False),
        sa.Column("chance", sa.Double(), nullable=False),
        sa.Column("ground", sa.String(length=60), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("quoted", sa.JSON(), nullable=False),
        sa.Column("slack_channel", sa.String(length=30), nullable=True),
        sa.Column("slack_ts", sa.String(length=30), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_spikes"),
    )
    op.create_index(
        "ux_spikes_open",
        "spikes",
        ["kind", "brand", "source", "sentiment"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_index("ix_spikes_began", "spikes", ["began_at"])


def downgrade() -> None:
    op.drop_table("spikes")
