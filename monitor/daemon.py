"""The service: stages, ticks, the desk and Slack's buttons, from start to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Protocol

import structlog

from monitor.app import ROLES, App
from monitor.engine import Stage
from monitor.engine.embedded import Embedded
from monitor.errors import ConfigurationError
from monitor.scheduler import Scheduler

if TYPE_CHECKING:
    from monitor.web import DeskServer

STOP_WITHIN = 7.0  # seconds for the stages; the rest of the ten is for the desk, Slack and the leases

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
    app.open(create=True)
    desk = _desk(app) if "web" in roles else None  # first: a port that is taken shows before any work is begun
    engine = _engine(app, app.stages(roles))
    scheduler = Scheduler(app.db, app.clock, app.owner, app.jobs(roles), getattr(app.clock, "speed", 1.0))
    buttons = app.slack_app() if "slack" in roles else None
    app.health.add_probe("engine", lambda: "; ".join(f"{n}: {e}" for n, e in engine.failing().items()) or None)
    try:
        engine.start()
        scheduler.start()
        if buttons is not None:
            buttons.connect()
        log.info("ready", roles=sorted(roles), desk=desk.address if desk else None)
        ready(desk.address if desk else None)
        stop.wait()
        log.info("stopping")
    finally:
        if buttons is not None:
            buttons.close()
        scheduler.stop()
        if desk is not None:
            desk.stop(1.0)
        busy = engine.stop(STOP_WITHIN)
        app.close()
        log.info("stopped", **({"still_busy": busy} if busy else {}))


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
