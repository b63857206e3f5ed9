"""The Celery engine against kombu's in-memory broker: wake-up calls, lost and doubled ones, and a clean stop."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from monitor.engine.celery import CeleryEngine

pytest.importorskip("celery", reason="the celery extra is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
PATIENCE = 20.0


class Queue:
    """A stage with `left` things to do."""

    def __init__(self, name: str, then: Queue | None = None) -> None:
        self.name, self.then = name, then
        self.left = self.done = 0
        self.empty, self.enough = threading.Event(), threading.Event()
        self.broken = False

    def run_once(self) -> int:
        if self.broken:
            raise OSError("the disk is gone")
        if not self.left:
            return 0
        self.left -= 1
        self.done += 1
        if self.done == 5:
            self.enough.set()
        if self.then:
            self.then.left += 1
        if not self.left:
            self.empty.set()
        return 1


@pytest.fixture
def path() -> Iterator[tuple[Queue, Queue, CeleryEngine]]:
    deliver = Queue("deliver")
    classify = Queue("classify", then=deliver)
    engine = CeleryEngine([classify, deliver], "memory://", idle=3600.0)
    engine.start()
    yield classify, deliver, engine
    engine.stop()


def test_one_call_drains_a_stage_and_wakes_the_next(path: tuple[Queue, Queue, CeleryEngine]) -> None:
    classify, deliver, engine = path
    classify.left = 5
    engine.wake("classify")
    assert classify.empty.wait(PATIENCE)
    assert deliver.enough.wait(PATIENCE)
    assert engine.stop() == []
    assert (classify.done, deliver.done) == (5, 5)


def test_a_doubled_call_finds_nothing_to_do(path: tuple[Queue, Queue, CeleryEngine]) -> None:
    classify, _, engine = path
    classify.left = 3
    for _ in range(4):
        engine.wake("classify")
    assert classify.empty.wait(PATIENCE)
    engine.stop()
    assert classify.done == 3


def test_a_lost_call_costs_only_a_wait() -> None:
    stage = Queue("classify")
    stage.left = 1
    engine = CeleryEngine([stage], "memory://", idle=0.05)
    engine.start()
    assert stage.empty.wait(PATIENCE)
    assert engine.stop() == []


def test_a_failing_stage_is_named_until_it_works_again() -> None:
    stage = Queue("classify")
    engine = CeleryEngine([stage], "memory://", idle=3600.0)
    stage.broken = True
    engine.drain("classify")
    assert engine.failing() == {"classify": "OSError: the disk is gone"}
    stage.broken, stage.left = False, 1
    engine.drain("classify")
    assert engine.failing() == {}
    assert stage.done == 1


def test_a_broker_that_is_away_does_not_stop_the_caller() -> None:
    engine = CeleryEngine([Queue("classify")], "redis://127.0.0.1:1/0", idle=3600.0)
    engine.wake("classify")
