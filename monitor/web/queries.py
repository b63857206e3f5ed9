"""What the pages and the interface read. Rows become frozen records here; nothing beyond sees the tables.

Texts come cut to READ characters, in lists of cases to GLANCE, since a mention may be a megabyte long.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select, tuple_
from sqlalchemy.orm import Session, aliased

from monitor.models import CaseEventRow, CaseRow, MentionRow, VerdictRow
from monitor.parents import answered
from monitor.sources.base import Engagement
from monitor.spread import spread_words
from monitor.web.words import SOON

LARGEST_ID = 2**63 - 1  # what both databases can hold
READ = 20_000
GLANCE = 3_000
SHOWN = 100
ACTIVE = ("open", "taken", "reopened", "replied")
RECENT = timedelta(days=30)
URGENT = ("high", "critical")
_TAIL = 256  # ids looked at behind the newest: on PostgreSQL a lower id may be committed after a higher one


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """One case as pages show it: its own fields, its first complaint's, and what is known of the author."""

    id: int
    mention_id: int
    brand: str
    source: str
    state: str
    owner: str | None
    severity: str
    topic: str
    language: str
    opened_at: datetime
    posted_at: datetime
    resolved_at: datetime | None
    policy: str
    clock: str
    clock_kind: str
    starts_at: datetime | None
    due_at: datetime | None
    seconds_left: float | None
    snoozed_until: datetime | None
    muted_until: datetime | None
    first_response_at: datetime | None
    met: bool | None
    breached_at: datetime | None
    calendar_seconds: float | None
    business_seconds: float | None
    satisfaction: int | None
    version: int
    text: str
    url: str | None
    rating: float | None
    author: str | None
    author_name: str | None
    author_url: str | None
    author_followers: int | None
    removed_at: datetime | None
    likes: int | None = None
    shares: int | None = None
    answers: int | None = None
    views: int | None = None
    earlier: int = 0  # cases of the same author on the same source in the 30 days before this one

    @property
    def spread(self) -> str:
        return spread_words(Engagement(*(getattr(self, name) for name in COUNTED)))

    @property
    def running(self) -> bool:
        return self.clock == "running" and self.due_at is not None and self.state in ACTIVE


@dataclass(frozen=True, slots=True)
class MentionRecord:
    """One mention with its present verdict, whose fields are None while it waits for one."""

    id: int
    source: str
    external_id: str
    url: str | None
    text: str
    rating: float | None
    author: str | None
    author_name: str | None
    own: bool
    brands: list[str]
    posted_at: datetime
    seen_at: datetime
    removed_at: datetime | None
    media: list[str] | None
    judging: str
    case_id: int | None
    language: str | None
    sentiment: str | None
    negative: float | None
    neutral: float | None
    positive: float | None
    complaint: bool | None
    complaint_score: float | None
    severity: str | None
    topic: str | None
    topic_score: float | None
    model: str | None


@dataclass(frozen=True, slots=True)
class EventRecord:
    id: int
    kind: str
    actor: str
    origin: str
    at: datetime
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cases the desk lists. `mine` is the reader's name."""

    mine: str | None = None
    free: bool = False
    urgent: bool = False
    brand: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        return [
            *([CaseRow.owner == self.mine] if self.mine is not None else []),
            *([CaseRow.owner.is_(None)] if self.free else []),
            *([CaseRow.severity.in_(URGENT)] if self.urgent else []),
            *([CaseRow.brand == self.brand] if self.brand else []),
        ]


@dataclass(frozen=True, slots=True)
class Counts:
    """Cases whose clock runs; the others are among `waiting`. In the very second of `due_at` nothing is late yet."""

    waiting: int
    late: int
    soon: int
    free: int


@dataclass(frozen=True, slots=True)
class Desk:
    """How it stands at one moment. The last two look at the past day; the counts disregard the filter."""

    cases: list[CaseRecord]
    rest: list[CaseRecord]  # answered or without a clock, not yet closed
    snoozed: list[CaseRecord]
    counts: Counts
    median_seconds: float | None
    met_share: float | None


@dataclass(frozen=True, slots=True)
class CaseFile:
    """One case with all that belongs to it."""

    case: CaseRecord
    mentions: list[MentionRecord]
    events: list[EventRecord]
    others: list[CaseRecord]
    copies: int = 0  # how often its mentions were passed on
    answered: Mapping[int, str] = field(default_factory=dict)  # what those of them answer that only agree

    @property
    def first(self) -> MentionRecord | None:
        return next((m for m in self.mentions if m.id == self.case.mention_id), None)


def version(session: Session) -> str:
    """Changes whenever a page could look different: every change of a case is an event, every judgement a verdict.
    Costs the same however much is stored."""
    parts = []
    for key in (CaseEventRow.id, MentionRow.id, VerdictRow.id):
        newest = session.scalar(select(func.max(key))) or 0
        parts.append(f"{newest}.{session.scalar(select(func.count(key)).where(key > newest - _TAIL))}")
    return "-".join(parts)


def digest(*shown: object) -> str:
    """A short name for what a part of a page shows, so that it is drawn again only when that changes."""
    return hashlib.sha256(repr(shown).encode("utf-8", "backslashreplace")).hexdigest()[:16]


def desk(session: Session, now: datetime, wanted: Filter) -> Desk:
    conditions = wanted.conditions()
    running = [*conditions, CaseRow.clock == "running", CaseRow.due_at.is_not(None)]
    waiting: list[CaseRecord] = []
    for state in ACTIVE:  # one state at a time: each is read from the index in the order of `due_at`
        query = (
            case_query(GLANCE).where(CaseRow.state == state, *running).order_by(CaseRow.due_at, CaseRow.id).limit(SHOWN)
        )
        waiting += case_records(session, query)
    waiting.sort(key=lambda c: (c.due_at or now, c.id))
    rest = case_query(GLANCE).where(CaseRow.state.in_(ACTIVE), CaseRow.clock != "running", *conditions)
    snoozed = (
        case_query(GLANCE).where(CaseRow.state == "snoozed", *conditions).order_by(CaseRow.snoozed_until, CaseRow.id)
    )
    answered, met = past_day(session, now)
    shown = with_earlier(session, waiting[:SHOWN])
    return Desk(
        cases=shown,
        rest=case_records(session, rest.order_by(CaseRow.id.desc()).limit(SHOWN // 2)),
        snoozed=case_records(session, snoozed.limit(SHOWN // 2)),
        counts=counts(session, now),
        median_seconds=median(answered) if answered else None,
        met_share=sum(met) / len(met) if met else None,
    )


def counts(session: Session, now: datetime) -> Counts:
    late, soon = CaseRow.due_at < now, and_(CaseRow.due_at >= now, CaseRow.due_at <= now + SOON)
    free = CaseRow.owner.is_(None)
    count = func.count
    tallies = select(count(), count().filter(late), count().filter(soon), count().filter(free)).where(*_running())
    row = session.execute(tallies).one()
    return Counts(waiting=row[0], late=row[1], soon=row[2], free=row[3])


def _running() -> list[ColumnElement[bool]]:
    return [CaseRow.state.in_(ACTIVE), CaseRow.clock == "running", CaseRow.due_at.is_not(None)]


def past_day(session: Session, now: datetime) -> tuple[list[float], list[bool]]:
    """Seconds to the first response, and whether in time, of the newest cases answered within a day."""
    rows = session.execute(
        select(CaseRow.calendar_seconds, CaseRow.met, CaseRow.first_response_at).order_by(CaseRow.id.desc()).limit(1000)
    )
    recent = [(seconds, met) for seconds, met, at in rows if at is not None and at > now - timedelta(days=1)]
    return [s for s, _ in recent if s is not None], [m for _, m in recent if m is not None]


def case_file(session: Session, case_id: int) -> CaseFile | None:
    found = case_records(session, case_query().where(CaseRow.id == case_id))
    if not found:
        return None
    case = with_earlier(session, found)[0]
    words = mention_query().where(MentionRow.case_id == case_id).order_by(MentionRow.posted_at, MentionRow.id).limit(50)
    events = session.scalars(
        select(CaseEventRow).where(CaseEventRow.case_id == case_id).order_by(CaseEventRow.id.desc()).limit(200)
    ).all()
    others: list[CaseRecord] = []
    if case.author is not None:
        same = case_query(GLANCE).where(
            CaseRow.source == case.source, CaseRow.author == case.author, CaseRow.id != case.id
        )
        others = case_records(session, same.order_by(CaseRow.opened_at.desc()).limit(10))
    mentions = mention_records(session, words)
    return CaseFile(
        case=case,
        mentions=mentions,
        events=[EventRecord(e.id, e.kind, e.actor, e.origin, e.at, dict(e.detail or {})) for e in reversed(events)],
        others=others,
        copies=_copies(session, case_id),
        answered=answered(session, [mention.id for mention in mentions]),
    )


def _copies(session: Session, case_id: int) -> int:
    copy = aliased(MentionRow)
    counted = select(func.count()).join_from(MentionRow, copy, copy.copy_of == MentionRow.id)
    return session.scalars(counted.where(MentionRow.case_id == case_id)).one()


def mentions(
    session: Session,
    limit: int,
    before: int | None = None,
    source: str | None = None,
    language: str | None = None,
    complaint: bool | None = None,
) -> list[MentionRecord]:
    """Newest first, from the mention before id `before` on."""
    query = mention_query().order_by(MentionRow.id.desc()).limit(limit)
    if before is not None:
        query = query.where(MentionRow.id < before)
    if source is not None:
        query = query.where(MentionRow.source == source)
    if language is not None:
        query = query.where(VerdictRow.language == language)
    if complaint is not None:
        query = query.where(VerdictRow.complaint.is_(complaint))
    return mention_records(session, query)


def languages(session: Session, newest: int = 1000) -> list[tuple[str, int]]:
    """Languages of the newest verdicts with how many have each, most frequent first; not those left undetermined."""
    recent = select(VerdictRow.language).order_by(VerdictRow.id.desc()).limit(newest).subquery()
    language, count = recent.c.language, func.count()
    known = select(language, count).where(language != "und").group_by(language)
    rows = session.execute(known.order_by(count.desc(), language))
    return [(row[0], row[1]) for row in rows]


def with_earlier(session: Session, records: list[CaseRecord]) -> list[CaseRecord]:
    """The records with `earlier` filled in."""
    authors = {(r.source, r.author) for r in records if r.author is not None}
    if not authors:
        return records
    since = min(r.opened_at for r in records) - RECENT
    past = select(CaseRow.source, CaseRow.author, CaseRow.opened_at).where(
        tuple_(CaseRow.source, CaseRow.author).in_(authors), CaseRow.opened_at >= since
    )
    opened = defaultdict(list)
    for source, author, at in session.execute(past):
        opened[source, author].append(at)
    return [
        replace(r, earlier=sum(r.opened_at - RECENT <= at < r.opened_at for at in opened[r.source, r.author]))
        for r in records
    ]


_CASE_FIELDS = [f.name for f in fields(CaseRecord) if hasattr(CaseRow, f.name) and f.name != "author"]
COUNTED = [f.name for f in fields(Engagement)]
_FIRST_FIELDS = ["url", "rating", "author", "author_name", "author_url", "author_followers", "removed_at", *COUNTED]
_MENTION_FIELDS = [f.name for f in fields(MentionRecord) if hasattr(MentionRow, f.name) and f.name != "text"]
_VERDICT_FIELDS = [f.name for f in fields(MentionRecord) if not hasattr(MentionRow, f.name)]


def case_query(read: int = READ) -> Select[Any]:
    """What a CaseRecord has, its text cut to `read` characters."""
    return select(
        *(getattr(CaseRow, name) for name in _CASE_FIELDS),
        func.substr(MentionRow.text, 1, read).label("text"),
        *(getattr(MentionRow, name) for name in _FIRST_FIELDS),
    ).join(MentionRow, MentionRow.id == CaseRow.mention_id)


def mention_query() -> Select[Any]:
    """What a MentionRecord has."""
    return select(
        *(getattr(MentionRow, name) for name in _MENTION_FIELDS),
        func.substr(MentionRow.text, 1, READ).label("text"),
        *(getattr(VerdictRow, name) for name in _VERDICT_FIELDS),
    ).outerjoin(VerdictRow, and_(VerdictRow.mention_id == MentionRow.id, VerdictRow.revision == MentionRow.revision))


def case_records(session: Session, query: Select[Any]) -> list[CaseRecord]:
    return [CaseRecord(**row) for row in session.execute(query).mappings()]


def mention_records(session: Session, query: Select[Any]) -> list[MentionRecord]:
    return [MentionRecord(**row) for row in session.execute(query).mappings()]
