"""Count the last words on mentions without reading the mentions; find out that no case of a day has changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

integer = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CASES = "ix_cases_posted"
HOUR = {
    "sqlite": "(CAST(strftime('%s', m.posted_at) AS INTEGER) + 72000000000) / 3600 - 20000000",
    "postgresql": "CAST(floor(extract(epoch FROM m.posted_at) / 3600) AS BIGINT)",
}
BRANDS = {
    "sqlite": "json_each(m.brands) AS b",
    "postgresql": "LATERAL json_array_elements_text(m.brands) AS b (value)",
}
FILL = """
INSERT INTO last_words (brand, hour, mention_id, source, language, sentiment, topic, judged, said, word_id)
SELECT DISTINCT b.value, {hour}, m.id, m.source, v.language, v.sentiment, v.topic, v.complaint, k.complaint, k.id
FROM corrections k CROSS JOIN mentions m CROSS JOIN verdicts v CROSS JOIN {brands}
WHERE m.id = k.mention_id AND v.mention_id = m.id AND v.revision = m.revision AND NOT m.own AND m.removed_at IS NULL
    AND k.id = (SELECT c.id FROM corrections c WHERE c.mention_id = m.id ORDER BY c.at DESC, c.id DESC LIMIT 1)
"""


def upgrade() -> None:
    op.create_table(
        "last_words",
        sa.Column("brand", sa.String(length=100), nullable=False),
        sa.Column("hour", integer, nullable=False, autoincrement=False),
        sa.Column("mention_id", integer, nullable=False, autoincrement=False),
        *(sa.Column(name, sa.String(length=n), nullable=False) for name, n in (("source", 100), ("language", 10))),
        *(sa.Column(name, sa.String(length=n), nullable=False) for name, n in (("sentiment", 10), ("topic", 30))),
        *(sa.Column(name, sa.Boolean(), nullable=False) for name in ("judged", "said")),
        sa.Column("word_id", integer, nullable=False),
        sa.PrimaryKeyConstraint("brand", "hour", "mention_id", name="pk_last_words"),
        sqlite_with_rowid=False,
    )
    dialect = op.get_bind().dialect.name
    op.execute(FILL.format(hour=HOUR[dialect], brands=BRANDS[dialect]))
    op.create_index("ix_last_words_mention_id", "last_words", ["mention_id"])
    op.drop_index(CASES, "cases")
    op.create_index(CASES, "cases", ["posted_at", "version"])


def downgrade() -> None:
    op.drop_table("last_words")
    op.drop_index(CASES, "cases")
    op.create_index(CASES, "cases", ["posted_at"])
