"""Count when cases come, and where, without reading the cases."""

from __future__ import annotations

from alembic import op

revision = "0033"
down_revision = "0030"
branch_labels = None
depends_on = None

CASES = "ix_cases_brand_posted"
COUNTED = ["brand", "posted_at", "source", "language", "incident_id"]


def upgrade() -> None:
    op.drop_index(CASES, "cases")
    op.create_index(CASES, "cases", COUNTED)


def downgrade() -> None:
    op.drop_index(CASES, "cases")
    op.create_index(CASES, "cases", ["brand", "posted_at"])
