"""Cases as the other rooms see them: frozen, with all that a message or a page shows, in few queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from monitor.models import CaseEventRow, CaseRow, MentionRow, VerdictRow
from monitor.sources.base import Engagement

RECENT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Case:
    """A case with its first complaint. Times are aware; scores are probabilities; `url` is the post's own address."""

    id: int
    mention_id: int
    external_id: str
    brand: str
    source: str
    state: str
    owner: str | None
    severity: str
    topic: str
    language: str
    conversation: str | None
    author: str | None
    author_name: str | None
    author_url: str | None
    author_followers: int | None
    text: str
    url: str | None
    rating: float | None
    removed: bool
    sentiment: str | None
    complaint_score: float | None
    severity_score: float | None
    topic_score: float | None
    model: str | None
    earlier_cases_30d: int
    mentions: int  # without the copies of them
    opened_at: datetime
    posted_at: datetime
    resolved_at: datetime | None
    policy: str
    clock: str
    clock_kind: str
    starts_at: datetime | None
    due_at: datetime | None
    seconds_left: float | None
    paused_at: datetime | None
    step: int
    next_step_at: datetime | None
    snoozed_until: datetime | None
    first_response_at: datetime | None
    met: bool | None
    breached_at: datetime | None
    calendar_seconds: float | None
    business_seconds: float | None
    taken_at: datetime | None
    version: int
    slack_channel: str | None
    slack_ts: str | None
    vip: str | None = None  # why its author is one
    satisfaction: int | None = None  # what the customer said of our help, 1 to 5
    muted_until: datetime | None = None
    slack_thread: str | None = None
    incident_id: int | None = None
    page: int | None = None
    media: tuple[str, ...] = ()
    engagement: Engagement | None = None
    copies: int = 0  # how often its mentions were passed on, as far as we have read

    def muted(self, now: datetime) -> bool:
        """Whether its reminders are silent."""
        return self.muted_until is not None and self.muted_until > now


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a case's history."""

    id: int
    case_id: int
    kind: str
    actor: str
    origin: str
    at: datetime
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """What has just happened to a case, and the case as it is now. `detail` holds JSON values only."""

    case: Case
    event: str
    actor: str
    at: datetime
    origin: str
    detail: Mapping[str, Any]


Listener = Callable[[Session, Change], None]

_OWN = [field.name for field in fields(Case) if field.name in CaseRow.__mapper__.columns]
_MENTIONS, _VERDICTS = (
    [field.name for field in fields(Case) if field.name in table.__mapper__.columns and field.name not in _OWN]
    for table in (MentionRow, VerdictRow)
)
_UNJUDGED = dict.fromkeys(_VERDICTS)
_COPY = aliased(MentionRow)  # once: making one takes longer than the query


def views(session: Session, rows: Sequence[CaseRow]) -> list[Case]:
    """The cases of `rows`, in their order: five queries, however many there are."""
    if not rows:
        return []
    m, v = MentionRow, VerdictRow
    first = select(m.id, m.removed_at, m.likes, m.shares, m.answers, m.views, *(getattr(m, name) for name in _MENTIONS))
    firsts = {mention.id: mention for mention in session.execute(first.where(m.id.in_({r.mention_id for r in rows})))}
    verdict = select(v.mention_id, *(getattr(v, name) for name in _VERDICTS)).where(v.mention_id.in_(firsts))
    verdicts = {mention_id: told for mention_id, *told in session.execute(verdict.order_by(v.revision))}
    counted = select(m.case_id, func.count()).where(m.case_id.in_({row.id for row in rows})).group_by(m.case_id)
    counts: dict[int | None, int] = {case_id: count for case_id, count in session.execute(counted)}  # noqa: C416
    copies = _copies(session, [row.id for row in rows])
    earlier = _earlier(session, rows)
    found = []
    for row in rows:
        _, removed_at, likes, shares, answers, views, *said = firsts[row.mention_id]
        shown = dict(zip(_MENTIONS, said, strict=True))
        told = verdicts.get(row.mention_id)
        found.append(
            Case(
                **{name: getattr(row, name) for name in _OWN},
                **(shown | {"media": tuple(shown["media"] or ())}),
                engagement=Engagement(likes, shares, answers, views),
                **(dict(zip(_VERDICTS, told, strict=True)) if told else _UNJUDGED),
                removed=removed_at is not None,
                earlier_cases_30d=earlier[row.id],
                mentions=counts.get(row.id, 0),
                copies=copies.get(row.id, 0),
            )
        )
    return found


def _copies(session: Session, case_ids: Sequence[int]) -> dict[int | None, int]:
    m, copy = MentionRow, _COPY
    counted = select(m.case_id, func.count()).join(copy, copy.copy_of == m.id).where(m.case_id.in_(case_ids))
    return {case_id: count for case_id, count in session.execute(counted.group_by(m.case_id))}  # noqa: C416


def _earlier(session: Session, rows: Sequence[CaseRow]) -> Counter[int]:
    """How many cases the same author had on the same source in the 30 days before each."""
    authors: dict[str, set[str]] = {}
    for row in rows:
        if row.author is not None:
            authors.setdefault(row.source, set()).add(row.author)
    since = min(row.opened_at for row in rows) - RECENT
    by_author: dict[tuple[str, str | None], list[tuple[datetime, int]]] = {}
    for source, names in authors.items():  # one query a source, since SQLite finds no index for pairs
        for author, opened_at, case_id in session.execute(
            select(CaseRow.author, CaseRow.opened_at, CaseRow.id).where(
                CaseRow.source == source, CaseRow.author.in_(names), CaseRow.opened_at >= since
            )
        ):
            by_author.setdefault((source, author), []).append((opened_at, case_id))
    found: Counter[int] = Counter()
    for row in rows:
        own = (row.opened_at, row.id)
        past = by_author.get((row.source, row.author), ())
        found[row.id] = sum(1 for other in past if other < own and other[0] >= row.opened_at - RECENT)
    return found


def events(session: Session, case_id: int) -> list[Event]:
    """The history of a case, in the order in which it was written."""
    rows = session.scalars(select(CaseEventRow).where(CaseEventRow.case_id == case_id).order_by(CaseEventRow.id))
    return [Event(r.id, r.case_id, r.kind, r.actor, r.origin, r.at, r.detail) for r in rows]
