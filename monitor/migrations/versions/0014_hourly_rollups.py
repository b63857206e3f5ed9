"""Count mentions by the hour, those that are stored already too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0021"
branch_labels = None
depends_on = None

integer = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = ("brand", "hour", "source", "language", "sentiment", "topic", "complaint")
HOUR = {
    "sqlite": "(CAST(strftime('%s', m.posted_at) AS INTEGER) + 72000000000) / 3600 - 20000000",
    "postgresql": "CAST(floor(extract(epoch FROM m.posted_at) / 3600) AS BIGINT)",
}
BRANDS = {
    "sqlite": "json_each(m.brands) AS b",
    "postgresql": "LATERAL json_array_elements_text(m.brands) AS b (value)",
}
FILL = """
INSERT INTO rollups (brand, hour, source, language, sentiment, topic, complaint, mentions, rated, stars)
SELECT b.value, {hour}, m.source, v.language, v.sentiment, v.topic,
    coalesce((SELECT c.complaint FROM corrections c WHERE c.mention_id = m.id ORDER BY c.at DESC, c.id DESC LIMIT 1),
             v.complaint),
    count(*), count({stars}), coalesce(sum({stars}), 0)
FROM mentions m JOIN verdicts v ON v.mention_id = m.id AND v.revision = m.revision CROSS JOIN {brands}
WHERE NOT m.own AND m.removed_at IS NULL
GROUP BY 1, 2, 3, 4, 5, 6, 7
"""
STARS = "CASE WHEN m.rating BETWEEN 1 AND 5 THEN CAST(round(m.rating * 100) AS BIGINT) END"


def upgrade() -> None:
    op.create_table(
        "rollups",
        sa.Column("brand", sa.String(length=100), nullable=False),
        sa.Column("hour", integer, nullable=False, autoincrement=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("sentiment", sa.String(length=10), nullable=False),
        sa.Column("topic", sa.String(length=30), nullable=False),
        sa.Column("complaint", sa.Boolean(), nullable=False),
        *(sa.Column(name, integer, nullable=False) for name in ("mentions", "rated", "stars")),
        sa.PrimaryKeyConstraint(*KEY, name="pk_rollups"),
        sqlite_with_rowid=False,
    )
    dialect = op.get_bind().dialect.name
    op.execute(FILL.format(hour=HOUR[dialect], brands=BRANDS[dialect], stars=STARS))


def downgrade() -> None:
    op.drop_table("rollups")
