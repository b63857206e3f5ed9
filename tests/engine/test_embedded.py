from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from structlog.testing import capture_logs

from monitor.engine.embedded import Embedded
from monitor.errors import RetryLater

SOON = 20.0  # seconds; a bound against hanging, not a measure


class Scripted:
    """A stage that does what its script says, one entry a run, and then finds nothing to do."""

    def __init__(self, name: str, script: list[int | Exception | Callable[[], int]] | None = None) -> None:
        self.name, self.script = name, script or []
        self.ran = threading.Semaphore(0)
        self.runs = 0

    def run_once(self) -> int:
        self.runs += 1
        try:
            entry = self.script.pop(0) if self.script else 0
            if isinstance(entry, Exception):
                raise entry
            return entry() if callable(entry) else entry
        finally:
            self.ran.release()

    def wait_runs(self, count: int) -> None:
        for _ in range(count):
            assert self.ran.acquire(timeout=SOON)


@pytest.fixture
def started() -> Iterator[Callable[..., Embedded]]:
    engines: list[Embedded] = []

    def start(*stages: Scripted, **more: object) -> Embedded:
        engine = Embedded(stages, **({"idle": 3600.0} | more))  # type: ignore[arg-type]
        engines.append(engine)
        engine.start()
        return engine

    yield start
    for engine in engines:
        assert engine.stop(SOON) == []


def test_a_stage_that_did_something_is_run_again_at_once(started: Callable[..., Embedded]) -> None:
    stage = Scripted("collect", [1, 1, 1])
    started(stage)
    stage.wait_runs(4)


def test_the_next_stage_is_woken_by_the_one_before_it(started: Callable[..., Embedded]) -> None:
    go = threading.Event()

    def work() -> int:
        assert go.wait(SOON)
        return 5

    deliver = Scripted("deliver")
    started(Scripted("classify", [work]), deliver)
    deliver.wait_runs(1)  # its first look; from now on it sleeps for an hour unless somebody wakes it
    go.set()
    deliver.wait_runs(1)


def test_a_wake_up_call_during_a_run_is_not_lost(started: Callable[..., Embedded]) -> None:
    inside, go = threading.Event(), threading.Event()

    def slow() -> int:
        inside.set()
        assert go.wait(SOON)
        return 0

    stage = Scripted("deliver", [slow])
    engine = started(stage)
    assert inside.wait(SOON)
    engine.wake("deliver")
    go.set()
    stage.wait_runs(2)


def test_a_failing_stage_is_logged_once_and_again_when_it_works(started: Callable[..., Embedded]) -> None:
    stage = Scripted("collect", [RetryLater("no network"), RetryLater("no network"), 0])
    with capture_logs() as logs:
        engine = started(stage, idle=0.001)
        stage.wait_runs(5)
    ours = [entry["event"] for entry in logs if entry.get("stage") == "collect"]
    assert ours == ["stage failed", "stage works again"]
    assert engine.failing() == {}


def test_a_stage_that_fails_does_not_hold_the_others(started: Callable[..., Embedded]) -> None:
    broken = Scripted("collect", [ValueError("a bug")] * 50)
    other = Scripted("deliver", [1] * 20)
    engine = started(broken, other, idle=0.001)
    other.wait_runs(21)
    broken.wait_runs(2)  # the first failure is written down by now
    assert "a bug" in engine.failing()["collect"]


def test_a_stage_with_several_threads_runs_in_all_of_them(started: Callable[..., Embedded]) -> None:
    together = threading.Barrier(3)

    def meet() -> int:
        together.wait(SOON)
        return 0

    started(Scripted("collect", [meet, meet, meet]), threads={"collect": 3})
    assert not together.broken


def test_stop_names_the_stages_that_are_still_busy() -> None:
    inside, go = threading.Event(), threading.Event()

    def stuck() -> int:
        inside.set()
        go.wait(SOON)
        return 0

    engine = Embedded([Scripted("collect", [stuck]), Scripted("deliver")], idle=3600.0)
    engine.start()
    assert inside.wait(SOON)
    assert engine.stop(within=0.0) == ["collect"] or "collect" in engine.stop(within=0.0)
    go.set()
    assert engine.stop(SOON) == []
