"""Listening: sources that hand over items as they come, each in a thread of its own while the service runs.

What is heard goes the way that a page goes, under the same ids, so it makes no difference which came first. A stream
that breaks is tried again after a growing pause; meanwhile, and whenever nobody listens, the source is polled as often
as it is without a stream (`turns.rests`). A lease lets only one process listen to a source.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from datetime import datetime, timedelta
from typing import cast

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError

from monitor import faults
from monitor.clock import Clock
from monitor.collect import FIRST_PAUSE, LONGEST_PAUSE
from monitor.database import Database, insert_missing
from monitor.errors import ConfigurationError, FirsthourError, RetryLater
from monitor.intake import Intake, whole_first
from monitor.leases import Lease, claim, finish, held
from monitor.mentions import Stored
from monitor.settings import SourceSettings
from monitor.sources.base import Page, Source
from monitor.sources.streaming import News, StreamingSource
from monitor.stream_state import StreamState
from monitor.turns import LONGEST_ASKED

LEASE = timedelta(seconds=45)
RENEW = timedelta(seconds=10)
WITHIN = 1.0  # seconds of one wait: as long as a stop may have to wait for it
STEADY = timedelta(minutes=1)  # a connection that lasted so long was a good one
ELSEWHERE = timedelta(seconds=15)  # then we look whether another process still listens

log = structlog.get_logger(__name__)


class Streams:
    """Listens to those of `sources` that stream. `wake` is called with the name of the stage that has work now."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        sources: Mapping[str, tuple[Source, SourceSettings]],
        intake: Intake,
        owner: str,
        wake: Callable[[str], None] = lambda stage: None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._db, self._clock, self._intake, self._owner = db, clock, intake, owner
        self._wake, self._jitter = wake, jitter
        self._sources = {n: cast(StreamingSource, s) for n, (s, _) in sources.items() if s.capabilities.stream}
        self._failures = dict.fromkeys(self._sources, 0)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        for name in self._sources:
            thread = threading.Thread(target=self._run, args=(name,), name=f"firsthour-stream-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, within: float = 2 * WITHIN) -> list[str]:
        """Hang up, and wait up to `within` seconds; the threads that were still busy then."""
        self._stop.set()
        deadline = time.monotonic() + within
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return [thread.name for thread in self._threads if thread.is_alive()]

    def _run(self, name: str) -> None:
        while not self._stop.is_set():
            try:
                self.listen(name)
                pause = ELSEWHERE
            except Exception as error:
                pause = self._failed(name, error)
            self._clock.wait(self._stop, pause.total_seconds())

    def listen(self, name: str) -> None:
        """Listen to one source until we are to stop or another process does it. Raises what ends the stream."""
        lease = self._claim(name)
        if lease is None:
            return
        try:
            with closing(self._sources[name].listen()) as stream:
                connected = renewed = self._clock.now()
                if not self._commit(lease, News(), connected, connected):
                    return
                while not self._stop.is_set():
                    heard = stream.hear(WITHIN)
                    now = self._clock.now()
                    if self._failures[name] and now - connected >= STEADY:
                        log.info("stream works again", source=name, failures=self._failures[name])
                        self._failures[name] = 0
                    if heard.items or heard.rejects or abs(now - renewed) >= RENEW:
                        if not self._commit(lease, heard, connected, now):
                            return
                        renewed = now
        finally:
            with suppress(SQLAlchemyError), self._db.write() as session:  # else it runs out by itself
                finish(session, StreamState, lease, connected_at=None)

    def _claim(self, name: str) -> Lease | None:
        with self._db.write() as session:
            insert_missing(session, StreamState, [{"name": name, "attempt": 0}])
        candidates = select(StreamState.name).where(StreamState.name == name)
        with self._db.write() as session:
            leases = claim(session, StreamState, candidates, self._owner, self._clock.now(), LEASE)
        return leases[0] if leases else None

    def _commit(self, lease: Lease, heard: News, connected: datetime, now: datetime) -> bool:
        """Store what was heard and keep the lease; False, and nothing stored, if it is no longer ours."""
        faults.step("streams.heard")
        page = self._intake.with_parents(lease.id, Page(heard.items, {}, rejects=heard.rejects))

        def commit(one_by_one: bool) -> Stored | None:
            with self._db.write() as session:
                ours = update(StreamState).where(held(StreamState, lease))
                kept = session.execute(ours.values(lease_until=now + LEASE, connected_at=connected))
                if kept.rowcount != 1:  # type: ignore[attr-defined]
                    return None
                return self._intake.hear(session, lease.id, page, now, one_by_one)

        stored = whole_first(commit, lease.id)
        if stored is None:
            return False
        faults.step("streams.committed")
        if stored.new or stored.changed or stored.removed:
            self._wake("classify")
        return True

    def _failed(self, name: str, error: Exception) -> timedelta:
        """How long to wait. The first of several failures in a row is logged; nothing is lost, so nobody is told."""
        self._failures[name] += 1
        if self._failures[name] == 1:
            expected = isinstance(error, FirsthourError)
            log.warning("stream broke off", source=name, error=str(error), exc_info=None if expected else error)
        if isinstance(error, ConfigurationError):
            return LONGEST_PAUSE
        asked = error.after if isinstance(error, RetryLater) else None
        pause: timedelta = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self._failures[name] - 1, 16))
        pause *= 0.5 + 0.5 * self._jitter()
        return pause if asked is None else max(min(asked, LONGEST_ASKED), pause)
