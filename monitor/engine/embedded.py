"""The embedded engine: every stage in threads of this process.

A stage that has done something wakes the one after it at once, so that an alert does not wait for anybody's turn. A
stage that fails is logged once, tried again after a growing pause, and logged once more when it works again; the other
stages do not notice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from monitor.engine import NEXT, Stage
from monitor.errors import FirsthourError

IDLE_SECONDS = 0.25  # how long a stage sleeps when nothing was due and nobody woke it
LONGEST_PAUSE_SECONDS = 30.0

log = structlog.stdlib.get_logger(__name__)


@dataclass(eq=False)
class _Loop:
    stage: Stage
    wake: threading.Event = field(default_factory=threading.Event)
    failures: int = 0
    error: str | None = None
    done: int = 0


class Embedded:
    """Runs `stages`. `threads` says how many threads a stage gets when it is
    not one: leases on rows keep them from doing the same thing."""

    def __init__(
        self, stages: Sequence[Stage], threads: Mapping[str, int] | None = None, idle: float = IDLE_SECONDS
    ) -> None:
        self._loops = [_Loop(stage) for stage in stages for _ in range((threads or {}).get(stage.name, 1))]
        self._idle = idle
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        for number, loop in enumerate(self._loops):
            thread = threading.Thread(
                target=self._run, args=(loop,), name=f"firsthour-{loop.stage.name}-{number}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def wake(self, *names: str) -> None:
        """Have the named stages (none: all) look for work now."""
        for loop in self._loops:
            if not names or loop.stage.name in names:
                loop.wake.set()

    def request_stop(self) -> None:
        """Tell every stage to stop after what it is doing; returns at once."""
        self._stop.set()
        self.wake()

    def stop(self, within: float = 8.0) -> list[str]:
        """Stop, and wait up to `within` seconds; the names of the stages that were still busy then."""
        self.request_stop()
        deadline = time.monotonic() + within
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return sorted({loop.stage.name for loop, t in zip(self._loops, self._threads, strict=False) if t.is_alive()})

    def failing(self) -> dict[str, str]:
        """The stages that fail just now, each with its error."""
        return {loop.stage.name: loop.error for loop in self._loops if loop.error is not None}

    def _run(self, loop: _Loop) -> None:
        while not self._stop.is_set():
            loop.wake.clear()  # before the work: what arrives while it runs wakes us again
            try:
                done = loop.stage.run_once()
            except Exception as error:
                self._failed(loop, error)
                continue
            if loop.error is not None:
                log.info("stage works again", stage=loop.stage.name, failures=loop.failures)
                loop.failures, loop.error = 0, None
            if done:
                loop.done += done
                for name in NEXT.get(loop.stage.name, ()):
                    self.wake(name)
            else:
                loop.wake.wait(self._idle)

    def _failed(self, loop: _Loop, error: Exception) -> None:
        loop.failures += 1
        loop.error = f"{type(error).__name__}: {error}"
        if loop.failures == 1:
            expected = isinstance(error, FirsthourError)
            log.error("stage failed", stage=loop.stage.name, error=str(error), exc_info=None if expected else error)
        self._stop.wait(min(LONGEST_PAUSE_SECONDS, self._idle * 2 ** min(loop.failures, 16)))
