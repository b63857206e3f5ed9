"""What became of verdicts by what people said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session, aliased

from monitor.models import CorrectionRow, MentionRow, VerdictRow
from monitor.trend_counts import Filter
from monitor.trend_mentions import about

_SHOWN = 2_000  # characters


@dataclass(frozen=True, slots=True)
class Corrected:
    """The last word on a mention: `judged` is the verdict's, `said` the person's."""

    mention_id: int
    source: str
    author: str | None
    author_name: str | None
    text: str
    brands: tuple[str, ...]
    language: str
    topic: str
    judged: bool
    score: float
    said: bool
    by: str
    at: datetime
    posted_at: datetime
    case_id: int | None

    @property
    def false_alarm(self) -> bool:
        return self.judged and not self.said

    @property
    def missed(self) -> bool:
        return self.said and not self.judged


def corrected(session: Session, since: datetime, until: datetime, wanted: Filter) -> list[Corrected]:
    """The last words on mentions posted from `since` to before `until`, the newest word first. `wanted.complaint` is
    not asked."""
    k, m, v = CorrectionRow, MentionRow, VerdictRow
    each = aliased(k)
    said = select(each.id).where(each.mention_id == k.mention_id).order_by(each.at.desc(), each.id.desc())
    last = said.limit(1).scalar_subquery()
    posted = func.coalesce(m.posted_at, m.posted_at)  # not by its index: words are few, and mentions many
    statement = (
        select(m.id, m.source, m.author, m.author_name, func.substr(m.text, 1, _SHOWN), m.brands, v.language, v.topic)
        .add_columns(v.complaint, v.complaint_score, k.complaint, k.actor, k.at, m.posted_at, m.case_id)
        .select_from(k)
        .join(m, m.id == k.mention_id)
        .join(v, and_(v.mention_id == m.id, v.revision == m.revision))
        .where(k.id == last, ~m.own, m.removed_at.is_(None), posted >= since, posted < until)
        .order_by(k.at.desc(), k.id.desc())
    )
    for column, values in ((m.source, wanted.source), (v.language, wanted.language), (v.topic, wanted.topic)):
        statement = statement.where(column.in_(values)) if values else statement
    if wanted.sentiment:
        statement = statement.where(v.sentiment.in_(wanted.sentiment))
    if wanted.brand:
        statement = statement.where(about(session, wanted.brand))
    rows: Sequence[Any] = session.execute(statement).all()
    return [Corrected(*(*row[:5], tuple(row[5]), *row[6:])) for row in rows]
