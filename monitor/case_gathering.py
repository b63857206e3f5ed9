"""Which case a mention belongs to: it opens one, joins one, or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import and_, func, or_, select, text
from sqlalchemy.orm import Session

from monitor import case_clock, sla
from monitor.case_events import SYSTEM, CaseWriter, Happened, answered, last_reply
from monitor.classify.verdict import SEVERITIES, Verdict
from monitor.models import CaseRow, MentionRow, RevisionRow
from monitor.settings import Settings
from monitor.transitions import NEW, OPEN_STATES
from monitor.vip import Vips, raised

_JOINABLE = 20  # how many of an author's latest cases are looked at
_LOCK = 0x66697273  # PostgreSQL: two words of one author, judged at once, must not open two cases


@dataclass(frozen=True, slots=True)
class _Words:
    """A judged mention that may belong to a case. The words that it has now were posted and first seen at these
    moments: an edit is as late as the moment at which it was noticed."""

    mention: MentionRow
    verdict: Verdict
    brands: list[str]
    posted_at: datetime
    seen_at: datetime

    @property
    def by(self) -> tuple[str, str | None]:
        return self.mention.source, self.mention.author


class Gathering:
    def __init__(self, settings: Settings, writer: CaseWriter) -> None:
        self.settings = settings
        self.writer = writer
        self.policies = writer.policies
        self._vips = Vips(settings.vip)
        self._competitors = {brand.name for brand in settings.brands if brand.competitor}

    def consider(self, session: Session, verdicts: Mapping[int, Verdict], now: datetime) -> dict[int, int]:
        """Open a case for each complaint, or let the mention join one; in the caller's write transaction, after the
        verdicts were stored. `verdicts` by the mentions' ids; the cases' ids, of the mentions that belong to one.

        A complaint joins the author's open case of the same conversation, or of the same source and brand within
        `cases.join_within` of its first complaint. Other words join in the same conversation only.

        Queries are for many mentions at once: their number grows with the most that any one author said."""
        said = self._said(session, verdicts)
        if said and session.get_bind().dialect.name == "postgresql":
            session.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        self._judged_again(session, [words for words in said if words.mention.case_id is not None], now)
        for turn in _turns(words for words in said if words.mention.case_id is None):
            self._gather(session, turn, now)
        return {words.mention.id: words.mention.case_id for words in said if words.mention.case_id is not None}

    def _said(self, session: Session, verdicts: Mapping[int, Verdict]) -> list[_Words]:
        m = MentionRow
        complaints = [mention_id for mention_id, verdict in verdicts.items() if verdict.complaint]
        others = [mention_id for mention_id, verdict in verdicts.items() if not verdict.complaint]
        joins = and_(m.id.in_(others), m.author.is_not(None), m.conversation.is_not(None))
        rows = session.scalars(
            select(m).where(or_(m.id.in_(complaints), joins), ~m.own, m.removed_at.is_(None)).order_by(m.id)
        ).all()
        edited = _edited_at(session, [row.id for row in rows if row.revision])
        said = []
        for row in rows:
            if brands := [brand for brand in row.brands if brand not in self._competitors]:
                seen_at = edited.get(row.id, row.seen_at)
                posted_at = max(row.posted_at, seen_at) if row.revision else row.posted_at
                said.append(_Words(row, verdicts[row.id], brands, posted_at, seen_at))
        return said

    def _gather(self, session: Session, turn: Sequence[_Words], now: datetime) -> None:
        """Words of as many authors, so that none has to see what became of another."""
        known = _latest_cases(session, {words.by for words in turn})
        told: list[tuple[CaseRow, Happened]] = []
        opened: list[tuple[CaseRow, MentionRow]] = []
        for words in turn:
            row = self._joinable(known.get(words.by, ()), words)
            if row is not None:
                told += [(row, stored) for stored in self._join(session, row, words, now)]
            elif words.verdict.complaint:
                row, stored = self._new(session, words, now)
                opened.append((row, words.mention))
                told.append((row, stored))
        session.add_all(row for row, _ in opened)
        session.flush()
        for row, mention in opened:
            mention.case_id = row.id
        self.writer.tell(session, told)

    def _new(self, session: Session, words: _Words, now: datetime) -> tuple[CaseRow, Happened]:
        """A case for a complaint, not stored yet, and its first event."""
        mention, verdict, brand = words.mention, words.verdict, words.brands[0]
        vip = self._vips.why(mention.source, mention.author, mention.author_followers)
        severity = raised(verdict.severity) if vip else verdict.severity
        subject = sla.Subject(
            mention.source, brand, severity, verdict.language, mention.rating, mention.author_followers
        )
        policy, why = self.policies.choose(subject)
        clock = sla.CaseClock()
        if not mention.backfill:
            clock = sla.first_sight(self.settings.clock, policy, words.posted_at, words.seen_at)
        row = CaseRow(
            mention_id=mention.id,
            brand=brand,
            source=mention.source,
            author=mention.author,
            conversation=mention.conversation,
            state=NEW,
            severity=severity,
            vip=vip,
            topic=verdict.topic,
            language=verdict.language,
            opened_at=now,
            posted_at=words.posted_at,
            policy=policy.name,
            step=0,
            version=0,
        )
        case_clock.store(row, clock)
        detail = {"policy": policy.name, "why": why, "backfill": mention.backfill, "vip": vip}
        return row, self.writer.apply(session, row, Happened("opened", SYSTEM, mention.source, now, detail))

    def _joinable(self, rows: Sequence[CaseRow], words: _Words) -> CaseRow | None:
        """Which of the author's cases, the latest first, the words belong to."""
        mention, complaint, posted_at = words.mention, words.verdict.complaint, words.posted_at
        within = self.settings.cases.join_within
        same = [r for r in rows if r.conversation is not None and r.conversation == mention.conversation]
        for row in same:
            if row.state != "resolved":
                return row
            if complaint and row.resolved_at is not None and posted_at - row.resolved_at <= within:
                return row
        if complaint:
            for row in rows:
                if row.state != "resolved" and row.brand in words.brands and abs(posted_at - row.posted_at) <= within:
                    return row
        return None

    def _join(self, session: Session, row: CaseRow, words: _Words, now: datetime) -> list[Happened]:
        mention, verdict, posted_at = words.mention, words.verdict, words.posted_at
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
            fresh = sla.first_sight(self.settings.clock, policy, posted_at, words.seen_at)
        author, detail = mention.author or "", {"mention_id": mention.id}
        if row.state in ("replied", "resolved") and asks:
            clock = self._clock_again(row, fresh, replied_at, posted_at)
            event = Happened("customer_again", author, row.source, posted_at, detail, clock=clock, learnt_at=now)
        elif row.state == "resolved":
            event = Happened("note", SYSTEM, row.source, now, {**detail, "text": "the customer wrote again"})
        else:
            clock = _clock_joined(case_clock.load(row), fresh, verdict.complaint, unanswered)
            event = Happened("joined", author, row.source, now, detail, clock=clock)
        return [*happened, self.writer.apply(session, row, event)]

    def _clock_again(
        self, row: CaseRow, fresh: sla.CaseClock, replied_at: datetime | None, posted_at: datetime
    ) -> sla.CaseClock:
        """A next-response clock after an answer; a case closed without one goes on with the clock that it had."""
        clock = case_clock.load(row)
        if not answered(clock, replied_at):
            return sla.reopen(self.policies.named(row.policy), clock, posted_at)
        row.step = 0
        return sla.as_next(fresh)

    def _judged_again(self, session: Session, said: Sequence[_Words], now: datetime) -> None:
        worse = [words for words in said if words.verdict.complaint]
        if not worse:
            return
        ids = {words.mention.case_id for words in worse}
        locked = select(CaseRow).where(CaseRow.id.in_(ids)).order_by(CaseRow.id).with_for_update()
        rows = {row.id: row for row in session.scalars(locked.execution_options(populate_existing=True))}
        told: list[tuple[CaseRow, Happened]] = []
        for words in worse:
            row = rows[words.mention.case_id or 0]
            if row.state in OPEN_STATES and _raise_severity(row, words.verdict):
                detail = {
                    "mention_id": words.mention.id,
                    "text": f"the words were edited, severity is now {row.severity}",
                }
                told.append((row, self.writer.apply(session, row, Happened("note", SYSTEM, row.source, now, detail))))
        self.writer.tell(session, told)


def _turns(said: Iterable[_Words]) -> list[list[_Words]]:
    """The words in turns within which each author speaks once: one turn, unless somebody said several things."""
    turns: list[list[_Words]] = []
    spoken: Counter[tuple[str, str | None]] = Counter()
    for words in said:
        turn = spoken[words.by] if words.mention.author is not None else 0
        spoken[words.by] += 1
        if turn == len(turns):
            turns.append([])
        turns[turn].append(words)
    return turns


def _latest_cases(
    session: Session, authors: Iterable[tuple[str, str | None]]
) -> dict[tuple[str, str | None], list[CaseRow]]:
    """The latest cases of each author `(source, name)`, the latest first, locked."""
    names: dict[str, set[str]] = {}
    for source, author in authors:
        if author is not None:
            names.setdefault(source, set()).add(author)
    found: dict[tuple[str, str | None], list[CaseRow]] = {}
    live, latest = CaseRow.state != "dismissed", (CaseRow.opened_at.desc(), CaseRow.id.desc())
    rank = func.row_number().over(partition_by=CaseRow.author, order_by=latest)
    for source, some in names.items():  # one query a source, since SQLite finds no index for pairs
        ranked = select(CaseRow.id, rank.label("rank")).where(CaseRow.source == source, CaseRow.author.in_(some), live)
        few = ranked.subquery()
        rows = session.scalars(
            select(CaseRow)
            .where(CaseRow.id.in_(select(few.c.id).where(few.c.rank <= _JOINABLE)), live)
            .order_by(*latest)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        for row in rows:
            found.setdefault((source, row.author), []).append(row)
    return found


def _clock_joined(clock: sla.CaseClock, fresh: sla.CaseClock, complaint: bool, unanswered: bool) -> sla.CaseClock:
    """The clock once more words have joined: a fresh complaint starts the clock of a case that has none, and a
    next-response clock begins at the oldest unanswered word, in whatever order the words were seen."""
    if clock.state == "none":
        return replace(fresh, kind=clock.kind) if complaint else clock
    movable = clock.kind == "next" and clock.state == "running" and not clock.paused_calendar and unanswered
    if movable and clock.starts_at and fresh.starts_at and fresh.starts_at < clock.starts_at:
        return sla.as_next(fresh)
    return clock


def _edited_at(session: Session, mention_ids: Sequence[int]) -> dict[int, datetime]:
    """When the present words of edited mentions were noticed."""
    if not mention_ids:
        return {}
    noticed = select(RevisionRow.mention_id, func.max(RevisionRow.replaced_at))
    found = session.execute(noticed.where(RevisionRow.mention_id.in_(mention_ids)).group_by(RevisionRow.mention_id))
    return {mention_id: at for mention_id, at in found}  # noqa: C416


def _raise_severity(row: CaseRow, verdict: Verdict) -> bool:
    """Whether the case has become worse."""
    if SEVERITIES.index(verdict.severity) <= SEVERITIES.index(row.severity):
        return False
    row.severity = verdict.severity
    return True
