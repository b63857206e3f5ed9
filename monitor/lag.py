"""How far behind each stage is, from what lies in the database: no stage can claim to work when it does not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import case, func, select, text
from sqlalchemy.orm import Session

from monitor.models import DeliveryRow, MentionRow, SourceState
from monitor.settings import Settings

# literal, so that SQLite takes the partial indexes
UNJUDGED = text("mentions.judging = 'waiting'")
PARKED = text("mentions.judging = 'parked'")
UNSENT = text("deliveries.state IN ('pending', 'sending', 'unknown')")


def last_read(session: Session, sources: Sequence[str]) -> datetime | None:
    """When any of `sources` was last read with success."""
    return session.scalar(select(func.max(SourceState.last_success_at)).where(SourceState.name.in_(sources)))


def silence_allowed(settings: Settings) -> timedelta:
    """For how long it is no wonder that no source was read."""
    shortest = min((source.every for source in settings.sources), default=timedelta())
    return max(settings.ops.silent_after, 2 * shortest)


def unjudged_since(session: Session) -> datetime | None:
    """When the mention that has waited for longest to be judged was seen. Imported history has time."""
    live = MentionRow.backfill.is_(False)
    return session.scalar(select(MentionRow.seen_at).where(UNJUDGED, live).order_by(MentionRow.id).limit(1))


def unsent_since(session: Session, now: datetime) -> datetime | None:
    """Since when the message that has waited for longest should have gone out."""
    d = DeliveryRow
    since = case(
        (d.not_before < d.created_at, d.created_at), else_=d.not_before
    )  # what goes before others is back-dated
    found: datetime | None = session.scalar(select(func.min(since)).where(UNSENT, d.not_before <= now))
    return found


def unsent_error(session: Session) -> str | None:
    """Why the first of the messages that wait could not be sent, where that was tried."""
    failed = select(DeliveryRow.error).where(UNSENT, DeliveryRow.error.is_not(None))
    return session.scalar(failed.order_by(DeliveryRow.not_before, DeliveryRow.id).limit(1))
