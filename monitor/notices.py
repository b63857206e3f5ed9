"""What customers are told without a person writing it: acknowledgements, status notes, follow-ups.

A listener of `Cases` plans a notice in the commit that asks for it. When its time has come it is looked at again: is
it still true, may the author be told once more, is there a text? Only then is it put among the replies, which send it
as any other. Never two acknowledgements to an author within a day: the permission is one conditional write.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from monitor import case_clock, faults, sla
from monitor.brands import plain_handle
from monitor.case_events import SYSTEM, last_reply
from monitor.cases import Case, Cases, Change
from monitor.clock import Clock
from monitor.database import Database
from monitor.errors import Refused
from monitor.models import CaseRow, NoticeLimitRow, NoticeRow, ReplyRow, VerdictRow
from monitor.notice_texts import fill, first_name, spoken_time, text_for
from monitor.outgoing import Route, newest_mention
from monitor.settings import Settings
from monitor.sources.base import SeenReply
from monitor.survey import Survey

AUTO_ACK, STATUS, FOLLOW_UP = "auto_ack", "status", "follow_up"
DAY = timedelta(days=1)
SOON = timedelta(minutes=90)  # an answer due within this is promised in minutes, a later one by the clock
SHORTEST = timedelta(minutes=5)  # nearer than this to its due time a promise is worth nothing
MOVED = timedelta(minutes=5)  # by less than this a promise has not moved
FRESH = timedelta(minutes=5)  # "within 55 minutes" is no longer true after that
APART = DAY + FRESH  # between two permissions: a notice may go out FRESH after its own, the next one at once
WAITING = ("open", "taken", "reopened", "snoozed")  # an answer is still owed
_MOVES = ("take", "hand_over", "snooze", "unsnooze")
AT_A_TIME = 100

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Said:
    """A notice worked out: `variant` names the situation, `promise` is the time that it promises."""

    variant: str
    text: str
    promise: datetime | None = None


class NoticePlanner:
    """A listener of `Cases`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sources = {source.name: source for source in settings.sources}

    def __call__(self, session: Session, change: Change) -> None:
        case, source = change.case, self._sources.get(change.case.source)
        if source is None:
            return
        if change.event == "opened":
            if source.auto_ack and case.clock == "running" and not _unfit(self._settings, case):
                _plan(session, case.id, AUTO_ACK, change.at + self._settings.auto_ack.wait)
        elif change.event in _MOVES and source.status_notes:
            _plan(session, case.id, STATUS, change.at)
        elif change.event == "resolve" and source.follow_up:
            _plan(session, case.id, FOLLOW_UP, change.at + self._settings.after.follow_up_wait)


class Notices:
    """The stage that puts what is due among the replies."""

    name = "notices"

    def __init__(
        self, db: Database, clock: Clock, cases: Cases, settings: Settings, route: Callable[[Case], Route]
    ) -> None:
        self._db, self._clock, self._cases, self._settings, self._route = db, clock, cases, settings, route
        self._survey = Survey(db, cases, settings)

    def run_once(self) -> int:
        """Look at all that is due; how many notices were looked at."""
        now = self._clock.now()
        due = select(NoticeRow.id).where(NoticeRow.due_at.is_not(None), NoticeRow.due_at <= now)
        done = 0
        while True:
            with self._db.read() as session:
                ids = session.scalars(due.order_by(NoticeRow.due_at, NoticeRow.id).limit(AT_A_TIME)).all()
            for notice_id in ids:
                self._decide(notice_id, now)
                faults.step("notices.decided")
            done += len(ids)
            if len(ids) < AT_A_TIME:
                return done

    def _decide(self, notice_id: int, now: datetime) -> None:
        """One notice, in one transaction: put among the replies, dropped with the reason, or put off."""
        with self._db.write() as session:
            notice = session.get(NoticeRow, notice_id, with_for_update=True, populate_existing=True)
            if notice is None or notice.due_at is None or notice.due_at > now:
                return
            row = session.get(CaseRow, notice.case_id, with_for_update=True, populate_existing=True)
            if row is None:
                notice.due_at, notice.outcome = None, "the case is gone"
                return
            case = self._cases.get(session, notice.case_id)
            said = self._said(session, notice, row, case, now)
            if isinstance(said, Said):
                wait = _granted(session, notice.kind, *self._limit(notice.kind, case), now)
                if wait is not None and notice.kind == STATUS:
                    notice.due_at = wait  # told together with what comes until then
                    return
                said = said if wait is None else "the author was told something of this kind not long ago"
            notice.due_at = None
            if isinstance(said, str):
                notice.outcome = said[:200]
                log.info("a notice was left out", kind=notice.kind, case=case.id, reason=said)
                return
            notice.outcome, notice.variant, notice.promise = "told", said.variant, said.promise
            session.add(_reply(session, notice, case, said, now))
            faults.step("notices.granted")

    def _said(self, session: Session, notice: NoticeRow, row: CaseRow, case: Case, now: datetime) -> Said | str:
        """What there is to say, or why there is nothing."""
        route = self._route(case)
        if route.why is not None:
            return route.why
        if route.one_answer and notice.kind != AUTO_ACK:
            return f"{route.place} has room for one answer, whose place it would take"
        if case.removed or case.author is None:
            return "its author is not there any more"
        make = {AUTO_ACK: self._ack, STATUS: self._status, FOLLOW_UP: self._follow_up}[notice.kind]
        said = make(session, row, case, now)
        if isinstance(said, Said) and (excess := route.excess(said.text)):
            return f"too long for {route.place} by {excess}"
        return said

    def _ack(self, session: Session, row: CaseRow, case: Case, now: datetime) -> Said | str:
        settings = self._settings.auto_ack
        if case.state not in ("open", "taken"):
            return f"the case is {case.state}"
        if why := _unfit(self._settings, case) or _doubtful(session, case, settings.negative_at_least):
            return why
        if last_reply(session, row) is not None:
            return "it was answered"
        if case.clock != "running" or case.due_at is None or case.due_at - now < SHORTEST:
            return "no time to promise is left"
        soon = case.due_at - now <= SOON
        own = settings.texts if soon else settings.texts_later or settings.texts
        return self._text("soon" if soon else "later", own, case, now, case.due_at)

    def _status(self, session: Session, row: CaseRow, case: Case, now: datetime) -> Said | str:
        settings = self._settings.auto_ack
        if case.state not in WAITING:
            return f"the case is {case.state}"
        told = _told(session, case.id)
        promise = self._promise(row, now)
        taken = case.owner is not None and not any(n.variant in ("taken", "taken_late") for n in told)
        if taken and promise is None:
            return self._text("taken_late", {}, case, now, None)
        if taken:
            return self._text("taken", settings.status_texts, case, now, promise)
        promised = max((n.promise for n in told if n.promise is not None), default=None)
        if promise is None or promised is None or promise - promised < MOVED:
            return "the promised time stands"
        return self._text("moved", settings.moved_texts, case, now, promise)

    def _follow_up(self, session: Session, row: CaseRow, case: Case, now: datetime) -> Said | str:
        if case.state != "resolved":
            return f"the case is {case.state}"
        if last_reply(session, row) is None:
            return "it was closed without an answer"
        if any(n.kind == FOLLOW_UP for n in _told(session, case.id)):
            return "it was followed up before"
        own, link = self._settings.after.follow_up_texts, self._survey.link(case.id, now)
        if link is None:
            own = {language: text for language, text in own.items() if "{link}" not in text}
        return self._text("survey" if link else "solved", own, case, now, None, link)

    def _promise(self, row: CaseRow, now: datetime) -> datetime | None:
        """The time by which an answer is to come, also where the clock is paused; None where it has passed."""
        clock = case_clock.load(row)
        if clock.state == "paused" and row.snoozed_until is not None:
            clock = sla.resume(self._cases.policies.named(row.policy), clock, max(now, row.snoozed_until))
        return clock.due_at if clock.due_at is not None and clock.due_at - now >= SHORTEST else None

    def _text(
        self,
        variant: str,
        own: dict[str, str],
        case: Case,
        now: datetime,
        due: datetime | None,
        link: str | None = None,
    ) -> Said | str:
        text = text_for(variant, case.language, own, case.text)
        if text is None:
            return f"there is no text in {case.language}"
        zone = self._cases.policies.named(case.policy).hours.zone
        filled = fill(
            text,
            {
                "name": first_name(case.author_name or case.author),
                "brand": case.brand,
                "agent": first_name(case.owner),
                "minutes": str(_minutes(due - now)) if due else None,
                "time": spoken_time(due, now, zone) if due else None,
                "link": link,
            },
        )
        return Said(variant, filled, due) if filled else "a placeholder of its text has no value"

    def _limit(self, kind: str, case: Case) -> tuple[str, timedelta]:
        """Whom the limit counts, and how long it lasts."""
        if kind == STATUS:
            return f"case {case.id}", self._settings.auto_ack.status_every
        who = f"{case.source}\0{plain_handle(case.author or '')}"
        return who, APART if kind == AUTO_ACK else self._settings.after.follow_up_every


def still_true(reply: ReplyRow, case: CaseRow, now: datetime) -> bool:
    """Whether a notice among the replies still holds: asked once more right before it is sent."""
    if reply.kind == FOLLOW_UP:
        return case.state == "resolved"
    if reply.kind == AUTO_ACK and case.severity == "critical":
        return False
    return case.state in WAITING and now - reply.created_at <= FRESH


def record_sent(
    session: Session, cases: Cases, case_id: int, kind: str, reply_id: int, sent: SeenReply, text: str
) -> None:
    """Into the case's history: it is no reply, whatever the state, and stops no clock."""
    for event in ("auto_ack", "told") if kind == AUTO_ACK else ("told",):
        try:
            cases.act_in(
                session, case_id, event, SYSTEM, "notices", sent.at, f"notice:{reply_id}", text=text, url=sent.url
            )
        except Refused:  # the case was closed meanwhile
            continue
        return


def record_unsent(
    session: Session, cases: Cases, case_id: int, kind: str, reply_id: int, why: str, maybe: bool, now: datetime
) -> None:
    """The team hears that the customer was not told what is on the record as planned."""
    name = {AUTO_ACK: "acknowledgement", STATUS: "status note", FOLLOW_UP: "follow-up"}[kind]
    text = f"The {name} was not sent: {why}"
    if maybe:
        text += (
            ". Perhaps it stands there all the same, so that a reply of yours on the source cannot be told from it: "
            "say so with the button when you have replied."
        )
    cases.act_in(session, case_id, "note", SYSTEM, "notices", now, f"notice:{reply_id}", text=text)


def forget_limits(db: Database, settings: Settings, now: datetime) -> None:
    """Whom a limit no longer holds back is forgotten."""
    longest = max(APART, settings.auto_ack.status_every, settings.after.follow_up_every)
    with db.write() as session:
        session.execute(delete(NoticeLimitRow).where(NoticeLimitRow.at < now - longest))


def _unfit(settings: Settings, case: Case) -> str | None:
    """Why a case is not to be acknowledged by a machine, as far as the case alone tells."""
    rules = settings.auto_ack
    if case.author is None:
        return "nobody knows whose it is"
    if case.severity not in rules.severities:
        return f"it is {case.severity}"
    if case.topic in rules.not_topics:
        return f"it is about {case.topic}"
    if case.sentiment != "negative" or case.complaint_score is None or case.complaint_score < rules.complaint_at_least:
        return "it is doubtful whether it is a complaint"
    return None


def _doubtful(session: Session, case: Case, at_least: float) -> str | None:
    negative = session.scalar(
        select(VerdictRow.negative)
        .where(VerdictRow.mention_id == case.mention_id)
        .order_by(VerdictRow.revision.desc())
        .limit(1)
    )
    return None if negative is not None and negative >= at_least else "it is doubtful whether it is meant badly"


def _plan(session: Session, case_id: int, kind: str, due_at: datetime) -> None:
    """One notice of a kind waits for each case, whatever happens meanwhile; the later wish moves it."""
    waiting = select(NoticeRow).where(
        NoticeRow.case_id == case_id, NoticeRow.kind == kind, NoticeRow.due_at.is_not(None)
    )
    row = session.scalar(waiting.limit(1))
    if row is None:
        session.add(NoticeRow(case_id=case_id, kind=kind, due_at=due_at, planned_at=due_at))
    elif kind == FOLLOW_UP:
        row.due_at = due_at


def _granted(session: Session, kind: str, who: str, lasts: timedelta, now: datetime) -> datetime | None:
    """None, and the permission is used up: `who` may be told. Else the time from which on they may. One statement, so
    that of any number at once one succeeds."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    name = hashlib.sha256(who.encode("utf-8", "backslashreplace")).hexdigest()
    row = insert(NoticeLimitRow).values(kind=kind, who=name, at=now)
    row = row.on_conflict_do_update(
        index_elements=[NoticeLimitRow.kind, NoticeLimitRow.who],
        set_={"at": now},
        where=NoticeLimitRow.at <= now - lasts,
    )
    if session.scalar(row.returning(NoticeLimitRow.kind)) is not None:
        return None
    at = session.scalar(select(NoticeLimitRow.at).where(NoticeLimitRow.kind == kind, NoticeLimitRow.who == name))
    return (at or now) + lasts


def _told(session: Session, case_id: int) -> Sequence[NoticeRow]:
    """What the customer was told of this case so far."""
    return session.scalars(select(NoticeRow).where(NoticeRow.case_id == case_id, NoticeRow.outcome == "told")).all()


def _reply(session: Session, notice: NoticeRow, case: Case, said: Said, now: datetime) -> ReplyRow:
    return ReplyRow(
        key=uuid.uuid4().hex,
        kind=notice.kind,
        case_id=case.id,
        mention_id=case.mention_id if notice.kind == AUTO_ACK else newest_mention(session, case),
        text=said.text,
        actor=SYSTEM,
        origin="notices",
        state="pending",
        created_at=now,
        not_before=now,
    )


def _minutes(left: timedelta) -> int:
    """Rounded down, to fives where that is near enough: what is promised shall hold."""
    minutes = int(left.total_seconds() // 60)
    return minutes - minutes % 5 if minutes > 10 else minutes
