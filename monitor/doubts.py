"""Verdicts that could as well have been the other: near the threshold, and nobody has said a word on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from monitor.models import CorrectionRow, MentionRow, VerdictRow
from monitor.trend_counts import Filter
from monitor.trend_mentions import about

LOOKED = 20_000  # of the newest verdicts, those among which doubtful ones are looked for
WIDTH = 0.25  # how far from the threshold a probability may be to be called doubtful
_SHOWN = 2_000  # characters


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A verdict that could as well have been the other; `judged` is what it says."""

    mention_id: int
    revision: int
    source: str
    author: str | None
    author_name: str | None
    text: str
    rating: float | None
    language: str
    topic: str
    judged: bool
    score: float
    posted_at: datetime
    case_id: int | None


def threshold(session: Session) -> float:
    """From which probability on verdicts say complaint, as the newest ones show; 0.5 as far as they leave it open."""
    v = VerdictRow
    recent = v.id > (session.scalar(select(func.max(v.id))) or 0) - LOOKED
    most = session.scalar(select(func.max(v.complaint_score)).where(recent, ~v.complaint))
    least = session.scalar(select(func.min(v.complaint_score)).where(recent, v.complaint))
    if most is None or least is None or most > least:  # nothing yet, or the threshold was moved
        return 0.5 if most is None or least is None else (most + least) / 2
    return min(max(0.5, most), least)


def doubtful(
    session: Session, at: float, brands: Sequence[str], limit: int, wanted: Filter | None = None
) -> list[Doubtful]:
    """The newest verdicts about `brands` on which nobody has said a word, those next to the threshold `at` first."""
    m, v, wanted = MentionRow, VerdictRow, wanted or Filter()
    recent = v.id > (session.scalar(select(func.max(v.id))) or 0) - LOOKED
    away = func.abs(v.complaint_score - at)
    statement = (
        select(m, v, func.substr(m.text, 1, _SHOWN))
        .join(v, and_(v.mention_id == m.id, v.revision == m.revision))
        .where(recent, v.complaint_score.between(at - WIDTH, at + WIDTH), ~m.own, m.removed_at.is_(None))
        .where(~select(CorrectionRow.id).where(CorrectionRow.mention_id == m.id).exists(), about(session, brands))
        .order_by(away, v.id.desc())
        .limit(limit)
    )
    source = m.source.concat("")  # an index that begins with the source must not tempt SQLite away from the newest
    for column, values in ((source, wanted.source), (v.language, wanted.language), (v.topic, wanted.topic)):
        statement = statement.where(column.in_(values)) if values else statement
    return [
        Doubtful(
            mention.id,
            mention.revision,
            mention.source,
            mention.author,
            mention.author_name,
            start,
            mention.rating,
            verdict.language,
            verdict.topic,
            verdict.complaint,
            verdict.complaint_score,
            mention.posted_at,
            mention.case_id,
        )
        for mention, verdict, start in session.execute(statement)
    ]
