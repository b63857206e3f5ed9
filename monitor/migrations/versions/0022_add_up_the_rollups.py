"""Add up the hourly counts by the hour and by the day, and find cases by when they were posted.

The tables are empty: a job fills them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0024"
branch_labels = None
depends_on = None

MOODS = [
    f"{sentiment}{complaint}" for sentiment in ("negative", "neutral", "positive") for complaint in ("", "_complaint")
]
KEY = ("grain", "apart", "bucket", "brand", "source", "language", "topic")


def upgrade() -> None:
    op.create_table(
        "tallies",
        sa.Column("grain", sa.String(length=4), nullable=False),
        sa.Column("apart", sa.String(length=4), nullable=False),
        sa.Column("bucket", sa.Integer(), nullable=False, autoincrement=False),
        *(
            sa.Column(name, sa.String(length=length), nullable=False)
            for name, length in (("brand", 100), ("source", 100), ("language", 10), ("topic", 30))
        ),
        *(
            sa.Column(f"{measure}_{mood}", sa.BigInteger() if measure == "stars" else sa.Integer(), nullable=False)
            for measure in ("mentions", "rated", "stars")
            for mood in MOODS
        ),
        sa.PrimaryKeyConstraint(*KEY, name="pk_tallies"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tallied",
        sa.Column("grain", sa.String(length=4), nullable=False),
        sa.Column("bucket", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("zone", sa.String(length=50), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("first_hour", "end_hour")),
        sa.PrimaryKeyConstraint("grain", "bucket", name="pk_tallied"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_cases_posted", "cases", ["posted_at"])


def downgrade() -> None:
    op.drop_index("ix_cases_posted", "cases")
    op.drop_table("tallied")
    op.drop_table("tallies")
