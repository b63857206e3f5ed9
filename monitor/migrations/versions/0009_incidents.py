"""Gather similar cases in incidents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

integer = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.DateTime(timezone=True)
gathered = sa.text("incident_id IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", integer, nullable=False),
        sa.Column("brand", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("topics", sa.JSON(), nullable=False),
        sa.Column("features", sa.LargeBinary(), nullable=True),
        sa.Column("began_at", moment, nullable=False),
        sa.Column("opened_at", moment, nullable=False),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("ended_by", sa.String(length=100), nullable=True),
        sa.Column("usual", sa.Double(), nullable=False),
        sa.Column("size", sa.Double(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answer_by", sa.String(length=100), nullable=True),
        sa.Column("shown_at", moment, nullable=True),
        sa.Column("slack_channel", sa.String(length=30), nullable=True),
        sa.Column("slack_ts", sa.String(length=30), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_incidents"),
    )
    op.create_index("ix_incidents_state", "incidents", ["state", "brand"])
    op.create_table(
        "features",
        sa.Column("case_id", integer, nullable=False),
        sa.Column("features", sa.LargeBinary(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_features_case_id"),
        sa.PrimaryKeyConstraint("case_id", name="pk_features"),
    )
    op.create_index("ix_features_at", "features", ["at"])
    op.add_column("cases", sa.Column("page", integer, nullable=True))
    op.add_column("cases", sa.Column("slack_thread", sa.String(length=30), nullable=True))
    op.create_index("ix_cases_brand_posted", "cases", ["brand", "posted_at"])
    # SQLite adds a constraint together with its column or not at all
    kind = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    for table in ("cases", "deliveries"):
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN incident_id {kind} "
            f"CONSTRAINT fk_{table}_incident_id REFERENCES incidents (id)"
        )
        op.create_index(
            f"ix_{table}_incident", table, ["incident_id"], sqlite_where=gathered, postgresql_where=gathered
        )


def downgrade() -> None:
    for table in ("cases", "deliveries"):
        op.drop_index(f"ix_{table}_incident", table)
        op.drop_column(table, "incident_id")
    op.drop_index("ix_cases_brand_posted", "cases")
    op.drop_column("cases", "slack_thread")
    op.drop_column("cases", "page")
    op.drop_table("features")
    op.drop_table("incidents")
