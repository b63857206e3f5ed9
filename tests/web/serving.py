"""A desk that really serves on loopback, over a database that a test fills."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import httpx2
import pytest

from monitor.cases import Cases
from monitor.clock import Clock, ManualClock
from monitor.database import Database
from monitor.health import Health
from monitor.outgoing import Replies
from monitor.settings import Settings
from monitor.web import DeskServer, build_web
from tests.square import Square

SOURCES = [{"name": name, "type": "replay"} for name in ("app-store", "reddit", "x")]


@dataclass
class Desk:
    db: Database
    clock: Clock
    cases: Cases
    health: Health
    server: DeskServer
    replies: Replies
    square: Square
    """Where replies to the source app-store go."""
    http: httpx2.Client
    """Asks as a page of the desk does: its changes carry the desk's own origin."""
    browsers: list[httpx2.Client] = field(default_factory=list)
    """Others that are closed with the desk."""

    @property
    def address(self) -> str:
        return self.server.address

    def as_somebody(self, name: str) -> httpx2.Client:
        return httpx2.Client(
            base_url=self.address,
            headers={"Origin": self.address, "Cookie": f"firsthour_me={name}"},
            trust_env=False,
            verify=False,
            timeout=30,
        )


@contextmanager
def served(db: Database, clock: Clock, settings: Settings) -> Iterator[Desk]:
    cases = Cases(db, settings)
    health = Health(db, clock, settings)
    square = Square(clock)
    replies = Replies(db, cases, settings, lambda name: square if name == "app-store" else None)
    server = DeskServer(build_web(db, clock, cases, settings, health, replies=replies), port=0)
    server.start()
    http = httpx2.Client(
        base_url=server.address, headers={"Origin": server.address}, trust_env=False, verify=False, timeout=30
    )
    desk = Desk(db, clock, cases, health, server, replies, square, http)
    yield desk
    for each in (http, *desk.browsers):
        each.close()
    server.stop()


@pytest.fixture
def open_desk(db: Database, make_settings: Callable[..., Settings]) -> Iterator[Callable[..., Desk]]:
    """Opens desks: `open_desk(clock, **sections)`."""
    with ExitStack() as opened:

        def start(clock: Clock, /, **sections: object) -> Desk:
            settings = make_settings(**{"sources": SOURCES} | sections)
            return opened.enter_context(served(db, clock, settings))

        yield start


@pytest.fixture
def desk(open_desk: Callable[..., Desk], clock: ManualClock) -> Desk:
    """A desk whose clock stands at noon."""
    return open_desk(clock)
