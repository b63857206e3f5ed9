"""Kill the deliverer between any two of its steps, with a Slack that loses answers, and count what is missing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_slack import FakeSlack, Fault
from office import Office

from monitor import faults
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.settings import Settings

STEPS = ("deliver.claimed", "deliver.rendered", "deliver.looked", "deliver.sent", "deliver.settled")
LOSSES = ("lost", "unheard", "broken", "broken_after", "garbled", "limited")
THREADED = 10  # every so many cases are taken at once, so that thread replies and edits are in the mix


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def slack(clock: ManualClock) -> Iterator[FakeSlack]:
    with FakeSlack(now=lambda: clock.now().timestamp()).running() as server:
        yield server


@pytest.fixture
def office(db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings]) -> Office:
    alone = {"storms": {"enabled": False}}  # hundreds at once would be one incident, and these are about alerts
    return Office(db, clock, slack, make_settings, alone)


@pytest.fixture(autouse=True)
def _unhook() -> Iterator[None]:
    yield
    faults.hook = None


def run_through(office: Office) -> int:
    """Deliver until nothing is left; a killed worker is followed by a new one. How often one was killed."""
    killed = 0
    while True:
        try:
            if not office.stage.run_once():
                if not set(office.states()) - {"sent", "dropped"}:
                    return killed
                office.later(seconds=5)
        except Killed:
            killed += 1
            office.later(seconds=61)  # the dead worker's lease runs out
            office.stage = office.new_stage()


def assert_each_arrived_once(office: Office, slack: FakeSlack) -> None:
    rows = office.rows()
    expected = {row.key for row in rows if row.kind != "update"}
    seen = Counter(slack.deliveries())
    lost = expected - set(seen)
    doubled = [key for key, count in seen.items() if count > 1]
    assert (len(lost), len(doubled)) == (0, 0)
    assert set(seen) == expected
    assert {row.state for row in rows if row.kind != "update"} == {"sent"}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("loss", [None, "lost", "broken_after", "limited"])
def test_killed_once_at_each_step(office: Office, slack: FakeSlack, step: str, loss: str | None) -> None:
    case = office.complain()
    office.act(case, "take")
    left, waiting = {"fault": loss is not None, "kill": True}, step == "deliver.looked"

    def fault(method: str, args: dict[str, Any]) -> Fault | None:
        if method == "chat.postMessage" and left["fault"]:
            left["fault"] = False
            return Fault(str(loss))
        return None

    def kill(name: str) -> None:
        if left["kill"] and (name == step or (waiting and name == "deliver.sent")):
            left["kill"] = name != step  # nothing is looked for unless something was lost: kill twice
            raise Killed

    slack.fault, faults.hook = fault, kill
    assert run_through(office) >= 1
    assert_each_arrived_once(office, slack)


def storm(office: Office, slack: FakeSlack, count: int, seed: int) -> Counter[str]:
    """`count` complaints while one post in twelve and one step in fifty goes wrong. Where workers were killed."""
    dice = random.Random(seed)
    killed_at: Counter[str] = Counter()

    def fault(method: str, args: dict[str, Any]) -> Fault | None:
        return Fault(dice.choice(LOSSES)) if dice.random() < (0.08 if method.startswith("chat") else 0.02) else None

    def kill(name: str) -> None:
        if dice.random() < (0.3 if name == "deliver.looked" else 0.02):
            killed_at[name] += 1
            raise Killed

    for number in range(count):
        case = office.complain(f"Complaint {number}")
        if number % THREADED == 0:
            office.act(case, "take")
    slack.fault, faults.hook = fault, kill
    run_through(office)
    assert_each_arrived_once(office, slack)
    return killed_at


def test_hundreds_of_alerts_through_crashes_and_lost_answers(office: Office, slack: FakeSlack) -> None:
    killed_at = storm(office, slack, 200, seed=7)
    assert sum(killed_at.values()) > 10
    assert [m["metadata"]["event_payload"]["case_id"] for m in slack.posted("alert") if m["metadata"]]


@pytest.mark.parametrize(
    ("count", "seed"), [(150, 0), (150, 1), *(pytest.param(500, seed, marks=pytest.mark.slow) for seed in range(4))]
)
def test_no_case_of_a_storm_is_lost_or_shown_twice_through_crashes_and_lost_answers(
    db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings], count: int, seed: int
) -> None:
    office, dice = Office(db, clock, slack, make_settings), random.Random(seed)

    def fault(method: str, args: dict[str, Any]) -> Fault | None:
        return Fault(dice.choice(LOSSES)) if dice.random() < (0.08 if method.startswith("chat") else 0.02) else None

    def kill(name: str) -> None:
        if dice.random() < (0.3 if name == "deliver.looked" else 0.02):
            raise Killed

    slack.fault, faults.hook = fault, kill
    for number in range(count):
        office.complain(f"Complaint {number}")
        office.later(seconds=300 / count)
        if number % (count // 10) == 0:
            run_through(office)
    run_through(office)
    shown = Counter(
        block["block_id"] for message in slack.posted() for block in message["blocks"] if block["type"] == "actions"
    )
    assert [shown[f"case:{number}"] for number in range(1, count + 1)] == [1] * count
    assert set(Counter(slack.deliveries()).values()) == {1}
    in_channel = [m for m in slack.posted() if "thread_ts" not in m or m["broadcast"]]
    assert len(in_channel) < 60  # those before it was recognised, and the incident
    assert len(slack.posted()) < 160


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_ten_thousand_alerts_through_crashes_and_lost_answers(office: Office, slack: FakeSlack, seed: int) -> None:
    killed_at = storm(office, slack, 2500, seed)
    assert set(killed_at) == set(STEPS)


def test_a_process_killed_with_signal_9_loses_and_doubles_nothing(office: Office, slack: FakeSlack) -> None:
    for number in range(8):
        office.complain(f"Complaint {number}")
    children: list[subprocess.Popen[bytes]] = []
    deaths = {2: "unheard", 4: "lost", 7: "lost", 9: "unheard"}  # at which post, before or after it took effect
    posts = 0

    def fault(method: str, args: dict[str, Any]) -> Fault | None:
        nonlocal posts
        posts += method == "chat.postMessage"
        if method != "chat.postMessage" or posts not in deaths:
            return None
        os.kill(children[-1].pid, signal.SIGKILL)
        children[-1].wait(timeout=30)
        return Fault(deaths[posts])

    slack.fault = fault
    while set(office.states()) != {"sent"}:
        script = Path(__file__).with_name("deliverer.py")
        arguments = [str(office.db.url), slack.base_url, office.clock.now().isoformat()]
        children.append(subprocess.Popen([sys.executable, str(script), *arguments]))
        assert children[-1].wait(timeout=120) in (0, -signal.SIGKILL)
        office.later(minutes=2)
    assert [child.returncode for child in children] == [-signal.SIGKILL] * len(deaths) + [0]
    assert_each_arrived_once(office, slack)
