"""Replies to customers on their way out: stored before they are sent, approved where a rule asks for it.

reply_stage.py sends what is `pending`; replies.py notices those that people write on the source itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, cast

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from monitor.cases import Case, Cases
from monitor.database import Database
from monitor.errors import Refused
from monitor.models import CaseRow, MentionRow, ReplyRow
from monitor.settings import Settings
from monitor.sources.base import ReplyingSource, Source
from monitor.sources.length import Counting, length
from monitor.transitions import CLOSED_STATES

IN_FLIGHT = ("awaiting_approval", "pending", "sending", "unknown")
LONGEST = 20_000  # characters, where the source itself knows no limit

Sources = Callable[[str], Source | None]


@dataclass(frozen=True, slots=True)
class Route:
    """How a case can be answered. `why` says why not from here, where that is so; `url` is where people can do it."""

    place: str
    why: str | None
    limit: int
    counting: Counting
    url: str | None
    needs_approval: bool
    noticed: bool  # a reply that somebody writes there is seen without a click
    one_answer: bool = False  # the next reply takes the place of the last
    replaces: datetime | None = None  # when the reply was given whose place the next one takes

    @property
    def sends(self) -> bool:
        return self.why is None

    def excess(self, text: str) -> int:
        """By how much `text` is too long, as the source counts; 0 where it fits."""
        return max(0, length(text, self.counting) - self.limit)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A reply as it is stored. `error` says what went wrong, or why it was declined."""

    id: int
    key: str
    case_id: int
    text: str
    actor: str
    slack_user: str | None
    origin: str
    state: str
    decided_by: str | None
    created_at: datetime
    sent_at: datetime | None
    url: str | None
    error: str | None

    def by(self, actor: str, slack_user: str | None) -> bool:
        if self.slack_user is not None and slack_user is not None:
            return self.slack_user == slack_user
        return self.actor == actor


class Replies:
    """What people do with replies. Refused says why not."""

    def __init__(self, db: Database, cases: Cases, settings: Settings, sources: Sources) -> None:
        self.db, self.cases, self.settings, self.sources = db, cases, settings, sources

    def route(self, case: Case) -> Route:
        source = self.sources(case.source)
        can = source.capabilities if source else None
        place = (can.place if can else None) or case.source
        why = None
        if source is None:
            why = f"{case.source} is not among the configured sources."
        elif case.removed:
            why = "Its author has removed it."
        elif not source.capabilities.reply:
            why = f"{place} takes no replies from here."
        else:
            why = cast(ReplyingSource, source).barrier(case.text)
        facts = {"source": case.source, "brand": case.brand, "severity": case.severity, "language": case.language}
        rules = self.settings.replies.approval
        return Route(
            place=place,
            why=why,
            limit=(can.reply_limit if can else None) or LONGEST,
            counting=can.counting if can else "characters",
            url=case.url,
            needs_approval=any(rule.holds(**facts, topic=case.topic) for rule in rules),
            noticed=bool(can and can.sees_replies and (can.one_answer or self._accounts(case.brand))),
            one_answer=bool(can and can.one_answer),
            replaces=case.first_response_at if can and can.one_answer else None,
        )

    def submit(
        self, case_id: int, text: str, actor: str, origin: str, now: datetime, key: str, slack_user: str | None = None
    ) -> Outgoing:
        """Store a reply, to be sent or approved. The same `key` again stores nothing and gives the first one."""
        text = text.strip()
        if not text:
            raise Refused("A reply needs words.")
        with self.db.write() as session:
            known = session.scalar(select(ReplyRow).where(ReplyRow.key == key))
            if known is not None:
                return _view(known)
            row = session.get(CaseRow, case_id, with_for_update=True)
            case = self.cases.get(session, case_id)
            route = self.route(case)
            self._check(session, case, route, text)
            mention = newest_mention(session, case) if route.sends else case.mention_id
            reply = ReplyRow(
                key=key,
                case_id=case_id,
                mention_id=mention,
                text=text,
                actor=actor[:100],
                slack_user=slack_user,
                origin=origin,
                state="awaiting_approval" if route.needs_approval else "pending",
                created_at=now,
                not_before=now,
            )
            session.add(reply)
            session.execute(delete(ReplyRow).where(ReplyRow.key == _draft_key(case_id, slack_user or actor)))
            session.flush()
            if row is not None:
                row.composing_by = row.composing_until = None
            if route.needs_approval:
                self._happened(session, reply, "reply_waits", actor, now)
            return _view(reply)

    def approve(self, reply_id: int, actor: str, now: datetime, slack_user: str | None = None) -> Outgoing:
        """A second person lets it go out."""
        with self.db.write() as session:
            reply = self._decide(session, reply_id, actor, slack_user)
            reply.state, reply.not_before = "pending", now
            self._happened(session, reply, "reply_approved", actor, now)
            return _view(reply)

    def decline(
        self, reply_id: int, actor: str, now: datetime, slack_user: str | None = None, reason: str = ""
    ) -> Outgoing:
        """It goes back to its author as a draft. Its author may do so too, to take it back."""
        with self.db.write() as session:
            reply = self._decide(session, reply_id, actor, slack_user, own=True)
            key = _draft_key(reply.case_id, reply.slack_user or reply.actor)
            session.execute(delete(ReplyRow).where(ReplyRow.key == key))
            reply.state, reply.key = "draft", key
            reply.error = f"Declined by {actor}" + (f": {reason}" if reason else "")
            self._happened(session, reply, "reply_declined", actor, now, reason=reason or None)
            return _view(reply)

    def compose(
        self, case_id: int, actor: str, now: datetime, slack_user: str | None = None, text: str | None = None
    ) -> None:
        """`actor` is writing: it counts as activity on the case for a while, and `text` is kept as a draft."""
        until = now + self.settings.replies.composing
        mine = {"composing_by": actor[:100], "composing_until": until}
        with self.db.write() as session:
            if text is not None:
                self._keep(session, case_id, actor, now, slack_user, text)
            session.execute(update(CaseRow).where(CaseRow.id == case_id).values(**mine))

    def _keep(
        self, session: Session, case_id: int, actor: str, now: datetime, slack_user: str | None, text: str
    ) -> None:
        key = _draft_key(case_id, slack_user or actor)
        draft = session.scalar(select(ReplyRow).where(ReplyRow.key == key))
        case = session.get(CaseRow, case_id)
        if draft is not None:
            draft.text = text
        elif text.strip() and case is not None:
            draft = ReplyRow(key=key, case_id=case_id, mention_id=case.mention_id, text=text, state="draft")
            draft.actor, draft.slack_user, draft.origin = actor[:100], slack_user, "draft"
            draft.created_at = draft.not_before = now
            session.add(draft)

    def stop_composing(self, case_id: int, actor: str) -> None:
        with self.db.write() as session:
            mine = (CaseRow.id == case_id, CaseRow.composing_by == actor[:100])
            session.execute(update(CaseRow).where(*mine).values(composing_by=None, composing_until=None))

    def unsent(self, session: Session, case_id: int, actor: str, slack_user: str | None = None) -> Outgoing | None:
        """What `actor` has begun to write for the case, else what was the last to fail there."""
        key = _draft_key(case_id, slack_user or actor)
        draft = session.scalar(select(ReplyRow).where(ReplyRow.key == key))
        if draft is not None and draft.text.strip():
            return _view(draft)
        last = session.scalar(
            select(ReplyRow)
            .where(ReplyRow.case_id == case_id, ReplyRow.kind == "reply", ReplyRow.state != "draft")
            .order_by(ReplyRow.id.desc())
            .limit(1)
        )
        return _view(last) if last is not None and last.state == "failed" else None

    def get(self, session: Session, reply_id: int) -> Outgoing:
        row = session.get(ReplyRow, reply_id)
        if row is None:
            raise Refused("This reply is not here any more.")
        return _view(row)

    def of_case(self, session: Session, case_id: int) -> list[Outgoing]:
        """All but drafts, in the order of their writing."""
        rows = select(ReplyRow).where(ReplyRow.case_id == case_id, ReplyRow.state != "draft").order_by(ReplyRow.id)
        return [_view(row) for row in session.scalars(rows)]

    def _check(self, session: Session, case: Case, route: Route, text: str) -> None:
        if case.state in CLOSED_STATES:
            raise Refused(f"Case {case.id} is {case.state} already. Reopen it first.")
        if route.why is not None:
            raise Refused(route.why)
        if excess := route.excess(text):
            raise Refused(f"Too long for {route.place} by {excess}: at most {route.limit:,}.")
        other = session.scalar(
            select(ReplyRow)
            .where(ReplyRow.case_id == case.id, ReplyRow.kind == "reply", ReplyRow.state.in_(IN_FLIGHT))
            .limit(1)
        )
        if other is not None:
            waits = "waits for approval" if other.state == "awaiting_approval" else "is on its way"
            raise Refused(f"A reply by {other.actor} {waits} already. Look at the thread before you send another.")

    def _decide(
        self, session: Session, reply_id: int, actor: str, slack_user: str | None, own: bool = False
    ) -> ReplyRow:
        reply = session.get(ReplyRow, reply_id, with_for_update=True, populate_existing=True)
        if reply is None:
            raise Refused("This reply is not here any more.")
        if reply.state != "awaiting_approval":
            decided = f"{reply.decided_by} was faster: it" if reply.decided_by else "It"
            raise Refused(f"{decided} is {_STANDING[reply.state]}.")
        mine = _view(reply).by(actor, slack_user)
        if mine and not own:
            raise Refused("Somebody else has to look at it: you wrote it.")
        allowed = self.settings.replies.approvers
        if not mine and allowed and slack_user not in allowed and actor not in allowed:
            raise Refused("You are not among those who approve replies.")
        reply.decided_by = actor[:100]
        return reply

    def _happened(
        self, session: Session, reply: ReplyRow, event: str, actor: str, now: datetime, **detail: Any
    ) -> None:
        told = {"reply_id": reply.id, "author": reply.actor, "slack_user": reply.slack_user, "text": reply.text}
        key = f"{event}:{reply.id}"
        self.cases.act_in(session, reply.case_id, event, actor, reply.origin, now, key, **told, **detail)

    def _accounts(self, brand: str) -> bool:
        return any(each.accounts for each in self.settings.brands if each.name == brand)


_STANDING = {
    "draft": "back with its author",
    "pending": "on its way",
    "sending": "on its way",
    "unknown": "on its way",
    "sent": "sent already",
    "failed": "not sent: it failed",
}
_FIELDS = [field.name for field in fields(Outgoing)]


def composing(session: Session, case_id: int, now: datetime) -> str | None:
    """Who is writing a reply to the case at `now`, if anybody is."""
    found = session.execute(
        select(CaseRow.composing_by, CaseRow.composing_until).where(CaseRow.id == case_id)
    ).one_or_none()
    return found[0] if found and found[1] is not None and found[1] > now else None


def newest_mention(session: Session, case: Case) -> int:
    """The mention that a reply answers: the customer's last words that still stand."""
    last = session.scalar(
        select(MentionRow.id)
        .where(MentionRow.case_id == case.id, MentionRow.removed_at.is_(None), ~MentionRow.own)
        .order_by(MentionRow.posted_at.desc(), MentionRow.id.desc())
        .limit(1)
    )
    return last or case.mention_id


def _view(row: ReplyRow) -> Outgoing:
    return Outgoing(**{name: getattr(row, name) for name in _FIELDS})


def _draft_key(case_id: int, who: str) -> str:
    """One draft a person and case."""
    return "draft:" + uuid.uuid5(uuid.NAMESPACE_OID, f"{case_id} {who}").hex
