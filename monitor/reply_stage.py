"""The stage that sends replies to customers.

As in the outbox, `sending` is committed before the call, and who comes upon a reply whose fate is unknown looks for it
on the source before sending again. Unlike an alert, a reply is never repeated on suspicion: where the source cannot
tell whether it arrived, a person is asked to look.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import structlog
from sqlalchemy import select, text

from monitor import faults, leases
from monitor.cases import Cases
from monitor.clock import Clock
from monitor.database import Database
from monitor.errors import ConfigurationError, FirsthourError, GiveUp, Refused, RetryLater, Uncertain
from monitor.models import CaseRow, MentionRow, ReplyRow
from monitor.notices import record_sent, record_unsent, still_true
from monitor.outgoing import Sources
from monitor.sources.base import Reply, ReplyingSource, SeenReply

LEASE = timedelta(minutes=3)  # longer than a call and the looking before it
SETTLE = timedelta(seconds=10)  # an answer was lost: what was posted shall show before we look
PATIENCE = timedelta(minutes=30)  # then a person hears of it, since the customer waits
AT_A_TIME = 5
_PAUSES = (timedelta(seconds=2), timedelta(minutes=2))  # between two tries: the first, the longest
# Literal on purpose: SQLite uses a partial index only for a condition without parameters.
_OPEN = "replies.state IN ('pending', 'sending', 'unknown')"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A reply that is ours to send. `look`: an earlier call may have taken effect."""

    lease: leases.Lease
    source: str
    case_id: int
    reply: Reply
    actor: str
    slack_user: str | None
    origin: str
    kind: str
    look: bool


class ReplyStage:
    name = "reply"

    def __init__(self, db: Database, clock: Clock, cases: Cases, sources: Sources, owner: str) -> None:
        self._db, self._clock, self._cases, self._sources, self._owner = db, clock, cases, sources, owner

    def run_once(self) -> int:
        done = 0
        while done < AT_A_TIME and self._send_next():
            done += 1
        return done

    def _send_next(self) -> bool:
        now = self._clock.now()
        claimed = claim_next(self._db, self._owner, now)
        if claimed is None:
            return False
        faults.step("reply.claimed")
        source = self._sources(claimed.source)
        if source is None or not source.capabilities.reply:
            self._fail(claimed, f"{claimed.source} is not configured to take replies any more", maybe=claimed.look)
            return True
        replying = cast(ReplyingSource, source)
        sent = self._look(replying, claimed) if claimed.look else None
        if sent is None and not (claimed.look and not self._still_ours(claimed)):
            if claimed.kind != "reply" and not self._still_true(claimed):
                return True
            sent = self._send(replying, claimed)
        if sent is not None:
            faults.step("reply.sent")
            self._sent(claimed, sent)
            faults.step("reply.settled")
        return True

    def _look(self, source: ReplyingSource, claimed: Claimed) -> SeenReply | None:
        """What has arrived already. Where that cannot be told now, the reply is given back and is no longer ours."""
        try:
            found = source.find_reply(claimed.reply)
        except (GiveUp, ConfigurationError) as error:
            self._fail(claimed, str(error), maybe=True)
            return None
        except Exception as error:
            self._later(claimed, "unknown", error)
            return None
        faults.step("reply.looked")
        return found

    def _still_ours(self, claimed: Claimed) -> bool:
        with self._db.write() as session:
            return leases.renew(session, ReplyRow, claimed.lease, self._clock.now() + LEASE)

    def _still_true(self, claimed: Claimed) -> bool:
        """Whether a notice is still to be sent; else it is left out. Nobody wrote it, so that nobody has to hear."""
        with self._db.write() as session:
            row, case = session.get_one(ReplyRow, claimed.lease.id), session.get_one(CaseRow, claimed.case_id)
            if still_true(row, case, self._clock.now()):
                return True
            leases.finish(session, ReplyRow, claimed.lease, state="dropped", error="it was no longer true")
        return False

    def _send(self, source: ReplyingSource, claimed: Claimed) -> SeenReply | None:
        try:
            return source.reply(claimed.reply, self._clock.now())
        except (Refused, GiveUp, ConfigurationError) as error:
            self._fail(claimed, str(error), maybe=False)
        except Uncertain as error:
            self._later(claimed, "unknown", error, at_least=SETTLE)
        except RetryLater as error:
            self._later(claimed, "unknown" if claimed.look else "pending", error)
        except Exception as error:
            self._later(claimed, "unknown", error, at_least=SETTLE)
        return None

    def _sent(self, claimed: Claimed, sent: SeenReply) -> None:
        now = self._clock.now()
        detail = {
            "url": sent.url,
            "text": claimed.reply.text,
            "slack_user": claimed.slack_user,
            "reply_id": claimed.lease.id,
        }
        with self._db.write() as session:
            values = {"state": "sent", "sent_at": sent.at, "external_id": sent.external_id, "url": sent.url}
            if not leases.finish(session, ReplyRow, claimed.lease, **values, error=None):
                log.warning("a reply took longer than its lease", reply=claimed.lease.id)
                return
            if claimed.kind != "reply":
                record_sent(
                    session, self._cases, claimed.case_id, claimed.kind, claimed.lease.id, sent, claimed.reply.text
                )
                return
            for event in ("reply", "reply_seen", "note"):  # what the case's state allows by now
                try:
                    self._cases.act_in(
                        session,
                        claimed.case_id,
                        event,
                        claimed.actor,
                        claimed.origin,
                        min(sent.at, now),
                        key=f"reply:{sent.external_id}",  # seen on the source later, it is the same event
                        **detail,
                    )
                except Refused:
                    continue
                break

    def _fail(self, claimed: Claimed, why: str, maybe: bool) -> None:
        """Give it up. The text is kept, and its author hears what to do; `maybe`: it may stand there all the same."""
        log.warning("a reply was not sent", reply=claimed.lease.id, case=claimed.case_id, reason=why, perhaps=maybe)
        with self._db.write() as session:
            notice = claimed.kind != "reply"
            state = "dropped" if notice and not maybe else "failed"
            if not leases.finish(session, ReplyRow, claimed.lease, state=state, error=why):
                return
            if notice:
                now = self._clock.now()
                record_unsent(session, self._cases, claimed.case_id, claimed.kind, claimed.lease.id, why, maybe, now)
                return
            self._cases.act_in(
                session,
                claimed.case_id,
                "reply_failed",
                claimed.actor,
                claimed.origin,
                self._clock.now(),
                key=f"reply_failed:{claimed.lease.id}",
                why=why,
                text=claimed.reply.text,
                slack_user=claimed.slack_user,
                perhaps=maybe or None,
            )

    def _later(self, claimed: Claimed, state: str, error: Exception, at_least: timedelta = timedelta(0)) -> None:
        now = self._clock.now()
        if not isinstance(error, FirsthourError):
            log.exception("a source failed in an unforeseen way", source=claimed.source, reply=claimed.lease.id)
        if now - claimed.reply.since > PATIENCE:
            self._fail(claimed, f"for {PATIENCE.seconds // 60} min: {error}", maybe=state == "unknown")
            return
        told = error.after if isinstance(error, RetryLater) else None
        pause = told if told is not None else min(_PAUSES[0] * 2 ** min(claimed.lease.attempt - 1, 10), _PAUSES[1])
        values = {"state": state, "not_before": now + max(pause, at_least), "error": str(error)}
        with self._db.write() as session:
            leases.finish(session, ReplyRow, claimed.lease, **values)


def claim_next(db: Database, owner: str, now: datetime) -> Claimed | None:
    """The next reply that is due, now ours and `sending`. Looks before it takes the write lock."""
    due = (
        select(ReplyRow.id)
        .where(text(_OPEN), ReplyRow.not_before <= now)
        .order_by(ReplyRow.not_before, ReplyRow.id)
        .limit(1)
    )
    with db.read() as session:
        if session.scalar(due.where(leases.free(ReplyRow, now))) is None:
            return None
    with db.write() as session:
        for lease in leases.claim(session, ReplyRow, due, owner, now, LEASE):
            row = session.get_one(ReplyRow, lease.id, populate_existing=True)
            mention = session.get_one(MentionRow, row.mention_id)
            look = row.state != "pending"
            row.state, row.intent_at = "sending", row.intent_at or now
            reply = Reply(
                mention.external_id, row.text, row.key, row.intent_at, mention.text, automatic=row.kind != "reply"
            )
            return Claimed(
                lease, mention.source, row.case_id, reply, row.actor, row.slack_user, row.origin, row.kind, look
            )
    return None
