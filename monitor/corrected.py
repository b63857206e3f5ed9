"""What became of verdicts by what people said of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal_column, select
from sqlalchemy.orm import Session

from monitor.models import CorrectionRow, LastWordRow, MentionRow, VerdictRow
from monitor.trend_counts import Filter
from monitor.trend_reading import Reading
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


def counted(session: Session, span: Span, wanted: Filter, by: str) -> Counter[tuple[str, bool, bool]]:
    """How many last words there are on mentions of the span, by a dimension, by what was judged and what was said. A
    mention of two brands counts for each. `wanted.complaint` is not asked."""
    w = LastWordRow
    name = getattr(w, by)
    asked = select(name, w.judged, w.said, func.count()).where(*_within(span, wanted))
    found = session.execute(asked.group_by(name, w.judged, w.said)).all()
    return Counter({(value, judged, said): count for value, judged, said, count in found})


def wrong_over_time(session: Session, span: Span, wanted: Filter) -> tuple[list[int], list[int]]:
    """False alarms and missed ones of each of `span.starts`, counted the same way."""
    w, alarms, missed = LastWordRow, [0] * len(span.starts), [0] * len(span.starts)
    bucket: Any = literal_column(Reading(session, span).bucket("hour"))
    asked = select(bucket, w.judged, func.count()).where(w.judged != w.said, *_within(span, wanted))
    for place, judged, count in session.execute(asked.group_by(bucket, w.judged)):
        (alarms if judged else missed)[span.places[place]] += count
    return alarms, missed


def latest(session: Session, span: Span, wanted: Filter, most: int) -> list[Corrected]:
    """So many last words on mentions of the span, the newest first."""
    w = LastWordRow
    words = select(w.word_id).where(*_within(span, wanted)).distinct().order_by(w.word_id.desc()).limit(most)
    k, m, v = CorrectionRow, MentionRow, VerdictRow
    statement = (
        select(m.id, m.source, m.author, m.author_name, func.substr(m.text, 1, _SHOWN), m.brands, v.language, v.topic)
        .add_columns(v.complaint, v.complaint_score, k.complaint, k.actor, k.at, m.posted_at, m.case_id)
        .select_from(k)
        .join(m, m.id == k.mention_id)
        .join(v, and_(v.mention_id == m.id, v.revision == m.revision))
        .where(k.id.in_(session.scalars(words).all()))
        .order_by(k.at.desc(), k.id.desc())
    )
    rows: Sequence[Any] = session.execute(statement).all()
    return [Corrected(*(*row[:5], tuple(row[5]), *row[6:])) for row in rows]


def _within(span: Span, wanted: Filter) -> list[ColumnElement[bool]]:
    w, (first, end) = LastWordRow, span.hours
    asked = [(w.brand, wanted.brand), (w.source, wanted.source), (w.language, wanted.language), (w.topic, wanted.topic)]
    chosen = [column.in_(values) for column, values in (*asked, (w.sentiment, wanted.sentiment)) if values]
    return [*chosen, w.hour >= first, w.hour < end]
