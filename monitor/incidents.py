"""Incidents as the other rooms see them: how a storm stands, what people do with it, and when it is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from monitor.baseline import HOUR
from monitor.case_events import SYSTEM
from monitor.case_views import Case, views
from monitor.classify.verdict import SEVERITIES
from monitor.database import Database
from monitor.errors import Refused
from monitor.models import CaseEventRow, CaseRow, IncidentRow
from monitor.storm_settings import StormsSettings
from monitor.usual import Usual

UNANSWERED = ("open", "taken", "reopened", "snoozed")
BACK = 0.05  # a rate that the usual reaches as often as this is usual again
LONGEST_ANSWER = 3000  # what a modal's input holds
LINGERS = timedelta(days=1)  # an ended incident with unanswered cases is shown for so long

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Incident:
    """A storm and how its cases stand. Cases that were no complaints after all are in none of the counts."""

    id: int
    brand: str
    state: str  # open, ended
    topics: tuple[str, ...]
    began_at: datetime
    opened_at: datetime
    ended_at: datetime | None
    ended_by: str | None
    usual: float  # complaints an hour
    answer: str | None
    answer_by: str | None
    slack_channel: str | None
    slack_ts: str | None
    cases: int
    unanswered: int
    untaken: int  # of the unanswered
    overdue: int  # of the unanswered
    oldest_due: datetime | None  # of the unanswered whose clock runs
    in_time: int
    late: int
    unreplied: int  # closed without a reply
    by_topic: Counter[str]
    by_source: Counter[str]
    by_severity: Counter[str]
    by_language: Counter[str]
    elsewhere: Counter[str]  # those that have a message of their own in another channel, by channel
    posted: tuple[datetime, ...]  # when each complaint was posted, in order


@dataclass(frozen=True, slots=True)
class Turned:
    """What has just become of an incident: `answer`, or `ended`; by whom."""

    incident: IncidentRow
    event: str
    actor: str
    at: datetime


Listener = Callable[[Session, Turned], None]


class Incidents:
    """`listeners` hear of what happens to an incident inside the transaction in which it happens."""

    def __init__(self, db: Database, settings: StormsSettings, listeners: Sequence[Listener] = ()) -> None:
        self._db, self._settings, self._listeners = db, settings, tuple(listeners)

    def set_answer(self, incident_id: int, answer: str, actor: str, at: datetime) -> None:
        """What a reply to any case of the incident begins as from now on; empty: nothing. Raises Refused."""
        words = answer.strip()
        if len(words) > LONGEST_ANSWER:
            raise Refused(f"the answer has {len(words)} characters; {LONGEST_ANSWER} are possible")
        with self._db.write() as session:
            row = _row(session, incident_id)
            if (row.answer or "") == words:
                return
            row.answer, row.answer_by = words or None, actor[:100]
            self._tell(session, row, "answer", actor, at)

    def end(self, incident_id: int, actor: str, at: datetime) -> None:
        """Raises Refused where it has ended already."""
        with self._db.write() as session:
            row = _row(session, incident_id)
            if row.state != "open":
                raise Refused(f"this incident has ended already, by {row.ended_by}")
            self._end(session, row, actor, at)

    def tick(self, now: datetime) -> int:
        """End what is over; how many were."""
        with self._db.read() as session:
            old = session.scalars(select(IncidentRow).where(IncidentRow.state == "open")).all()
            over = [row.id for row in old if self._over(session, row, now)]
        if not over:
            return 0
        with self._db.write() as session:
            rows = session.scalars(
                select(IncidentRow).where(IncidentRow.id.in_(over), IncidentRow.state == "open").with_for_update()
            ).all()
            for row in rows:
                self._end(session, row, SYSTEM, now)
        return len(rows)

    def _over(self, session: Session, row: IncidentRow, now: datetime) -> bool:
        calm = self._settings.calm
        if now - row.opened_at >= self._settings.longest:
            return True
        if now - row.opened_at < calm:
            return False
        lately = session.scalar(
            select(func.count()).where(CaseRow.incident_id == row.id, CaseRow.opened_at > now - calm)
        )
        expected = Usual(row.usual * (calm / HOUR), row.size)
        return not lately or expected.tail(lately) > BACK

    def _end(self, session: Session, row: IncidentRow, actor: str, at: datetime) -> None:
        row.state, row.ended_at, row.ended_by = "ended", at, actor[:100]
        log.info("a storm is over", incident=row.id, brand=row.brand, by=actor)
        self._tell(session, row, "ended", actor, at)

    def _tell(self, session: Session, row: IncidentRow, event: str, actor: str, at: datetime) -> None:
        session.flush()
        for listener in self._listeners:
            listener(session, Turned(row, event, actor, at))


def _row(session: Session, incident_id: int) -> IncidentRow:
    row = session.get(IncidentRow, incident_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise Refused(f"there is no incident {incident_id}")
    return row


def incident(session: Session, incident_id: int, now: datetime, in_thread: bool = False) -> Incident:
    """With `in_thread` its counts leave out what is shown in another channel. Raises Refused where there is no such
    incident."""
    row = session.get(IncidentRow, incident_id)
    if row is None:
        raise Refused(f"there is no incident {incident_id}")
    c = CaseRow
    shown = (c.state, c.owner, c.clock, c.due_at, c.met, c.topic, c.source, c.severity, c.language, c.posted_at)
    found = session.execute(
        select(*shown, c.slack_channel, c.page)
        .where(c.incident_id == incident_id, c.state != "dismissed", *([_in_thread(row)] if in_thread else []))
        .order_by(c.posted_at)
    ).all()
    waiting = [case for case in found if case.state in UNANSWERED]
    due = [case.due_at for case in waiting if case.clock == "running" and case.due_at is not None]
    closed = [case for case in found if case.state not in UNANSWERED]
    return Incident(
        id=row.id,
        brand=row.brand,
        state=row.state,
        topics=tuple(row.topics),
        began_at=row.began_at,
        opened_at=row.opened_at,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        usual=row.usual,
        answer=row.answer,
        answer_by=row.answer_by,
        slack_channel=row.slack_channel,
        slack_ts=row.slack_ts,
        cases=len(found),
        unanswered=len(waiting),
        untaken=sum(1 for case in waiting if case.owner is None),
        overdue=sum(1 for at in due if at < now),
        oldest_due=min(due, default=None),
        in_time=sum(1 for case in closed if case.met is True),
        late=sum(1 for case in closed if case.met is False),
        unreplied=sum(1 for case in closed if case.met is None),
        by_topic=Counter(case.topic for case in found),
        by_source=Counter(case.source for case in found),
        by_severity=Counter(case.severity for case in found),
        by_language=Counter(case.language for case in found),
        elsewhere=Counter(
            case.slack_channel
            for case in found
            if case.page is None and case.slack_channel not in (None, row.slack_channel)
        ),
        posted=tuple(case.posted_at for case in found),
    )


def _in_thread(row: IncidentRow) -> ColumnElement[bool]:
    shown = CaseRow.slack_channel
    return or_(CaseRow.page.is_not(None), shown.is_(None), shown == row.slack_channel)


def under_way(session: Session, now: datetime) -> list[Incident]:
    """The incidents that are open, and those that ended within a day and have unanswered cases; the oldest first."""
    recent = or_(IncidentRow.state == "open", IncidentRow.ended_at > now - LINGERS)
    ids = session.scalars(select(IncidentRow.id).where(recent).order_by(IncidentRow.id)).all()
    seen = [incident(session, incident_id, now) for incident_id in ids]
    return [each for each in seen if each.state == "open" or each.unanswered]


def answer_for(session: Session, case_id: int) -> str | None:
    """What a reply to this case begins as, because it belongs to an incident that has an answer."""
    return session.scalar(
        select(IncidentRow.answer).join(CaseRow, CaseRow.incident_id == IncidentRow.id).where(CaseRow.id == case_id)
    )


def page(session: Session, incident_id: int, number: int) -> list[Case]:
    """The cases that one message of the incident's thread shows."""
    rows = session.scalars(
        select(CaseRow).where(CaseRow.incident_id == incident_id, CaseRow.page == number).order_by(CaseRow.id)
    ).all()
    return views(session, rows)


def samples(session: Session, incident_id: int, count: int) -> list[Case]:
    """A few of the incident's cases to quote: the worst first, none twice that say the same."""
    rows = session.scalars(
        select(CaseRow)
        .where(CaseRow.incident_id == incident_id, CaseRow.state != "dismissed")
        .order_by(CaseRow.id)
        .limit(60)
    ).all()
    said: dict[str, Case] = {}
    for case in views(session, rows):
        if not case.removed:
            said.setdefault(" ".join(case.text.lower().split())[:60], case)
    worst = sorted(said.values(), key=lambda c: (-SEVERITIES.index(c.severity), -(c.complaint_score or 0), c.id))
    return worst[:count]


def next_waiting(session: Session, incident_id: int) -> int | None:
    """The case of the incident that nobody has taken and that is due first; those of another channel are for those who
    read it."""
    row = session.get_one(IncidentRow, incident_id)
    free = (CaseRow.state.in_(("open", "reopened")), CaseRow.owner.is_(None))
    return session.scalar(
        select(CaseRow.id)
        .where(CaseRow.incident_id == incident_id, *free, _in_thread(row))
        .order_by(CaseRow.due_at.is_(None), CaseRow.due_at, CaseRow.id)
        .limit(1)
    )


def taken_by(session: Session, incident_id: int, key: str) -> int | None:
    """The case of the incident to which an event with this key happened."""
    mine = select(CaseRow.id).where(CaseRow.incident_id == incident_id)
    return session.scalar(
        select(CaseEventRow.case_id).where(CaseEventRow.case_id.in_(mine), CaseEventRow.key == key).limit(1)
    )


def buckets(times: Sequence[datetime], start: datetime, end: datetime, most: int) -> tuple[timedelta, list[int]]:
    """How many of `times` fall into each of at most `most` equal stretches that cover `start` to `end`, and how long a
    stretch is: the shortest of a round length."""
    lengths = [timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 360)]
    length = next((each for each in lengths if (end - start) / each <= most), lengths[-1])
    counts = [0] * max(1, min(most, -(-(end - start) // length)))
    for at in times:
        if start <= at <= end:
            counts[min(len(counts) - 1, int((at - start) / length))] += 1
    return length, counts
