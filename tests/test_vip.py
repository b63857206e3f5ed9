"""Whose complaints matter more, and that the alert says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fake_slack import FakeSlack
from office import Office, verdict

from monitor.clock import ManualClock
from monitor.database import Database
from monitor.settings import Settings
from monitor.team_settings import VipSettings
from monitor.vip import Vips, raised

VIP = {"followers": 100_000, "authors": {"reddit": ["u/Mayor"], "*": ["@ambassador"]}}


@pytest.fixture
def slack(clock: ManualClock) -> Iterator[FakeSlack]:
    with FakeSlack(now=lambda: clock.now().timestamp()).running() as server:
        yield server


@pytest.mark.parametrize(
    ("source", "author", "followers", "why"),
    [
        ("reddit", "mayor", None, "named"),
        ("x", "mayor", None, None),
        ("x", "Ambassador", 3, "named"),
        ("x", "jo", 100_000, "followers"),
        ("x", "jo", 99_999, None),
        ("x", None, None, None),
    ],
)
def test_who_is_one(source: str, author: str | None, followers: int | None, why: str | None) -> None:
    assert Vips(VipSettings.model_validate(VIP)).why(source, author, followers) == why
    assert Vips(VipSettings()).why(source, author, followers) is None


def test_severity_is_raised_to_high_and_never_lowered() -> None:
    assert [raised(severity) for severity in ("low", "medium", "high", "critical")] == ["high"] * 3 + ["critical"]


def test_the_complaint_of_a_vip_is_high_is_marked_and_gets_the_policy_of_that(
    db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings]
) -> None:
    urgent: dict[str, Any] = {"policies": [{"name": "urgent", "severity": ["high"], "target": "15m"}]}
    office = Office(db, clock, slack, make_settings, {"vip": VIP, "clock": urgent})
    case = office.complain(judged=verdict(severity="low"), author="mayor")
    other = office.complain(judged=verdict(severity="low"))
    office.deliver()
    assert (case.severity, case.policy, case.vip) == ("high", "urgent", "named")
    assert (other.severity, other.policy, other.vip) == ("low", "default", None)
    first, second = slack.posted("alert")
    assert first["text"].startswith("VIP · Acme · High")
    assert first["blocks"][1]["elements"][0]["text"].startswith(":star2: *VIP*")
    assert "VIP" not in second["text"] + second["blocks"][1]["elements"][0]["text"]
