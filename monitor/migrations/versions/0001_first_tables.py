"""First tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

integer = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "cases",
        sa.Column("id", integer, nullable=False),
        sa.Column("mention_id", integer, nullable=False),
        sa.Column("brand", sa.String(length=100), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("author", sa.String(length=300), nullable=True),
        sa.Column("conversation", sa.String(length=400), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("owner", sa.String(length=100), nullable=True),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("topic", sa.String(length=30), nullable=False),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("opened_at", moment, nullable=False),
        sa.Column("posted_at", moment, nullable=False),
        sa.Column("resolved_at", moment, nullable=True),
        sa.Column("policy", sa.String(length=100), nullable=False),
        sa.Column("clock", sa.String(length=10), nullable=False),
        sa.Column("clock_kind", sa.String(length=10), nullable=False),
        sa.Column("starts_at", moment, nullable=True),
        sa.Column("due_at", moment, nullable=True),
        sa.Column("seconds_left", sa.Double(), nullable=True),
        sa.Column("paused_at", moment, nullable=True),
        sa.Column("paused_calendar", sa.Double(), nullable=False),
        sa.Column("paused_business", sa.Double(), nullable=False),
        sa.Column("step", integer, nullable=False),
        sa.Column("next_step_at", moment, nullable=True),
        sa.Column("snoozed_until", moment, nullable=True),
        sa.Column("first_response_at", moment, nullable=True),
        sa.Column("met", sa.Boolean(), nullable=True),
        sa.Column("breached_at", moment, nullable=True),
        sa.Column("calendar_seconds", sa.Double(), nullable=True),
        sa.Column("business_seconds", sa.Double(), nullable=True),
        sa.Column("taken_at", moment, nullable=True),
        sa.Column("version", integer, nullable=False),
        sa.Column("slack_channel", sa.String(length=30), nullable=True),
        sa.Column("slack_ts", sa.String(length=30), nullable=True),
        sa.ForeignKeyConstraint(["mention_id"], ["mentions.id"], name="fk_cases_mention_id", use_alter=True),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
    )
    op.create_index("ix_cases_author", "cases", ["source", "author", "opened_at"], unique=False)
    op.create_index(
        "ix_cases_next_step",
        "cases",
        ["next_step_at"],
        unique=False,
        sqlite_where=sa.text("next_step_at IS NOT NULL"),
        postgresql_where=sa.text("next_step_at IS NOT NULL"),
    )
    op.create_index("ix_cases_state_due", "cases", ["state", "due_at"], unique=False)
    op.create_table(
        "rejects",
        sa.Column("id", integer, nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("external_id", sa.String(length=400), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rejects"),
        sa.UniqueConstraint("source", "external_id", name="uq_rejects_source_external_id"),
    )
    op.create_index("ix_rejects_source", "rejects", ["source"], unique=False)
    op.create_table(
        "slots",
        sa.Column("job", sa.String(length=100), nullable=False),
        sa.Column("slot", moment, nullable=False),
        sa.Column("taken_by", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("job", "slot", name="pk_slots"),
    )
    op.create_table(
        "sources",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("cursor", sa.JSON(), nullable=True),
        sa.Column("next_poll_at", moment, nullable=True),
        sa.Column("last_success_at", moment, nullable=True),
        sa.Column("newest_posted_at", moment, nullable=True),
        sa.Column("failures", integer, server_default="0", nullable=False),
        sa.Column("failing_since", moment, nullable=True),
        sa.Column("reported_at", moment, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("stopped_for", sa.String(length=64), nullable=True),
        sa.Column("lease_owner", sa.String(length=100), nullable=True),
        sa.Column("lease_until", moment, nullable=True),
        sa.Column("attempt", integer, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_sources"),
    )
    op.create_index("ix_sources_next_poll_at", "sources", ["next_poll_at"], unique=False)
    op.create_table(
        "case_events",
        sa.Column("id", integer, nullable=False),
        sa.Column("case_id", integer, nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("origin", sa.String(length=30), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_case_events_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_case_events"),
        sa.UniqueConstraint("case_id", "key", name="uq_case_events_case_id_key"),
    )
    op.create_index("ix_case_events_case_id", "case_events", ["case_id"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("id", integer, nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("case_id", integer, nullable=True),
        sa.Column("transport", sa.String(length=200), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("not_before", moment, nullable=False),
        sa.Column("intent_at", moment, nullable=True),
        sa.Column("sent_at", moment, nullable=True),
        sa.Column("receipt", sa.String(length=100), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("lease_owner", sa.String(length=100), nullable=True),
        sa.Column("lease_until", moment, nullable=True),
        sa.Column("attempt", integer, server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_deliveries_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.UniqueConstraint("key", name="uq_deliveries_key"),
    )
    op.create_index("ix_deliveries_case", "deliveries", ["case_id"], unique=False)
    op.create_index(
        "ix_deliveries_open",
        "deliveries",
        ["not_before", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('pending', 'sending', 'unknown')"),
        postgresql_where=sa.text("state IN ('pending', 'sending', 'unknown')"),
    )
    op.create_table(
        "mentions",
        sa.Column("id", integer, nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("external_id", sa.String(length=400), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("rating", sa.Double(), nullable=True),
        sa.Column("author", sa.String(length=300), nullable=True),
        sa.Column("author_name", sa.Text(), nullable=True),
        sa.Column("author_url", sa.Text(), nullable=True),
        sa.Column("author_followers", integer, nullable=True),
        sa.Column("conversation", sa.String(length=400), nullable=True),
        sa.Column("parent", sa.String(length=400), nullable=True),
        sa.Column("own", sa.Boolean(), nullable=False),
        sa.Column("backfill", sa.Boolean(), nullable=False),
        sa.Column("brands", sa.JSON(), nullable=False),
        sa.Column("posted_at", moment, nullable=False),
        sa.Column("seen_at", moment, nullable=False),
        sa.Column("removed_at", moment, nullable=True),
        sa.Column("revision", integer, nullable=False),
        sa.Column("judging", sa.String(length=10), nullable=False),
        sa.Column("judge_error", sa.Text(), nullable=True),
        sa.Column("case_id", integer, nullable=True),
        sa.Column("lease_owner", sa.String(length=100), nullable=True),
        sa.Column("lease_until", moment, nullable=True),
        sa.Column("attempt", integer, server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_mentions_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_mentions"),
        sa.UniqueConstraint("source", "external_id", name="uq_mentions_source_external_id"),
    )
    op.create_index("ix_mentions_author", "mentions", ["source", "author", "posted_at"], unique=False)
    op.create_index("ix_mentions_case", "mentions", ["case_id"], unique=False)
    op.create_index("ix_mentions_conversation", "mentions", ["source", "conversation"], unique=False)
    op.create_index("ix_mentions_posted", "mentions", ["posted_at"], unique=False)
    op.create_index(
        "ix_mentions_waiting",
        "mentions",
        ["id"],
        unique=False,
        sqlite_where=sa.text("judging = 'waiting'"),
        postgresql_where=sa.text("judging = 'waiting'"),
    )
    op.create_table(
        "corrections",
        sa.Column("id", integer, nullable=False),
        sa.Column("mention_id", integer, nullable=False),
        sa.Column("complaint", sa.Boolean(), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.ForeignKeyConstraint(["mention_id"], ["mentions.id"], name="fk_corrections_mention_id"),
        sa.PrimaryKeyConstraint("id", name="pk_corrections"),
    )
    op.create_index("ix_corrections_mention_id", "corrections", ["mention_id"], unique=False)
    op.create_table(
        "revisions",
        sa.Column("id", integer, nullable=False),
        sa.Column("mention_id", integer, nullable=False),
        sa.Column("revision", integer, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("rating", sa.Double(), nullable=True),
        sa.Column("replaced_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["mention_id"], ["mentions.id"], name="fk_revisions_mention_id"),
        sa.PrimaryKeyConstraint("id", name="pk_revisions"),
    )
    op.create_index("ix_revisions_mention_id", "revisions", ["mention_id"], unique=False)
    op.create_table(
        "verdicts",
        sa.Column("id", integer, nullable=False),
        sa.Column("mention_id", integer, nullable=False),
        sa.Column("revision", integer, nullable=False),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("language_score", sa.Double(), nullable=False),
        sa.Column("sentiment", sa.String(length=10), nullable=False),
        sa.Column("negative", sa.Double(), nullable=False),
        sa.Column("neutral", sa.Double(), nullable=False),
        sa.Column("positive", sa.Double(), nullable=False),
        sa.Column("complaint", sa.Boolean(), nullable=False),
        sa.Column("complaint_score", sa.Double(), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("severity_score", sa.Double(), nullable=False),
        sa.Column("topic", sa.String(length=30), nullable=False),
        sa.Column("topic_score", sa.Double(), nullable=False),
        sa.Column("model", sa.String(length=100), nullable=False),
        sa.Column("judged_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["mention_id"], ["mentions.id"], name="fk_verdicts_mention_id"),
        sa.PrimaryKeyConstraint("id", name="pk_verdicts"),
        sa.UniqueConstraint("mention_id", "revision", name="uq_verdicts_mention_id_revision"),
    )
    # cases and mentions name each other: SQLite took this constraint above, PostgreSQL needs both tables first
    if op.get_bind().dialect.name != "sqlite":
        op.create_foreign_key("fk_cases_mention_id", "cases", "mentions", ["mention_id"], ["id"])


def downgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint("fk_cases_mention_id", "cases")
    op.drop_table("verdicts")
    op.drop_table("revisions")
    op.drop_table("corrections")
    op.drop_table("mentions")
    op.drop_table("deliveries")
    op.drop_table("case_events")
    op.drop_table("sources")
    op.drop_table("slots")
    op.drop_table("rejects")
    op.drop_table("cases")
