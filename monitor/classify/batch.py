"""The second stage: judge what waits.

Mentions are claimed by lease, judged outside any transaction, and then verdicts, cases and deliveries are committed
together. A reply that only agrees is judged together with what it answers: monitor/agreement.py. What makes the model
or the commit fail is found by halving; it is tried again a little later, alone, and parked after MAX_ATTEMPTS. So a
text that kills the whole process is parked too, and takes no other with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import select, text, update
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from monitor import faults, rollups
from monitor.agreement import in_context
from monitor.classify.model import Classifier, one_by_one
from monitor.classify.verdict import SENTIMENTS, Subject, Unreadable, Verdict
from monitor.clock import Clock
from monitor.database import Database, insert_rows
from monitor.leases import MAX_ATTEMPTS, Lease, claim, finish, free, held
from monitor.models import MentionRow, VerdictRow
from monitor.parents import answered

if TYPE_CHECKING:
    from monitor.cases import Cases

LEASE = timedelta(minutes=2)
PAUSE = timedelta(seconds=10)  # before a mention that failed is tried again, times its attempts
ALONE_FROM = 2  # a mention that was claimed this often and not judged is claimed by itself
MAX_ERROR = 500
_WAITING = text("mentions.judging = 'waiting'")  # literal, so that SQLite takes the partial index
_NAMED = [field.name for field in fields(Verdict) if field.name != "sentiment_scores"]  # columns of the same name

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Work:
    lease: Lease
    revision: int
    subject: Subject


_Judged = tuple[_Work, Verdict | Unreadable]


class ClassifyStage:
    name = "classify"

    def __init__(
        self, db: Database, clock: Clock, classifier: Classifier, cases: Cases, owner: str, batch: int = 64
    ) -> None:
        self._db, self._clock, self._classifier = db, clock, classifier
        self._cases, self._owner, self._batch = cases, owner, batch

    def run_once(self) -> int:
        """Judge up to `batch` mentions; how many were judged or set aside. Any number of threads and processes may do
        this at once. Raises when the database fails; what was claimed is then free again when its lease runs out."""
        work = self._claim()
        if not work:
            return 0
        faults.step("classify.claimed")
        answers = one_by_one(self._classifier.judge, [w.subject for w in work])
        faults.step("classify.judged")
        judged: list[_Judged] = []
        for w, answer in zip(work, answers, strict=True):
            if isinstance(answer, Exception):
                self._set_aside(w, answer)
            else:
                judged.append((w, answer))
        self._store(judged)
        faults.step("classify.committed")
        return len(work)

    def _claim(self) -> list[_Work]:
        now = self._clock.now()
        m = MentionRow
        waiting = select(m.id).where(_WAITING).order_by(m.backfill, m.id)  # imported history waits
        with self._db.read() as session:
            first = session.execute(
                select(m.id, m.attempt).where(_WAITING, free(m, now)).order_by(m.backfill, m.id).limit(1)
            ).first()
        if first is None:
            return []
        if first.attempt >= ALONE_FROM:
            waiting = waiting.where(m.id == first.id)
        else:
            waiting = waiting.where(m.attempt < ALONE_FROM, free(m, now)).limit(self._batch)
        with self._db.write() as session:
            leases = {lease.id: lease for lease in claim(session, m, waiting, self._owner, now, LEASE)}
            rows = session.execute(
                select(m.id, m.revision, m.text, m.rating).where(m.id.in_(leases)).order_by(m.id)
            ).all()
            context = answered(session, leases)
            for lease in [each for each in leases.values() if each.attempt > MAX_ATTEMPTS]:
                self._park(session, leases.pop(lease.id), None)
        return [
            _Work(leases[r.id], r.revision, Subject(in_context(r.text, context.get(r.id)), r.rating))
            for r in rows
            if r.id in leases
        ]

    def _store(self, judged: Sequence[_Judged]) -> None:
        """Commit what was said of each; where that fails, halves, down to the single mentions that make it fail."""
        if not judged:
            return
        try:
            self._commit(judged, self._clock.now())
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            if len(judged) == 1:
                self._set_aside(judged[0][0], error)
                return
            half = len(judged) // 2
            self._store(judged[:half])
            self._store(judged[half:])

    def _commit(self, judged: Sequence[_Judged], now: datetime) -> None:
        with self._db.write() as session:
            ours = _still_ours(session, judged)
            verdicts = {}
            for work, answer in ours:
                if isinstance(answer, Unreadable):
                    finish(session, MentionRow, work.lease, judging="parked", judge_error=answer.reason[:MAX_ERROR])
                else:
                    verdicts[work.lease.id] = answer
            if verdicts:
                session.execute(
                    update(MentionRow)
                    .where(MentionRow.id.in_(verdicts))
                    .values(judging="judged", judge_error=None, lease_owner=None, lease_until=None)
                    .execution_options(synchronize_session=False)
                )
                rows = [_row(work, answer, now) for work, answer in ours if isinstance(answer, Verdict)]
                insert_rows(session, VerdictRow, rows)
            faults.step("classify.stored")
            self._cases.consider(session, verdicts, now)
            rollups.count(session, verdicts)  # last, since all who count lock the same rows

    def _set_aside(self, work: _Work, error: Exception) -> None:
        """Leave a mention that failed for later, or for good."""
        log.warning(
            "a mention could not be judged", mention=work.lease.id, attempt=work.lease.attempt, error=repr(error)
        )
        with self._db.write() as session:
            if work.lease.attempt >= MAX_ATTEMPTS:
                self._park(session, work.lease, error)
                return
            session.execute(
                update(MentionRow)
                .where(held(MentionRow, work.lease))
                .values(
                    lease_owner=None,
                    lease_until=self._clock.now() + PAUSE * work.lease.attempt,
                    judge_error=_words(error),
                )
                .execution_options(synchronize_session=False)
            )

    def _park(self, session: Session, lease: Lease, error: Exception | None) -> None:
        reason = _words(error) if error else f"the process died {MAX_ATTEMPTS} times while it was being judged"
        finish(session, MentionRow, lease, judging="parked", judge_error=reason)
        log.error("a mention was parked", mention=lease.id, reason=reason)


def _still_ours(session: Session, judged: Sequence[_Judged]) -> list[_Judged]:
    """Those that are neither taken over by another worker, nor edited or removed meanwhile; locked."""
    m = MentionRow
    columns = (m.id, m.lease_owner, m.attempt, m.revision)
    found = session.execute(
        select(*columns)
        .where(m.id.in_([work.lease.id for work, _ in judged]), m.judging == "waiting")
        .order_by(m.id)
        .with_for_update()
    )
    present = {tuple(row) for row in found}
    return [
        (work, answer)
        for work, answer in judged
        if (work.lease.id, work.lease.owner, work.lease.attempt, work.revision) in present
    ]


def _row(work: _Work, verdict: Verdict, now: datetime) -> dict[str, Any]:
    named = {name: getattr(verdict, name) for name in _NAMED}
    scores = dict(zip(SENTIMENTS, verdict.sentiment_scores, strict=True))
    return {"mention_id": work.lease.id, "revision": work.revision, "judged_at": now, **named, **scores}


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:MAX_ERROR]
