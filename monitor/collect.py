"""The first stage: poll each source when it is due, and store what it gives together with its cursor.

A source that fails backs off alone. It is logged once when it begins to fail and once when it works again; the
listener is told once when that lasts, and once at the recovery. A refused credential or configuration stops the polls
until the source's settings change.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from monitor import faults
from monitor.brands import Brands
from monitor.clock import Clock
from monitor.database import Database, insert_missing
from monitor.errors import BudgetSpent, ConfigurationError, FirsthourError, GiveUp, Refused, RetryLater
from monitor.intake import Intake, whole_first
from monitor.leases import Lease, claim, finish, renew
from monitor.mentions import Stored
from monitor.models import SourceState
from monitor.parents import MOST
from monitor.replies import check_source
from monitor.settings import SourceSettings
from monitor.source_reports import CollectListener, PollResult, SourceReport
from monitor.sources.base import Cursor, Page, SeenReply, Source
from monitor.sources.rate import Ear, listening
from monitor.storable import storable
from monitor.turns import LEASE, LONGEST_ASKED, Turns, arrivals_after

REPORT_AFTER = timedelta(minutes=5)  # unless configured; shorter trouble is the network's everyday life
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=15)
PAGES_AT_A_TIME = 10
SECONDS_AT_A_TIME = 3.0  # then other sources have their turn, and a stop is noticed

log = structlog.get_logger(__name__)


class _Unexpected(RetryLater):
    """A source let an error out that is none of ours."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A page that was read at `at`, in a poll that began at `started`. `rest`: how long the service asked to be left
    alone; `turn_over`: other sources have waited long enough. Who polls `by_hand` wants everything now."""

    page: Page
    at: datetime
    started: datetime
    rest: timedelta | None
    turn_over: bool
    by_hand: bool


class CollectStage:
    name = "collect"

    def __init__(
        self,
        db: Database,
        clock: Clock,
        sources: Mapping[str, tuple[Source, SourceSettings]],
        brands: Brands,
        owner: str,
        listeners: Sequence[CollectListener] = (),
        jitter: Callable[[], float] = random.random,
        report_after: timedelta = REPORT_AFTER,
    ) -> None:
        """`report_after`: how long a source fails until the listeners hear of it. `jitter` gives numbers from 0 to 1
        that spread the retries of sources that failed together."""
        self._db, self._clock, self._sources, self._brands, self._owner = db, clock, sources, brands, owner
        self._listeners, self._jitter, self._report_after = tuple(listeners), jitter, report_after
        self.intake = Intake(db, sources, brands, listeners)
        self._turns = Turns(sources)
        self._known = False  # whether every source has its row
        self._left: list[Lease] = []  # claims that could not be given back because the database failed
        self._reply_places: dict[str, int] = {}

    def run_once(self) -> int:
        """Poll the source that has been due for longest; how many mentions it brought. Any number of threads and
        processes may call this at once: each takes another source. Raises SQLAlchemyError when the database fails;
        what was read then is read again."""
        self._recover()
        now = self._clock.now()
        with self._db.read() as session:
            rows = list(session.scalars(select(SourceState).where(SourceState.name.in_(self._sources))))
            turns = self._turns.order(session, rows, now)
        self._report_lasting(rows, now)
        for row in turns:
            lease = self._claim(row.name, now, attempt=row.attempt)
            if lease is None:
                continue
            result, error = self._poll(lease, PAGES_AT_A_TIME)
            if result.pages or error is None:
                return result.work
        return 0

    def poll(self, name: str) -> PollResult:
        """Poll one source now, whether it is due or stopped or not, until it has no more. Raises what the source
        raises, Refused while another worker polls it, ConfigurationError for a name that does not exist."""
        if name not in self._sources:
            near = get_close_matches(name, self._sources, n=1)
            hint = f'did you mean "{near[0]}"?' if near else "known: " + (", ".join(self._sources) or "none")
            raise ConfigurationError("sources", f'there is no source "{name}"', hint)
        self._recover()
        lease = self._claim(name, self._clock.now())
        if lease is None:
            raise Refused(f"{name}, or a source that shares its credential or host, is being polled by another worker")
        result, error = self._poll(lease, None)
        if error is not None:
            raise error
        return result

    def check_replies(self, limit: int = 100) -> int:
        """Look for public replies to up to `limit` open cases of each source, beginning where the last call ended; how
        many were found. A source that fails here is left for the next call."""
        found = 0
        for name, (source, _) in self._sources.items():
            place = self._reply_places.get(name, 0)
            try:
                seen, place = check_source(self._db, name, source, self._brands, self._reply_seen, place, limit)
            except BudgetSpent:
                continue  # known, and told already
            except FirsthourError as error:
                log.warning("replies could not be looked for", source=name, error=str(error))
                continue
            self._reply_places[name] = place
            found += seen
        return found

    def _recover(self) -> None:
        """Give every source its row, and give back what a failing database made us keep."""
        if self._known and not self._left:
            return
        with self._db.write() as session:
            if not self._known and self._sources:
                rows = [{"name": name, "failures": 0, "attempt": 0} for name in self._sources]
                insert_missing(session, SourceState, rows)
            left = list(self._left)
            for lease in left:
                finish(session, SourceState, lease, next_poll_at=self._clock.now())
        self._known = True
        self._left = [lease for lease in self._left if lease not in left]

    def _claim(self, name: str, now: datetime, attempt: int | None = None) -> Lease | None:
        candidates = select(SourceState.name).where(SourceState.name == name)
        if attempt is not None:  # nobody polled it since we saw that it was due
            candidates = candidates.where(SourceState.attempt == attempt)
        rivals = self._turns.rivals(name)
        busy = select(SourceState.name).where(SourceState.name.in_(rivals), SourceState.lease_until > now).limit(1)
        with self._db.write() as session:
            if rivals and session.scalar(busy) is not None:
                return None
            leases = claim(session, SourceState, candidates, self._owner, now, LEASE)
        faults.step("collect.claimed")
        return leases[0] if leases else None

    def _poll(self, lease: Lease, pages: int | None) -> tuple[PollResult, FirsthourError | None]:
        """Up to `pages` pages (None: all there are), each committed with its cursor; and why it ended early."""
        source, _ = self._sources[lease.id]
        result, started, more, ear = PollResult(lease.id), self._clock.now(), True, Ear()
        parents = MOST
        try:
            with self._db.read() as session:
                cursor = session.scalars(select(SourceState.cursor).where(SourceState.name == lease.id)).one()
            while more:
                with listening() as ear:
                    page = _fetch(source, cursor, self._clock.now())
                    page = self.intake.with_parents(lease.id, page, parents)
                parents -= len(page.parents)
                faults.step("collect.fetched")
                now = self._clock.now()
                long = result.pages + 1 == pages or (now - started).total_seconds() > SECONDS_AT_A_TIME
                read = _Read(page, now, started, ear.rest, turn_over=long, by_hand=pages is None)
                stored = self._store(lease, read)
                if stored is None:
                    return result, None  # our lease ran out: another worker has read this page
                faults.step("collect.committed")
                result, cursor, more = result.plus(stored[0]), page.cursor, stored[1]
        except BudgetSpent as error:
            self._wait(lease, error)
            return result, error
        except FirsthourError as error:
            self._failed(lease, error, ear.rest)
            return result, error
        except Exception:
            self._left.append(lease)
            raise
        return result, None

    def _store(self, lease: Lease, read: _Read) -> tuple[Stored, bool] | None:
        """Page and cursor in one commit; what was stored, and whether the poll goes on. The lease is renewed if it
        does, else given back. None, and nothing stored, if the lease is no longer ours."""
        return whole_first(lambda apart: self._commit(lease, read, apart), lease.id)

    def _commit(self, lease: Lease, read: _Read, one_by_one: bool) -> tuple[Stored, bool] | None:
        page, now = read.page, read.at
        with self._db.write() as session:
            row = session.get_one(SourceState, lease.id)
            failures, since, reported = row.failures, row.failing_since, row.reported_at
            if not renew(session, SourceState, lease, now + LEASE):
                return None
            stored = self.intake.take(session, lease.id, page, now, one_by_one)
            newest = [moment for moment in (row.newest_posted_at, stored.newest) if moment is not None]
            gap = now - row.last_success_at if row.last_success_at else None
            arrivals = arrivals_after(row.arrivals, stored.new, gap)
            interval = self._turns.interval(lease.id, arrivals)
            self._turns.rest(session, lease.id, read.rest, now)
            self._tell_budgets(session, lease.id, now, interval)
            ends = read.turn_over or bool(self._turns.holds(session, [lease.id], now))
            more = page.more and (read.by_hand or not ends)
            values: dict[str, Any] = {
                "cursor": dict(page.cursor),
                "last_success_at": now,
                "newest_posted_at": max(newest, default=None),
                "arrivals": arrivals,
                "failures": 0,
                "failing_since": None,
                "reported_at": None,
                "error": None,
                "stopped_for": None,
            }
            if more:
                session.execute(update(SourceState).where(SourceState.name == lease.id).values(**values))
            else:
                next_poll = now if page.more else max(now, read.started + interval)
                finish(session, SourceState, lease, next_poll_at=next_poll, **values)
            if reported is not None:
                self._report(session, SourceReport(lease.id, "recovered", since or now, now, failures, None))
            faults.step("collect.stored_cursor")
        if failures:
            log.info("source works again", source=lease.id, failures=failures)
        return stored, more

    def _wait(self, lease: Lease, spent: BudgetSpent) -> None:
        """Give the source back until it may spend again: nothing is wrong with it. It asks again every hour, for what
        is left may be enough for a smaller call."""
        now = self._clock.now()
        try:
            with self._db.write() as session:
                finish(session, SourceState, lease, next_poll_at=now + min(spent.after or LONGEST_ASKED, LONGEST_ASKED))
                self._tell_budgets(session, lease.id, now, LONGEST_ASKED)
        except SQLAlchemyError:
            self._left.append(lease)
            raise

    def _failed(self, lease: Lease, error: FirsthourError, rest: timedelta | None) -> None:
        """Note the failure and when to try again. If the database fails too, the claim is kept for `_recover`."""
        now, settings = self._clock.now(), self._sources[lease.id][1]
        stop = isinstance(error, ConfigurationError)
        asked = error.after if isinstance(error, RetryLater) else None
        text = storable(str(error), 2000)
        try:
            with self._db.write() as session:
                row = session.get_one(SourceState, lease.id)
                failures, stopped_before = row.failures + 1, row.stopped_for
                since = min(row.failing_since or now, now)
                values: dict[str, Any] = {
                    "failures": failures,
                    "failing_since": since,
                    "error": text,
                    "stopped_for": settings.fingerprint if stop else None,
                    "next_poll_at": now + self._pause(failures, asked),
                }
                if row.last_success_at is not None and row.last_success_at > now:
                    values["last_success_at"] = now  # the clock was set back
                told = stop and stopped_before != settings.fingerprint
                if told:
                    values["reported_at"] = now
                if not finish(session, SourceState, lease, **values):
                    return
                self._turns.rest(session, lease.id, max(asked or timedelta(), rest or timedelta()), now)
                if told:
                    self._report(session, SourceReport(lease.id, "stopped", since, now, failures, text))
        except SQLAlchemyError:
            self._left.append(lease)
            raise
        if stop and stopped_before != settings.fingerprint:
            log.error("source stopped until its configuration changes", source=lease.id, error=text)
        elif failures == 1:
            log.warning(
                "source fails",
                source=lease.id,
                error=text,
                exc_info=error.__cause__ if isinstance(error, _Unexpected) else None,
            )

    def _pause(self, failures: int, asked: timedelta | None) -> timedelta:
        """Doubling up to LONGEST_PAUSE, the second half of it by chance; never shorter than the service asked for."""
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures - 1, 16))
        pause *= 0.5 + 0.5 * self._jitter()
        return pause if asked is None else max(min(asked, LONGEST_ASKED), FIRST_PAUSE * self._jitter())

    def _report_lasting(self, rows: Sequence[SourceState], now: datetime) -> None:
        for row in rows:
            if row.reported_at is not None or row.failing_since is None or now - row.failing_since < self._report_after:
                continue
            unreported = (SourceState.name == row.name, SourceState.reported_at.is_(None), SourceState.failures > 0)
            with self._db.write() as session:
                mine = session.execute(update(SourceState).where(*unreported).values(reported_at=now))
                if mine.rowcount == 1:  # type: ignore[attr-defined]
                    report = SourceReport(row.name, "failing", row.failing_since, now, row.failures, row.error)
                    self._report(session, report)

    def _tell_budgets(self, session: Session, name: str, now: datetime, interval: timedelta) -> None:
        for report in self._turns.budget_news(session, name, now, interval):
            for listener in self._listeners:
                listener.budget_report(session, report)

    def _report(self, session: Session, report: SourceReport) -> None:
        for listener in self._listeners:
            listener.source_report(session, report)

    def _reply_seen(self, session: Session, case_id: int, reply: SeenReply) -> None:
        for listener in self._listeners:
            listener.reply_seen(session, case_id, reply)


def _fetch(source: Source, cursor: Cursor | None, now: datetime) -> Page:
    try:
        return source.fetch(cursor, now)
    except GiveUp as error:
        raise RetryLater(str(error)) from error
    except (FirsthourError, SQLAlchemyError):  # the latter from the meter: our own trouble, not the source's
        raise
    except Exception as error:
        raise _Unexpected(f"{type(error).__name__}: {error}") from error
