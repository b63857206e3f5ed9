"""Which case a mention belongs to: it opens one, joins one, or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

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
        policy, why = self._policy(mention, brand, severity, verdict.language)
        clock = self._first_sight(policy, words)
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
        happened, was = [], self._raise_severity(row, words)
        policy = self._policy(mention, row.brand, row.severity, row.language)[0] if was else self._policy_of(row)
        if row.state == "snoozed":
            happened.append(self.writer.apply(session, row, Happened("unsnooze", SYSTEM, row.source, now)))
        replied_at = last_reply(session, row)
        unanswered = replied_at is None or posted_at > replied_at
        asks = unanswered and (verdict.complaint or verdict.sentiment != "positive")
        fresh = self._first_sight(policy, words)
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
        if was:
            happened.append(self._worsen(session, row, words, was, now))
        return happened

    def _clock_again(
        self, row: CaseRow, fresh: sla.CaseClock, replied_at: datetime | None, posted_at: datetime
    ) -> sla.CaseClock:
        """A next-response clock after an answer; a case closed without one goes on with the clock that it had."""
        clock = case_clock.load(row)
        if not answered(clock, replied_at):
            return sla.reopen(self._policy_of(row), clock, posted_at)
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
            if row.state in OPEN_STATES and (was := self._raise_severity(row, words)):
                told += [(row, stored) for stored in self._edited(session, row, words, was, now)]
        self.writer.tell(session, told)

    def _edited(self, session: Session, row: CaseRow, words: _Words, was: str, now: datetime) -> list[Happened]:
        """What was edited has made the case worse than `was`: it counts as words of the moment."""
        told, detail = [], {"mention_id": words.mention.id}
        replied_at = last_reply(session, row) if row.state == "replied" else None
        if row.state == "snoozed":
            told.append(self.writer.apply(session, row, Happened("unsnooze", SYSTEM, row.source, now)))
        elif replied_at is not None and words.posted_at > replied_at:
            fresh = self._first_sight(self._policy(words.mention, row.brand, row.severity, row.language)[0], words)
            clock = self._clock_again(row, fresh, replied_at, words.posted_at)
            author, at = words.mention.author or "", words.posted_at
            event = Happened("customer_again", author, row.source, at, detail, clock=clock, learnt_at=now)
            told.append(self.writer.apply(session, row, event))
            detail = {}
        return [*told, self._worsen(session, row, words, was, now, **detail)]

    def _raise_severity(self, row: CaseRow, words: _Words) -> str | None:
        """Make the case as grave as these words are; how grave it was, if it has become worse."""
        if not words.verdict.complaint:
            return None
        mention, was = words.mention, row.severity
        row.vip = row.vip or self._vips.why(mention.source, mention.author, mention.author_followers)
        severity = raised(words.verdict.severity) if row.vip else words.verdict.severity
        row.severity = max(was, severity, key=SEVERITIES.index)
        return was if row.severity != was else None

    def _worsen(
        self, session: Session, row: CaseRow, words: _Words, was: str, now: datetime, **detail: Any
    ) -> Happened:
        """The case has become worse than `was`: it comes under the policy for that, unless its time is up already."""
        policy, why = self._policy(words.mention, row.brand, row.severity, row.language)
        clock, starts_at = case_clock.load(row), self._first_sight(policy, words).starts_at
        detail |= {"was": was, "severity": row.severity}
        overdue = clock.state == "running" and clock.due_at is not None and sla.late(now, clock.due_at)
        if policy.name != row.policy and starts_at is not None and not overdue:
            row.policy, row.step = policy.name, 0
            detail |= {"policy": policy.name, "why": why}
            clock = sla.worsen(policy, clock, starts_at)
        return self.writer.apply(session, row, Happened("worse", SYSTEM, row.source, now, detail, clock=clock))

    def _policy(self, mention: MentionRow, brand: str, severity: str, language: str) -> tuple[sla.Policy, str]:
        subject = sla.Subject(mention.source, brand, severity, language, mention.rating, mention.author_followers)
        return self.policies.choose(subject)

    def _policy_of(self, row: CaseRow) -> sla.Policy:
        return self.policies.named(row.policy)

    def _first_sight(self, policy: sla.Policy, words: _Words) -> sla.CaseClock:
        """The clock that these words alone have; none for imported history."""
        if words.mention.backfill:
            return sla.CaseClock()
        return sla.first_sight(self.settings.clock, policy, words.posted_at, words.seen_at)


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
