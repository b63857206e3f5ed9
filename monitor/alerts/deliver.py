"""The stage that empties the outbox, transport by transport."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from monitor import faults, leases
from monitor.alerts import silences
from monitor.alerts.outbox import LEASE, Delivery, Message, Receipt, Render, Transport, claim_next, settle, take_over
from monitor.clock import Clock
from monitor.database import Database
from monitor.errors import AuthError, ConfigurationError, GiveUp, Gone, RetryLater, Uncertain
from monitor.models import DeliveryRow

AT_A_TIME = 10  # messages of one transport before the others have their turn
TURN = timedelta(seconds=2)  # and for how long, so that a stop need not wait for a slow one
SETTLE = timedelta(seconds=3)  # an answer was lost: a call still under way shall have ended before we look
LOOK_FOR = timedelta(minutes=5)  # after that long without a way to look, a marked repeat is better than silence
PATIENCE = 4  # failures of one message before we ask whether the message or the transport is at fault
HOLD = (timedelta(seconds=30), timedelta(minutes=10))  # between tries of a target that takes nothing: first, longest
HICCUP = timedelta(minutes=1)
TAKE_OVER_AFTER = timedelta(minutes=5)

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Outages:
    """When `transport` has been away for longer than `after`, `channel` is told what happened meanwhile."""

    transport: str
    channel: str
    after: timedelta


@dataclass(frozen=True)
class Hold:
    """A target that takes nothing, such as a channel that is not there."""

    until: datetime
    pause: timedelta
    reason: str


@dataclass
class Line:
    """How one transport is doing. Kept in memory: after a restart everything is simply tried again."""

    name: str
    transport: Transport
    wait_until: datetime | None = None
    stopped: bool = False  # a credential was refused: nothing is tried until the process starts anew
    failures: int = 0  # in a row
    reason: str | None = None
    since: datetime | None = None
    noted: bool = False  # the outage since then will be told of
    tries: dict[int, int] = field(default_factory=dict)  # failures of each message
    held: dict[int, datetime] = field(default_factory=dict)  # messages that stand aside for a while
    targets: dict[str, Hold] = field(default_factory=dict)

    def closed(self, now: datetime) -> bool:
        return self.stopped or (self.wait_until is not None and now < self.wait_until)

    def trouble(self, now: datetime) -> str | None:
        """What is wrong with it, once it has lasted for longer than a hiccup."""
        if self.stopped or (self.since is not None and now - self.since > HICCUP):
            return self.reason
        return next((hold.reason for hold in self.targets.values()), None)

    def failed(self, reason: str, now: datetime) -> None:
        if self.since is None:
            self.since = now
            log.warning("delivery fails", transport=self.name, reason=reason)
        self.failures, self.reason = self.failures + 1, reason

    def worked(self, delivery: Delivery) -> None:
        if self.since is not None or delivery.target in self.targets:
            log.info("delivery works again", transport=self.name, target=delivery.target)
        self.failures, self.reason, self.since, self.wait_until = 0, None, None, None
        self.noted = False
        self.targets.pop(delivery.target, None)
        self.forget(delivery)

    def forget(self, delivery: Delivery) -> None:
        self.tries.pop(delivery.lease.id, None)
        self.held.pop(delivery.lease.id, None)

    def hold(self, target: str, reason: str, now: datetime) -> None:
        known = self.targets.get(target)
        if known is None:
            log.warning("a target takes nothing", transport=self.name, target=target, reason=reason)
        pause = min(known.pause * 2, HOLD[1]) if known else HOLD[0]
        self.targets[target] = Hold(now + pause, pause, reason)


class DeliverStage:
    """Sends what is due. `fallbacks` are (transport, target) pairs to which urgent messages go when their own
    transport has been down for a while. `refused` hears of what the other side does not take, after it was settled.
    `outages` says of which outages a summary is due. `anew` is asked, in a transaction, whether a message that is not
    there to be edited is posted once more; it sees to that."""

    name = "deliver"

    def __init__(
        self,
        db: Database,
        clock: Clock,
        transports: Mapping[str, Transport],
        render: Render,
        owner: str,
        fallbacks: Sequence[tuple[str, str]] = (),
        refused: Callable[[Delivery, str], None] = lambda delivery, reason: None,
        outages: Outages | None = None,
        anew: Callable[[Session, Delivery, datetime], bool] = lambda session, delivery, now: False,
    ) -> None:
        self._db, self._clock, self._render, self._owner = db, clock, render, owner
        self._lines = [Line(name, transport) for name, transport in transports.items()]
        self._fallbacks = fallbacks
        self._refused, self._outages, self._anew = refused, outages, anew

    def run_once(self) -> int:
        done = 0
        for line in self._lines:
            self._note_outage(line)
            turn = self._clock.now() + TURN
            for _ in range(AT_A_TIME):
                if line.closed(self._clock.now()) or not self._deliver_next(line):
                    break
                done += 1
                if self._clock.now() > turn:
                    break
            if line.since is not None or line.targets:
                done += self._hand_on(line)
        return done

    def trouble(self) -> str | None:
        """What keeps messages from going out, for the operator; None when nothing does."""
        now = self._clock.now()
        found = ((line.name, line.trouble(now)) for line in self._lines)
        return "; ".join(f"{name}: {reason}" for name, reason in found if reason) or None

    def _note_outage(self, line: Line) -> None:
        wanted, now = self._outages, self._clock.now()
        if line.noted or line.since is None or wanted is None or wanted.transport != line.name:
            return
        if now - line.since > wanted.after:
            with self._db.write() as session:
                silences.away(session, line.name, wanted.channel, line.since, now)
            line.noted = True

    def _hand_on(self, line: Line) -> int:
        others = [pair for pair in self._fallbacks if pair[0] != line.name]
        return take_over(self._db, line.name, others, self._clock.now(), TAKE_OVER_AFTER) if others else 0

    def _deliver_next(self, line: Line) -> bool:
        """False when there is nothing to send, or no sense in going on just now."""
        now = self._clock.now()
        held = [key for key, until in line.held.items() if now < until]
        targets = [target for target, hold in line.targets.items() if now < hold.until]
        delivery = claim_next(self._db, line.name, self._owner, now, held, targets)
        if delivery is None:
            return False
        faults.step("deliver.claimed")
        try:
            with self._db.read() as session:
                message = self._render(session, delivery)
        except Exception as error:
            log.exception("a message could not be written", delivery=delivery.key, kind=delivery.kind)
            self._stand_aside(line, delivery, "unknown" if delivery.look else "pending", error)
            return True
        if message is None:
            line.forget(delivery)
            self._settle(delivery, "dropped", error="no longer true when its turn came")
            return True
        faults.step("deliver.rendered")
        found, message = self._look(line, delivery, message) if delivery.look else (None, message)
        if message is not None and (receipt := found or self._send(line, delivery, message)) is not None:
            faults.step("deliver.sent")
            line.worked(delivery)
            self._settle(delivery, "sent", receipt=receipt)
            faults.step("deliver.settled")
        return True

    def _look(self, line: Line, delivery: Delivery, message: Message) -> tuple[Receipt | None, Message | None]:
        """What has arrived already, if anything; else the message to send, None to try later."""
        if message.edits is not None:
            return None, message  # the same edit twice is the same edit
        try:
            found = line.transport.find(message)
        except AuthError as error:
            self._stop(line, delivery, "unknown", error)
            return None, None
        except (GiveUp, ConfigurationError):
            return None, replace(message, repeat=True)
        except Exception as error:
            told_when = isinstance(error, RetryLater) and error.after is not None
            if not told_when and self._clock.now() - delivery.intent_at > LOOK_FOR and self._is_well(line):
                return None, replace(message, repeat=True)
            self._back_off(line, delivery, "unknown", error)
            return None, None
        faults.step("deliver.looked")
        if found is None:
            with self._db.write() as session:  # looking may have taken long: is it still ours?
                if not leases.renew(session, DeliveryRow, delivery.lease, self._clock.now() + LEASE):
                    return None, None
        return found, message

    def _send(self, line: Line, delivery: Delivery, message: Message) -> Receipt | None:
        unsent = "unknown" if message.repeat else "pending"  # a repeat was sent without knowing, and still is
        try:
            return line.transport.send(message)
        except AuthError as error:
            self._stop(line, delivery, unsent, error)
        except ConfigurationError as error:
            if message.target == delivery.target:
                line.hold(delivery.target, str(error), self._clock.now())
            else:  # the case's message is in a channel of its own, which says nothing of the others
                line.held[delivery.lease.id] = self._clock.now() + HOLD[1]
            self._settle(delivery, unsent, error=str(error))
            self._refused(delivery, str(error))
        except Gone as error:
            if not self._post_anew(line, delivery):
                self._give_up(line, delivery, error)
        except GiveUp as error:
            self._give_up(line, delivery, error)
        except Uncertain as error:
            line.held[delivery.lease.id] = self._clock.now() + SETTLE
            self._back_off(line, delivery, "unknown", error)
        except RetryLater as error:
            self._back_off(line, delivery, unsent, error)
        except Exception as error:
            log.exception("a transport failed in an unforeseen way", transport=line.name, delivery=delivery.key)
            self._stand_aside(line, delivery, "unknown", error)
        return None

    def _give_up(self, line: Line, delivery: Delivery, error: GiveUp) -> None:
        log.error("a message can never be sent", delivery=delivery.key, kind=delivery.kind, reason=str(error))
        line.forget(delivery)
        self._settle(delivery, "failed", error=str(error))
        self._refused(delivery, str(error))

    def _post_anew(self, line: Line, delivery: Delivery) -> bool:
        with self._db.write() as session:
            anew = self._anew(session, delivery, self._clock.now())
        if anew:
            log.warning("a deleted message is posted anew", delivery=delivery.key, case=delivery.case_id)
            line.forget(delivery)
        return anew

    def _stop(self, line: Line, delivery: Delivery, state: str, error: AuthError) -> None:
        line.failed(str(error), self._clock.now())
        line.stopped = True
        self._settle(delivery, state, error=str(error))
        self._refused(delivery, str(error))

    def _back_off(self, line: Line, delivery: Delivery, state: str, error: Exception) -> None:
        """Wait with the whole line, so that order is kept. A message that keeps failing while the other side is well
        stands aside, so that it does not keep the others waiting for ever."""
        now = self._clock.now()
        if isinstance(error, RetryLater) and error.after is not None:
            line.wait_until = now + error.after
            self._settle(delivery, state, error=str(error))
            return
        line.failed(str(error), now)
        line.wait_until = now + min(timedelta(seconds=2 ** min(line.failures - 1, 6)), timedelta(minutes=1))
        tries = line.tries[delivery.lease.id] = line.tries.get(delivery.lease.id, 0) + 1
        if tries >= PATIENCE and self._is_well(line):
            line.wait_until = None
            line.held[delivery.lease.id] = now + min(timedelta(seconds=2 ** min(tries, 11)), timedelta(minutes=30))
        self._settle(delivery, state, error=str(error))

    def _is_well(self, line: Line) -> bool:
        try:
            line.transport.check()
        except Exception as error:
            return isinstance(error, ConfigurationError) and not isinstance(error, AuthError)
        return True

    def _stand_aside(self, line: Line, delivery: Delivery, state: str, error: Exception) -> None:
        """Our own fault, or a kind of failure nobody thought of: a few tries, then it is parked where it is seen."""
        tries = line.tries[delivery.lease.id] = line.tries.get(delivery.lease.id, 0) + 1
        line.held[delivery.lease.id] = self._clock.now() + timedelta(seconds=10 * tries)
        reason = f"{type(error).__name__}: {error}"
        self._settle(delivery, "failed" if tries >= leases.MAX_ATTEMPTS else state, error=reason)

    def _settle(self, delivery: Delivery, state: str, error: str | None = None, receipt: Receipt | None = None) -> None:
        with self._db.write() as session:
            now = self._clock.now()
            if settle(session, delivery, state, now, error, receipt):
                if state == "sent" and delivery.kind == "digest" and "silence" in delivery.payload:
                    silences.back(session, int(delivery.payload["silence"]), now)
            else:
                log.warning("a delivery took longer than its lease", delivery=delivery.key)
