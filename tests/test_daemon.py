from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pytest_httpserver import HTTPServer

from monitor.sources.contract import Answer
from tests.sources.fake_mastodon import FakeMastodon

PATIENCE = 60.0  # seconds; a bound against hanging, not a measure
FAST = ("collect", "clock", "deliver", "web")  # everything but the model, which takes a moment to load


class Service:
    """A running `firsthour`, its log read line by line."""

    def __init__(self, *arguments: str, environment: dict[str, str] | None = None) -> None:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("FIRSTHOUR_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "monitor", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean | {"FIRSTHOUR_LOG__FORMAT": "json"} | (environment or {}),
        )
        self.lines: list[str] = []
        self._arrived = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._arrived:
                self.lines.append(line)
                self._arrived.notify_all()

    def wait_log(self, event: str) -> dict[str, Any]:
        def found() -> dict[str, Any] | None:
            entries = [json.loads(line) for line in self.lines if line.startswith("{")]
            return next((entry for entry in entries if entry["event"] == event), None)

        with self._arrived:
            assert self._arrived.wait_for(found, PATIENCE), "".join(self.lines)
        entry = found()
        assert entry is not None
        return entry

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def start() -> Iterator[Callable[..., Service]]:
    services: list[Service] = []

    def launch(*arguments: str) -> Service:
        services.append(Service(*arguments))
        return services[-1]

    yield launch
    for service in services:
        service.kill()


@pytest.fixture
def configure(tmp_path: Path) -> Callable[..., str]:
    """Writes a configuration over a database in `tmp_path` and returns its path."""

    def write(source: str, bind: str = "127.0.0.1:0") -> str:
        path = tmp_path / "firsthour.toml"
        path.write_text(
            f"""
            [database]
            url = "sqlite:///{tmp_path / "firsthour.sqlite"}"
            [web]
            bind = "{bind}"
            [[brands]]
            name = "Acme"
            match = "acme"
            [[sources]]
            name = "source"
            every = "1s"
            {source}
            """
        )
        return str(path)

    return write


def ask(path: Path, question: str) -> list[Any]:
    with sqlite3.connect(path) as connection:
        return connection.execute(question).fetchall()


def roles(*names: str) -> list[str]:
    return [word for name in names for word in ("--role", name)]


def stored(tmp_path: Path) -> int:
    return int(ask(tmp_path / "firsthour.sqlite", "SELECT count(*) FROM mentions")[0][0])


def wait_until(condition: Callable[[], bool], service: Service) -> None:
    done = threading.Event()
    for _ in range(int(PATIENCE / 0.05)):
        if condition():
            return
        done.wait(0.05)
    pytest.fail("".join(service.lines) or "nothing was logged")


def write_mentions(path: Path, count: int) -> None:
    path.write_text("".join(json.dumps({"id": str(n), "text": f"acme {n}"}) + "\n" for n in range(count)))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_service_with_nothing_held_and_exit_0(
    start: Callable[..., Service], configure: Callable[..., str], tmp_path: Path, number: int
) -> None:
    write_mentions(tmp_path / "mentions.jsonl", 5)
    config = configure(f'type = "replay"\npath = "{tmp_path / "mentions.jsonl"}"')
    service = start("run", "--config", config, *roles(*FAST))
    address = service.wait_log("ready")["desk"]
    wait_until(lambda: stored(tmp_path) == 5, service)
    assert httpx2.get(f"{address}/healthz").status_code == 200
    assert httpx2.get(f"{address}/readyz").json()["sources"]["each"]["source"]["state"] == "ok"
    with httpx2.stream("GET", f"{address}/events") as stream:  # an open page does not hold up the stop
        next(stream.iter_lines(), None)
        assert service.end(number) == 0
    service.wait_log("stopped")
    assert not any("Traceback" in line for line in service.lines)
    assert ask(tmp_path / "firsthour.sqlite", "SELECT lease_owner FROM sources") == [(None,)]


def test_a_fetch_that_hangs_does_not_hold_up_the_stop(
    start: Callable[..., Service], configure: Callable[..., str], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        config = configure(f'type = "rss"\nurl = "http://127.0.0.1:{server.getsockname()[1]}/feed"')
        service = start("run", "--config", config, *roles("collect"))
        connection, _ = server.accept()  # the fetch has begun, and nobody will answer it
        service.wait_log("ready")
        assert service.end(signal.SIGTERM) == 0
        connection.close()
    assert ask(tmp_path / "firsthour.sqlite", "SELECT lease_owner, attempt FROM sources") == [(None, 0)]


def test_what_comes_through_a_stream_is_stored_at_once_and_the_stream_ends_with_the_service(
    start: Callable[..., Service], configure: Callable[..., str], tmp_path: Path, httpserver: HTTPServer
) -> None:
    with closing(FakeMastodon(httpserver)) as instance:
        now = datetime.now(UTC)
        instance.post("acme, polled", now - timedelta(minutes=2))
        account = 'access_token = "secret"\nhashtags = ["acme"]\nsearch = false'
        config = configure(f'type = "mastodon"\nbase_url = "{instance.url}"\n{account}')
        service = start("run", "--config", config, *roles("collect"))
        service.wait_log("ready")
        wait_until(lambda: stored(tmp_path) == 1, service)
        instance.wire.connected()
        instance.answer(Answer(503))  # no poll can find it
        instance.post("acme, heard", now - timedelta(minutes=1))
        wait_until(lambda: stored(tmp_path) == 2, service)
        assert service.end(signal.SIGTERM) == 0
        held = ask(tmp_path / "firsthour.sqlite", "SELECT lease_owner, connected_at FROM streams")
        assert held == [(None, None)]
    assert not any("Traceback" in line for line in service.lines)


def test_kill_9_loses_nothing(start: Callable[..., Service], configure: Callable[..., str], tmp_path: Path) -> None:
    write_mentions(tmp_path / "mentions.jsonl", 400)
    config = configure(f'type = "replay"\npath = "{tmp_path / "mentions.jsonl"}"\npage = 10')
    first = start("run", "--config", config, *roles("collect"))
    first.wait_log("ready")
    wait_until(lambda: stored(tmp_path) > 0, first)
    first.end(signal.SIGKILL)
    with sqlite3.connect(tmp_path / "firsthour.sqlite") as connection:  # a dead worker's lease would run out by itself
        connection.execute("UPDATE sources SET lease_until = '2000-01-01 00:00:00.000000' WHERE lease_owner NOT NULL")
    second = start("run", "--config", config, *roles("collect"))
    second.wait_log("ready")
    wait_until(lambda: stored(tmp_path) == 400, second)
    assert second.end(signal.SIGTERM) == 0
    ids = ask(tmp_path / "firsthour.sqlite", "SELECT external_id FROM mentions ORDER BY id")
    assert [int(row[0]) for row in ids] == list(range(400))


def test_a_port_that_is_taken_is_one_line_and_exit_2(
    start: Callable[..., Service], configure: Callable[..., str], tmp_path: Path
) -> None:
    write_mentions(tmp_path / "mentions.jsonl", 1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        config = configure(f'type = "replay"\npath = "{tmp_path / "mentions.jsonl"}"', bind)
        service = start("run", "--config", config, *roles(*FAST))
        assert service.process.wait(PATIENCE) == 2
        service.kill()
    ours = [line for line in service.lines if line.startswith("firsthour: ")]
    assert len(ours) == 1
    assert "web.bind" in ours[0]
