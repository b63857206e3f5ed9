"""Make the views for BI tools. They are made anew after every migration, so nothing is left to do here."""

from __future__ import annotations

revision = "0029"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """monitor/bi.py has the views; monitor/migrations/env.py makes them."""


def downgrade() -> None:
    """They are dropped before any migration."""
