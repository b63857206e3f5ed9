"""The second stage: judge what waits.

Mentions are claimed by lease, judged outside any transaction, and then verdicts, cases and deliveries are committed
together. What makes the model or the commit fail is found by halving; it is tried again a little later, alone, and
parked after MAX_ATTEMPTS. So a text that kills the whole process is parked too, and takes no other with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import select, text, update
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from monitor import faults
from monitor.classify.model import Classifier, one_by_one
from monitor.classify.verdict import SENTIMENTS, Subject, Unreadable, Verdict
from monitor.clock import Clock
from monitor.database import Database
from monitor.leases import MAX_ATTEMPTS, Lease, claim, finish, free, held
from monitor.models import MentionRow, VerdictRow

if TYPE_CHECKING:
    from monitor.cases import Cases

LEASE = timedelta(minutes=2)
PAUSE = timedelta(seconds=10)  # before a mention that failed is tried again, times its attempts
ALONE_FROM = 2  # a mention that was claimed this often and not judged is claimed by itself
MAX_ERROR = 500
_WAITING = text("mentions.judging = 'waiting'")  # literal, so that SQLite takes the partial index

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
        waiting = select(m.id).where(_WAITING).order_by(m.id)
        with self._db.read() as session:
            first = session.execute(
                select(m.id, m.attempt).where(_WAITING, free(m, now)).order_by(m.id).limit(1)
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
            for lease in [each for each in leases.values() if each.attempt > MAX_ATTEMPTS]:
                self._park(session, leases.pop(lease.id), None)
        return [_Work(leases[r.id], r.revision, Subject(r.text, r.rating)) for r in rows if r.id in leases]

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
            ids = [w.lease.id for w, _ in judged]
            found = session.scalars(select(MentionRow).where(MentionRow.id.in_(ids)).with_for_update())
            rows = {row.id: row for row in found}
            ours = [
                (w, answer, rows[w.lease.id])
                for w, answer in judged
                if w.lease.id in rows and _still_ours(rows[w.lease.id], w)
            ]
            verdicts = []
            for w, answer, row in ours:
                row.lease_owner = row.lease_until = None
                if isinstance(answer, Unreadable):
                    row.judging, row.judge_error = "parked", answer.reason[:MAX_ERROR]
                else:
                    row.judging, row.judge_error = "judged", None
                    session.add(_verdict_row(w, answer, now))
                    verdicts.append((w, answer))
            session.flush()
            faults.step("classify.stored")
            for w, verdict in verdicts:
                self._cases.consider(session, w.lease.id, verdict, now)

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


def _still_ours(row: MentionRow, work: _Work) -> bool:
    """Neither taken over by another worker, nor edited or removed meanwhile."""
    mine = row.lease_owner == work.lease.owner and row.attempt == work.lease.attempt
    return mine and row.judging == "waiting" and row.revision == work.revision


def _verdict_row(work: _Work, verdict: Verdict, now: datetime) -> VerdictRow:
    return VerdictRow(
        mention_id=work.lease.id,
        revision=work.revision,
        language=verdict.language,
        language_score=verdict.language_score,
        sentiment=verdict.sentiment,
        **dict(zip(SENTIMENTS, verdict.sentiment_scores, strict=True)),
        complaint=verdict.complaint,
        complaint_score=verdict.complaint_score,
        severity=verdict.severity,
        severity_score=verdict.severity_score,
        topic=verdict.topic,
        topic_score=verdict.topic_score,
        model=verdict.model,
        judged_at=now,
    )


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:MAX_ERROR]
