"""Find mentions by their words.

The index is empty: a job reads in the mentions that are there already, the newest first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unindexed",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("below", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_unindexed"),
    )
    op.execute("INSERT INTO unindexed (id, below) SELECT 1, max(id) FROM mentions HAVING max(id) IS NOT NULL")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE TABLE mention_words (id BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)")
        op.execute("CREATE INDEX ix_mention_words ON mention_words USING gin (words)")
    else:
        # the words come without anything but letters, digits, marks and spaces: all beyond ASCII belongs to a word
        op.execute("CREATE VIRTUAL TABLE mention_words USING fts5 (words, tokenize = 'ascii', columnsize = 0)")


def downgrade() -> None:
    op.drop_table("mention_words")
    op.drop_table("unindexed")
