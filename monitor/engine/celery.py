"""Stages on many machines: Celery carries wake-up calls, leases on rows share out the work.

A message holds no payload, only the name of a stage that should look for work. So a lost message costs a few seconds
(each process also looks by itself every `idle` seconds) and a doubled one finds nothing to do. Any process may wake any
stage; whoever runs that role takes the call.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from monitor.engine import NEXT, Stage
from monitor.errors import ConfigurationError, FirsthourError

IDLE_SECONDS = 5.0
SILENT_SECONDS = 30.0  # after a call that could not be sent; each costs the broker's whole time-out
QUEUE = "firsthour."

log = structlog.stdlib.get_logger(__name__)


def celery_app(broker: str) -> Any:
    """The Celery application: late acknowledgement, no results, no countdowns."""
    try:
        from celery import Celery
    except ImportError:
        raise ConfigurationError("engine.kind", "Celery is not installed", "pip install 'firsthour[celery]'") from None
    app = Celery("firsthour", broker=broker, set_as_current=False)
    app.set_default()  # its pool of threads looks the application up instead of being told
    app.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        task_publish_retry=False,
    )
    return app


class CeleryEngine:
    """Runs `stages` in this process when a wake-up call comes. The same methods as the embedded engine."""

    def __init__(self, stages: Sequence[Stage], broker: str, idle: float = IDLE_SECONDS) -> None:
        self._stages = {stage.name: stage for stage in stages}
        self._busy = {name: threading.Lock() for name in self._stages}
        self._again = {name: threading.Event() for name in self._stages}
        self._errors: dict[str, str] = {}
        self._idle = idle
        self._silent_until = 0.0
        self._stop = threading.Event()
        self._app = celery_app(broker)
        self._task = self._app.task(self._task_body(), name="firsthour.wake", shared=False)
        self._worker: Any = None
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        self._worker = self._app.WorkController(
            queues=[QUEUE + name for name in self._stages],
            pool="threads",
            concurrency=max(1, len(self._stages)),
            without_heartbeat=True,
            without_mingle=True,
            without_gossip=True,
        )
        for name, target in (("worker", self._worker.start), ("idle", self._look_by_itself)):
            thread = threading.Thread(target=target, name=f"firsthour-celery-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def wake(self, *names: str) -> None:
        """Call the named stages (none: those that run here) wherever they run. A broker that is away is no error: the
        stages look by themselves."""
        if time.monotonic() < self._silent_until:
            return
        for name in names or tuple(self._stages):
            try:
                self._task.apply_async(args=[name], queue=QUEUE + name)
            except Exception as error:
                self._silent_until = time.monotonic() + SILENT_SECONDS
                log.warning("the broker is away, stages look by themselves", error=str(error))
                return

    def _task_body(self) -> Callable[[str], None]:
        def wake(name: str) -> None:  # Celery wants a plain function, not a bound method
            self.drain(name)

        return wake

    def drain(self, name: str) -> None:
        """Run the stage until it finds nothing more. Several calls at once are one run and one more look."""
        if name not in self._stages or self._stop.is_set():
            return
        self._again[name].set()
        while self._again[name].is_set() and self._busy[name].acquire(blocking=False):
            try:
                self._again[name].clear()
                if self._run(self._stages[name]):
                    self._again[name].set()
                    for later in NEXT.get(name, ()):
                        self.wake(later)
            finally:
                self._busy[name].release()

    def _run(self, stage: Stage) -> int:
        try:
            done = 0 if self._stop.is_set() else stage.run_once()
        except Exception as error:
            if stage.name not in self._errors:
                expected = isinstance(error, FirsthourError)
                log.error("stage failed", stage=stage.name, error=str(error), exc_info=None if expected else error)
            self._errors[stage.name] = f"{type(error).__name__}: {error}"
            return 0
        if self._errors.pop(stage.name, None) is not None:
            log.info("stage works again", stage=stage.name)
        return done

    def _look_by_itself(self) -> None:
        while not self._stop.wait(self._idle):
            for name in self._stages:
                self.drain(name)

    def request_stop(self) -> None:
        self._stop.set()

    def stop(self, within: float = 8.0) -> list[str]:
        """Stop, and wait up to `within` seconds; the names of the stages that were still busy then."""
        self.request_stop()
        deadline = time.monotonic() + within
        busy = []
        for name, lock in self._busy.items():
            if lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
                lock.release()
            else:
                busy.append(name)
        if self._worker is not None:
            self._worker.stop(in_sighandler=False)
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return sorted(busy)

    def failing(self) -> dict[str, str]:
        """The stages that fail just now, each with its error."""
        return dict(self._errors)
