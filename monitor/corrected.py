"""What became of verdicts by what people said of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session, aliased

from monitor.models import CorrectionRow, MentionRow, VerdictRow
from monitor.trend_counts import Filter
from monitor.trend_mentions import about
from monitor.trend_spans import Span

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


def corrected(session: Session, span: Span, wanted: Filter) -> list[Corrected]:
    """The last words on mentions posted in the span's hours, the newest word first. `wanted.complaint` is not asked."""
    k, m, v = CorrectionRow, MentionRow, VerdictRow
    each = aliased(k)
    said = select(each.id).where(each.mention_id == m.id).order_by(each.at.desc(), each.id.desc())
    last = said.limit(1).scalar_subquery()
    statement = (
        select(k, m, v, func.substr(m.text, 1, _SHOWN).label("start"))
        .select_from(k)
        .join(m, m.id == k.mention_id)
        .join(v, and_(v.mention_id == m.id, v.revision == m.revision))
        .where(k.id == last, ~m.own, m.removed_at.is_(None), m.posted_at >= span.since, m.posted_at < span.until)
        .order_by(k.at.desc(), k.id.desc())
    )
    for column, values in ((m.source, wanted.source), (v.language, wanted.language), (v.topic, wanted.topic)):
        statement = statement.where(column.in_(values)) if values else statement
    if wanted.sentiment:
        statement = statement.where(v.sentiment.in_(wanted.sentiment))
    if wanted.brand:
        statement = statement.where(about(session, wanted.brand))
    return [
        Corrected(
            mention.id,
            mention.source,
            mention.author,
            mention.author_name,
            start,
            tuple(mention.brands),
            verdict.language,
            verdict.topic,
            verdict.complaint,
            verdict.complaint_score,
            word.complaint,
            word.actor,
            word.at,
            mention.posted_at,
            mention.case_id,
        )
        for word, mention, verdict, start in session.execute(statement)
    ]
