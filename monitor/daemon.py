"""The service: stages, ticks, the desk and Slack's buttons, from start to stop."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Collection
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

import structlog

from monitor.app import ROLES, App
from monitor.engine import Stage
from monitor.engine.embedded import Embedded
from monitor.errors import ConfigurationError
from monitor.jobs import jobs
from monitor.scheduler import Scheduler

if TYPE_CHECKING:
    from monitor.web import DeskServer

STOP_WITHIN = 5.0  # seconds for the stages; the rest of the ten is for Slack, the desk and the leases

log = structlog.stdlib.get_logger(__name__)


class Engine(Protocol):
    """What the daemon needs of an engine; both kinds have it."""

    def start(self) -> None: ...
    def wake(self, *names: str) -> None: ...
    def stop(self, within: float = ...) -> list[str]: ...
    def failing(self) -> dict[str, str]: ...


def serve(
    app: App,
    stop: threading.Event,
    roles: Collection[str] = ROLES,
    ready: Callable[[str | None], None] = lambda address: None,
) -> None:
    """Run `roles` until `stop` is set, then stop within 10 s. `ready` is called once everything runs, with the desk's
    address if there is a desk. Raises ConfigurationError when the service cannot start as configured."""
    with ExitStack() as at_end:
        at_end.callback(app.close)
        app.open(create=True)
        if "classify" in roles:
            _ = app.loading_classifier
        desk = _desk(app) if "web" in roles else None  # first: a port that is taken shows before any work is begun
        if desk is not None:
            at_end.callback(desk.stop, 1.0)
        engine = _engine(app, app.stages(roles))
        at_end.callback(app.release)
        at_end.callback(_stop, engine)
        engine.start()
        if "collect" in roles:
            streams = app.streams(engine.wake)
            at_end.callback(streams.stop)
            streams.start()
        scheduler = Scheduler(app.db, app.clock, app.owner, jobs(app, roles), getattr(app.clock, "speed", 1.0))
        at_end.callback(scheduler.stop)
        scheduler.start()
        if "slack" in roles and (buttons := app.slack_app(lambda: engine.wake("reply", "deliver"))) is not None:
            at_end.callback(buttons.close)
            buttons.connect()
        _watch(app, engine, roles)
        gc.freeze()  # what is there by now stays, so no collection in the midst of a page has to look through it
        log.info("ready", roles=sorted(roles), desk=desk.address if desk else None)
        ready(desk.address if desk else None)
        stop.wait()
        log.info("stopping")
    log.info("stopped")


def _watch(app: App, engine: Engine, roles: Collection[str]) -> None:
    app.health.add_probe("engine", lambda: "; ".join(f"{n}: {e}" for n, e in engine.failing().items()) or None)
    if "deliver" in roles:
        app.health.add_probe("deliver", app.deliver.trouble)


def _stop(engine: Engine) -> None:
    if busy := engine.stop(STOP_WITHIN):
        log.warning("stages were still busy; what they held is given back", stages=busy)


def _engine(app: App, stages: list[Stage]) -> Engine:
    wanted = app.settings.engine
    if wanted.kind == "embedded":
        return Embedded(stages, {"collect": min(4, max(1, len(app.settings.sources)))})
    if wanted.broker is None:
        raise ConfigurationError("engine.broker", "is missing", 'such as "redis://127.0.0.1:6379/0"')
    from monitor.engine.celery import CeleryEngine

    return CeleryEngine(stages, wanted.broker)


def _desk(app: App) -> DeskServer:
    from monitor.web import DeskServer

    desk = DeskServer(app.web(), app.settings.web.host, app.settings.web.port)
    desk.start()
    return desk
