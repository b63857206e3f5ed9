"""What the interface lists: rows that fit a question, in an order that stays, from a given place on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from monitor.models import CaseRow, CorrectionRow, MentionRow, ReplyRow, VerdictRow
from monitor.trend_mentions import about
from monitor.web.paging import CaseQuery, MentionQuery, PastQuery, Span
from monitor.web.queries import (
    READ,
    CaseRecord,
    MentionRecord,
    case_query,
    case_records,
    mention_query,
    mention_records,
)


@dataclass(frozen=True, slots=True)
class CorrectionRecord:
    """A person's word against a verdict, with what the mention's present verdict says."""

    id: int
    mention_id: int
    source: str
    author: str | None
    text: str
    language: str | None
    topic: str | None
    complaint: bool
    judged_complaint: bool | None
    complaint_score: float | None
    model: str | None
    actor: str
    at: datetime
    author_name: str | None = None  # so that it can be masked in the text


@dataclass(frozen=True, slots=True)
class ReplyRecord:
    """A message to a customer, by a person (kind `reply`) or by nobody."""

    id: int
    case_id: int
    mention_id: int
    source: str
    kind: str
    state: str
    actor: str
    origin: str
    text: str
    created_at: datetime
    sent_at: datetime | None
    author: str | None = None  # to whom: so that their names can be masked in it
    author_name: str | None = None


def cases(session: Session, limit: int, wanted: CaseQuery, after: tuple[Any, ...] | None = None) -> list[CaseRecord]:
    """The newest first, from the case after that of the id in `after` on."""
    c = CaseRow
    filters: dict[Any, Sequence[str]] = {
        c.state: wanted.state,
        c.brand: wanted.brand,
        c.source: wanted.source,
        c.language: wanted.language,
    }
    filters |= {c.topic: wanted.topic, c.severity: wanted.severity}
    query = _within(case_query(), c.posted_at, wanted).where(*_any_of(filters.items()))
    return case_records(session, _by_id(query, c.id, limit, after))


def mentions(
    session: Session, limit: int, wanted: MentionQuery, after: tuple[Any, ...] | None = None
) -> list[MentionRecord]:
    """Those posted last first, from the mention after that of the time and the id in `after` on."""
    m = MentionRow
    query = mention_query().where(*fitting(session, wanted))
    if after is not None:
        at, id = after
        query = query.where(m.posted_at <= at, or_(m.posted_at < at, and_(m.posted_at == at, m.id < id)))
    return mention_records(session, query.order_by(m.posted_at.desc(), m.id.desc()).limit(limit))


def fitting(session: Session, wanted: MentionQuery) -> list[ColumnElement[bool]]:
    """The filters of `wanted`, on what `mention_query` selects from."""
    m, v = MentionRow, VerdictRow
    filters: dict[Any, Sequence[str]] = {m.source: wanted.source, v.language: wanted.language, v.topic: wanted.topic}
    filters |= {v.sentiment: wanted.sentiment, v.severity: wanted.severity}
    return [
        *([m.posted_at >= wanted.since] if wanted.since is not None else []),
        *([m.posted_at < wanted.until] if wanted.until is not None else []),
        *_any_of(filters.items()),
        *([about(session, wanted.brand)] if wanted.brand else []),
        *([v.complaint.is_(wanted.complaint)] if wanted.complaint is not None else []),
    ]


def mention(session: Session, id: int) -> MentionRecord | None:
    return next(iter(mention_records(session, mention_query().where(MentionRow.id == id))), None)


def corrections(
    session: Session, limit: int, wanted: PastQuery, after: tuple[Any, ...] | None = None
) -> list[CorrectionRecord]:
    """The newest first, from the correction after that of the id in `after` on."""
    k, m, v = CorrectionRow, MentionRow, VerdictRow
    query = (
        select(k.id, k.mention_id, m.source, m.author, _start(m.text), v.language, v.topic, k.complaint)
        .add_columns(v.complaint.label("judged_complaint"), v.complaint_score, v.model, k.actor, k.at, m.author_name)
        .join(m, m.id == k.mention_id)
        .outerjoin(v, and_(v.mention_id == m.id, v.revision == m.revision))
        .where(*_any_of([(m.source, wanted.source)]))
    )
    found = session.execute(_by_id(_within(query, k.at, wanted), k.id, limit, after)).mappings()
    return [CorrectionRecord(**row) for row in found]


def replies(session: Session, limit: int, wanted: PastQuery, after: tuple[Any, ...] | None = None) -> list[ReplyRecord]:
    """Those written last first, from the reply after that of the id in `after` on; no drafts, which are private."""
    r, m = ReplyRow, MentionRow
    others = ("source", "text", "author", "author_name")
    own = [getattr(r, field.name) for field in fields(ReplyRecord) if field.name not in others]
    query = select(*own, m.source, m.author, m.author_name, _start(r.text)).join(m, m.id == r.mention_id)
    query = query.where(r.state != "draft", *_any_of([(m.source, wanted.source)]))
    found = session.execute(_by_id(_within(query, r.created_at, wanted), r.id, limit, after)).mappings()
    return [ReplyRecord(**row) for row in found]


def _start(text: Any) -> Any:
    return func.substr(text, 1, READ).label("text")


def _within(query: Select[Any], at: Any, wanted: Span) -> Select[Any]:
    if wanted.since is not None:
        query = query.where(at >= wanted.since)
    return query if wanted.until is None else query.where(at < wanted.until)


def _any_of(filters: Iterable[tuple[Any, Sequence[Any]]]) -> list[ColumnElement[bool]]:
    return [column.in_(values) for column, values in filters if values]


def _by_id(query: Select[Any], id: Any, limit: int, after: tuple[Any, ...] | None) -> Select[Any]:
    return (query if after is None else query.where(id < after[0])).order_by(id.desc()).limit(limit)
