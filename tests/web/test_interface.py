"""The interface does what its description says, whatever it is asked: schemathesis makes up the questions, with all of
its checks, for a desk with a small town behind it and a token that may do everything.

What a description cannot say (that a brand is known, that a time is not in the future) is answered with 422 too.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.access.tokens import Tokens
from monitor.clock import ManualClock
from monitor.recount import rebuild
from tests.web import town
from tests.web.people import US
from tests.web.serving import Desk

SCHEMATHESIS = Path(sys.executable).with_name("st")
CONFIG = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "404", "409", "422"]
"""


@pytest.fixture
def served(open_desk: Callable[..., Desk], clock: ManualClock) -> Desk:
    desk = open_desk(clock, login={"local": True})
    town.settle(desk.db, clock.now())
    rebuild(desk.db, clock.now())
    return desk


def ask(desk: Desk, folder: Path, *options: str) -> None:
    _, secret = Tokens(desk.db).add("tests", ["read", "personal", "export", "act"], US, desk.clock.now())
    (folder / "st.toml").write_text(CONFIG, encoding="utf-8")
    command = [str(SCHEMATHESIS), "--config-file", "st.toml", "run", f"{desk.address}/api/openapi.json", "--no-color"]
    command += ["--header", f"Authorization: Bearer {secret}", "--checks", "all", "--request-timeout", "60", *options]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout


def test_every_answer_is_as_described(served: Desk, tmp_path: Path) -> None:
    ask(served, tmp_path, "--phases=fuzzing", "--max-examples=3", "--generation-deterministic")


@pytest.mark.slow
def test_whatever_is_asked_every_answer_is_as_described(served: Desk, tmp_path: Path) -> None:
    ask(served, tmp_path, "--max-examples=100")
