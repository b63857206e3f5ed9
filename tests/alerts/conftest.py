"""An office with a Slack of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fake_slack import FakeSlack
from office import Office

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
