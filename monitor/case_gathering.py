"""Which case a mention belongs to: it opens one, joins one, or none."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from monitor import case_clock, sla
from monitor.case_events import SYSTEM, CaseWriter, Happened, answered, last_reply
from monitor.case_views import new_view
from monitor.classify.verdict import SEVERITIES, Verdict
from monitor.models import CaseRow, MentionRow, RevisionRow
from monitor.settings import Settings
from monitor.transitions import NEW, OPEN_STATES

_JOINABLE = 20  # how many of an author's latest cases are looked at
_LOCK = 0x66697273  # PostgreSQL: two words of one author, judged at once, must not open two cases


class Gathering:
    def __init__(self, settings: Settings, writer: CaseWriter) -> None:
        self.settings = settings
        self.writer = writer
        self.policies = writer.policies
        self._competitors = {brand.name for brand in settings.brands if brand.competitor}

    def consider(self, session: Session, mention_id: int, verdict: Verdict, now: datetime) -> int | None:
        """Open a case for a complaint, or let the mention join one; in the caller's write transaction, after the
        verdict was stored. The case's id, or None where the mention belongs to none.

        A complaint joins the author's open case of the same conversation, or of the same source and brand within
        `cases.join_within` of its first complaint. Other words join in the same conversation only."""
        mention = session.get(MentionRow, mention_id)
        if mention is None or mention.own or mention.removed_at is not None:
            return None
        brands = [brand for brand in mention.brands if brand not in self._competitors]
        if not brands:
            return None
        if mention.case_id is not None:
            self._judged_again(session, mention.case_id, verdict)
            return mention.case_id
        if not verdict.complaint and (mention.author is None or mention.conversation is None):
            return None
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        posted_at, seen_at = said(session, mention)
        row = self._joinable(session, mention, brands, verdict, posted_at)
        if row is not None:
            self._join(session, row, mention, verdict, posted_at, seen_at, now)
        elif verdict.complaint:
            row = self._open(session, mention, brands[0], verdict, posted_at, seen_at, now)
        return row.id if row else None

    def _open(
        self,
        session: Session,
        mention: MentionRow,
        brand: str,
        verdict: Verdict,
        posted_at: datetime,
        seen_at: datetime,
        now: datetime,
    ) -> CaseRow:
        subject = sla.Subject(
            mention.source, brand, verdict.severity, verdict.language, mention.rating, mention.author_followers
        )
        policy, why = self.policies.choose(subject)
        clock = sla.CaseClock()
        if not mention.backfill:
            clock = sla.first_sight(self.settings.clock, policy, posted_at, seen_at)
        row = CaseRow(
            mention_id=mention.id,
            brand=brand,
            source=mention.source,
            author=mention.author,
            conversation=mention.conversation,
            state=NEW,
            severity=verdict.severity,
            topic=verdict.topic,
            language=verdict.language,
            opened_at=now,
            posted_at=posted_at,
            policy=policy.name,
            step=0,
            version=0,
            paused_calendar=0.0,
            paused_business=0.0,
        )
        case_clock.store(row, clock)
        session.add(row)
        session.flush()
        mention.case_id = row.id
        detail = {"policy": policy.name, "why": why, "backfill": mention.backfill}
        stored = self.writer.apply(session, row, Happened("opened", SYSTEM, mention.source, now, detail))
        self.writer.tell_changes(session, [stored.change(new_view(session, row, mention, verdict))])
        return row

    def _joinable(
        self, session: Session, mention: MentionRow, brands: list[str], verdict: Verdict, posted_at: datetime
    ) -> CaseRow | None:
        if mention.author is None:
            return None
        rows = session.scalars(
            select(CaseRow)
            .where(CaseRow.source == mention.source, CaseRow.author == mention.author, CaseRow.state != "dismissed")
            .order_by(CaseRow.opened_at.desc(), CaseRow.id.desc())
            .limit(_JOINABLE)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).all()
        within = self.settings.cases.join_within
        same = [r for r in rows if r.conversation is not None and r.conversation == mention.conversation]
        for row in same:
            if row.state != "resolved":
                return row
            if verdict.complaint and row.resolved_at is not None and posted_at - row.resolved_at <= within:
                return row
        if verdict.complaint:
            for row in rows:
                if row.state != "resolved" and row.brand in brands and abs(posted_at - row.posted_at) <= within:
                    return row
        return None

    def _join(
        self,
        session: Session,
        row: CaseRow,
        mention: MentionRow,
        verdict: Verdict,
        posted_at: datetime,
        seen_at: datetime,
        now: datetime,
    ) -> None:
        mention.case_id = row.id
        if verdict.complaint:
            _raise_severity(row, verdict)
        happened = []
        if row.state == "snoozed":
            happened.append(self.writer.apply(session, row, Happened("unsnooze", SYSTEM, row.source, now)))
        replied_at = last_reply(session, row)
        unanswered = replied_at is None or posted_at > replied_at
        asks = unanswered and (verdict.complaint or verdict.sentiment != "positive")
        fresh = sla.CaseClock()
        if not mention.backfill:
            policy = self.policies.named(row.policy)
            fresh = sla.first_sight(self.settings.clock, policy, posted_at, seen_at)
        author, detail = mention.author or "", {"mention_id": mention.id}
        if row.state in ("replied", "resolved") and asks:
            clock = self._clock_again(row, fresh, replied_at, posted_at)
            event = Happened("customer_again", author, row.source, posted_at, detail, clock=clock, learnt_at=now)
        elif row.state == "resolved":
            event = Happened("note", SYSTEM, row.source, now, {**detail, "text": "the customer wrote again"})
        else:
            clock = _clock_joined(case_clock.load(row), fresh, verdict.complaint, unanswered)
            event = Happened("joined", author, row.source, now, detail, clock=clock)
        happened.append(self.writer.apply(session, row, event))
        self.writer.tell(session, [(row, stored) for stored in happened])

    def _clock_again(
        self, row: CaseRow, fresh: sla.CaseClock, replied_at: datetime | None, posted_at: datetime
    ) -> sla.CaseClock:
        """A next-response clock after an answer; a case closed without one goes on with the clock that it had."""
        clock = case_clock.load(row)
        if not answered(clock, replied_at):
            return sla.reopen(self.policies.named(row.policy), clock, posted_at)
        row.step = 0
        return sla.as_next(fresh)

    def _judged_again(self, session: Session, case_id: int, verdict: Verdict) -> None:
        row = session.get(CaseRow, case_id, with_for_update=True, populate_existing=True)
        if row is not None and verdict.complaint and row.state in OPEN_STATES:
            _raise_severity(row, verdict)


def _clock_joined(clock: sla.CaseClock, fresh: sla.CaseClock, complaint: bool, unanswered: bool) -> sla.CaseClock:
    """The clock once more words have joined: a fresh complaint starts the clock of a case that has none, and a
    next-response clock begins at the oldest unanswered word, in whatever order the words were seen."""
    if clock.state == "none":
        return replace(fresh, kind=clock.kind) if complaint else clock
    movable = clock.kind == "next" and clock.state == "running" and not clock.paused_calendar and unanswered
    if movable and clock.starts_at and fresh.starts_at and fresh.starts_at < clock.starts_at:
        return sla.as_next(fresh)
    return clock


def said(session: Session, mention: MentionRow) -> tuple[datetime, datetime]:
    """When the words that the mention has now were posted, and when they were first seen: an edit is as late as the
    moment at which it was noticed."""
    if not mention.revision:
        return mention.posted_at, mention.seen_at
    edited_at = session.scalar(select(func.max(RevisionRow.replaced_at)).where(RevisionRow.mention_id == mention.id))
    edited_at = edited_at or mention.seen_at
    return max(mention.posted_at, edited_at), edited_at


def _raise_severity(row: CaseRow, verdict: Verdict) -> None:
    if SEVERITIES.index(verdict.severity) > SEVERITIES.index(row.severity):
        row.severity = verdict.severity
