"""Remember pictures and engagement, copies of a post, and when its source last said how it stands."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0010"
branch_labels = None
depends_on = None

integer = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
COUNTED = ("likes", "shares", "answers", "views")
INDEXES = {
    "ix_mentions_looked": ["source", "looked_at"],
    "ix_mentions_repost": ["source", "repost_of"],
    "ix_mentions_copy": ["copy_of"],
    "ix_mentions_words": ["words"],
}


def upgrade() -> None:
    op.add_column("mentions", sa.Column("media", sa.JSON(), nullable=True))
    for name in COUNTED:
        op.add_column("mentions", sa.Column(name, integer, nullable=True))
    op.add_column("mentions", sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("mentions", sa.Column("repost_of", sa.String(length=400), nullable=True))
    # SQLite adds a constraint together with its column or not at all
    kind = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    op.execute(
        f"ALTER TABLE mentions ADD COLUMN copy_of {kind} CONSTRAINT fk_mentions_copy_of REFERENCES mentions (id)"
    )
    op.add_column("mentions", sa.Column("words", sa.String(length=32), nullable=True))
    op.execute("UPDATE mentions SET looked_at = seen_at WHERE removed_at IS NULL AND judging <> 'purged'")
    for name, columns in INDEXES.items():
        present = sa.text(f"{columns[-1]} IS NOT NULL")
        op.create_index(name, "mentions", columns, sqlite_where=present, postgresql_where=present)


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, "mentions")
    for name in ("words", "copy_of", "repost_of", "looked_at", *reversed(COUNTED), "media"):
        op.drop_column("mentions", name)
