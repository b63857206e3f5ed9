"""Public replies found on the source itself: nobody has to click for the clock to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.brands import Brands, plain_handle
from monitor.database import Database
from monitor.errors import Refused
from monitor.models import CaseRow, MentionRow
from monitor.sources.base import SeenReply, Source
from monitor.told import told_by_itself, unsure

AWAITING = ("open", "taken", "reopened", "snoozed")  # a case in any other state has its reply, or needs none

OnReply = Callable[[Session, int, SeenReply], None]


@dataclass(frozen=True, slots=True)
class _Awaiting:
    """A case that waits for a reply to any of `mentions`, which were posted at these times."""

    id: int
    brand: str
    after: datetime | None  # an earlier reply answered earlier words
    mentions: dict[str, datetime]


def answered(session: Session, own: Sequence[int], brands: Brands) -> list[tuple[int, SeenReply]]:
    """The open cases that the mentions `own`, just stored and written by brands' accounts, answer publicly.

    What a mention answers is its `parent`. One without a parent answers the only open case of its conversation."""
    found = []
    for row in session.scalars(select(MentionRow).where(MentionRow.id.in_(own))) if own else ():
        case = _case_answered(session, row)
        if case is not None and plain_handle(row.author or "") in brands.accounts(case.brand):
            found.append((case.id, _seen(row)))
    ids = {case_id for case_id, _ in found}
    ours, doubtful = told_by_itself(session, ids), unsure(session, ids)  # the doubtful are looked at again later
    return [(case_id, seen) for case_id, seen in found if seen.external_id not in ours and case_id not in doubtful]


def _case_answered(session: Session, own: MentionRow) -> CaseRow | None:
    cases = select(CaseRow).join(MentionRow, MentionRow.case_id == CaseRow.id)
    cases = cases.where(MentionRow.source == own.source, CaseRow.state.in_(AWAITING)).distinct()
    if own.parent is not None:
        cases = cases.where(MentionRow.external_id == own.parent)
    elif own.conversation is not None and own.conversation != own.external_id:
        cases = cases.where(MentionRow.conversation == own.conversation, MentionRow.posted_at <= own.posted_at)
    else:
        return None
    found = session.scalars(cases.limit(2)).all()
    if len(found) != 1 or (_after(found[0]) or own.posted_at) > own.posted_at:
        return None
    return found[0]


def check_source(
    db: Database, name: str, source: Source, brands: Brands, on_reply: OnReply, after: int, limit: int
) -> tuple[int, int]:
    """Look for replies to up to `limit` open cases of source `name` with ids above `after`. How many were found, and
    the `after` of the next call. `on_reply` runs in a write transaction. Raises what the source raises."""
    with db.read() as session:
        cases = _awaiting(session, name, after, limit)
        doubtful = unsure(session, [case.id for case in cases])
        last = cases[-1].id if len(cases) == limit else 0
        cases = [case for case in cases if case.id not in doubtful]
        besides = told_by_itself(session, [case.id for case in cases])
        found = _stored_replies(session, name, cases, brands, besides)
    if source.capabilities.sees_replies:
        for brand in dict.fromkeys(case.brand for case in cases if case.id not in found):
            mine = [case for case in cases if case.brand == brand and case.id not in found]
            ids = tuple(id for case in mine for id in case.mentions)
            accounts = brands.accounts(brand)
            asked = bool(accounts) or source.capabilities.one_answer
            replies = source.replies_to(ids, accounts, *([besides] if besides else [])) if asked else {}
            for case in mine:
                reply = _first(case, (replies[id] for id in case.mentions if id in replies))
                if reply is not None:
                    found[case.id] = reply
    if found:
        with db.write() as session:
            for id, reply in found.items():
                try:
                    on_reply(session, id, reply)
                except Refused:
                    continue  # the case moved on while we looked
    return len(found), last


def _awaiting(session: Session, name: str, after: int, limit: int) -> list[_Awaiting]:
    wanted = select(CaseRow).where(CaseRow.source == name, CaseRow.state.in_(AWAITING), CaseRow.id > after)
    rows = session.scalars(wanted.order_by(CaseRow.id).limit(limit)).all()
    mentions: dict[int, dict[str, datetime]] = {row.id: {} for row in rows}
    columns = select(MentionRow.case_id, MentionRow.external_id, MentionRow.posted_at)
    for case_id, external_id, posted_at in session.execute(columns.where(MentionRow.case_id.in_(mentions))):
        if case_id is not None:
            mentions[case_id][external_id] = posted_at
    return [_Awaiting(row.id, row.brand, _after(row), mentions[row.id]) for row in rows]


def _after(case: CaseRow) -> datetime | None:
    if case.clock_kind == "next":
        return case.starts_at
    # a case that was reopened has had its first reply: that one is not news
    return case.first_response_at + timedelta(microseconds=1) if case.first_response_at else None


def _stored_replies(
    session: Session, name: str, cases: Sequence[_Awaiting], brands: Brands, besides: frozenset[str]
) -> dict[int, SeenReply]:
    """Replies that were stored before their case was opened."""
    by_mention = {id: case for case in cases for id in case.mentions}
    if not by_mention:
        return {}
    threads = select(MentionRow.conversation).where(
        MentionRow.case_id.in_([case.id for case in cases]), MentionRow.conversation.is_not(None)
    )
    own = select(MentionRow).where(
        MentionRow.source == name, MentionRow.conversation.in_(threads), MentionRow.own, MentionRow.parent.is_not(None)
    )
    replies: dict[int, list[SeenReply]] = {}
    for row in session.scalars(own):
        case = by_mention.get(row.parent or "")
        counts = row.external_id not in besides
        if case is not None and counts and plain_handle(row.author or "") in brands.accounts(case.brand):
            replies.setdefault(case.id, []).append(_seen(row))
    by_id = {case.id: case for case in cases}
    firsts = {id: _first(by_id[id], found) for id, found in replies.items()}
    return {id: reply for id, reply in firsts.items() if reply is not None}


def _first(case: _Awaiting, replies: Iterable[SeenReply]) -> SeenReply | None:
    fresh = (reply for reply in replies if case.after is None or reply.at >= case.after)
    return min(fresh, key=lambda reply: reply.at, default=None)


def _seen(row: MentionRow) -> SeenReply:
    return SeenReply(row.external_id, row.posted_at, row.author or "", row.url)
