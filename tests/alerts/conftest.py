"""An office with a Slack of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fake_slack import FakeSlack
from office import Office, idle
from slack_bolt import App, BoltRequest

from monitor.alerts.slack_app import build_app
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.settings import Settings


@pytest.fixture
def slack(clock: ManualClock) -> Iterator[FakeSlack]:
    with FakeSlack(now=lambda: clock.now().timestamp()).running() as server:
        yield server


@pytest.fixture
def office(db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings]) -> Office:
    return Office(db, clock, slack, make_settings)


@pytest.fixture
def app(office: Office) -> App:
    return build_app(
        office.settings, office.cases, office.db, office.clock, whispers=office.whispers, incidents=office.incidents
    )


@pytest.fixture
def press(office: Office, slack: FakeSlack, app: App) -> Callable[..., None]:
    """Press an element of the newest alert as `user` and wait until all that follows is done."""
    stamps = iter(range(1_000_000))

    def pressed(
        action: str, user: str, value: str = "", stamp: str | None = None, on: dict[str, Any] | None = None
    ) -> None:
        message = on or slack.posted("alert")[-1]
        payload = slack.press(message, action, user, stamp or f"1795000000.{next(stamps):06d}", value)
        response = app.dispatch(BoltRequest(mode="socket_mode", body=payload))
        assert response.status == 200
        idle(app)

    return pressed


@pytest.fixture
def send(app: App) -> Callable[[dict[str, Any]], str]:
    """Dispatch any payload as Socket Mode does, wait until all that follows is done; what Bolt answered with."""

    def sent(payload: dict[str, Any]) -> str:
        response = app.dispatch(BoltRequest(mode="socket_mode", body=payload))
        assert response.status == 200
        idle(app)
        return str(response.body)

    return sent
