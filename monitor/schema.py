"""Is the database's schema the one that this code was written for, and how to make it so.

A new version of firsthour never changes a database on its own behind a running older one: `firsthour db upgrade` does,
and everything else refuses to start on a schema it does not know.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DatabaseError

from monitor.database import Database, trouble
from monitor.errors import ConfigurationError

KEY = "database.url"
UPGRADE_LOCK = 6_042_011  # PostgreSQL advisory lock: two replicas that upgrade at once do it one after the other


def upgrade(db: Database) -> str:
    """Bring the schema to this code's version, in one transaction; returns that version. Nothing is done if it is
    there already. Raises ConfigurationError if the database is newer than the code or cannot be written."""
    with _reaching(db), db.engine.connect().execution_options(writes=True) as connection, connection.begin():
        if db.dialect == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
        version = _version(connection)
        _refuse_newer(version)
        if version != expected():
            command.upgrade(config(connection), "head")
    return expected()


def check_schema(db: Database) -> str:
    """The schema's version, if it is the one this code needs. Raises ConfigurationError with the mend if the database
    cannot be reached, is older (`firsthour db upgrade`) or newer (upgrade firsthour) than the code."""
    with _reaching(db), db.engine.connect() as connection:
        version = _version(connection)
    _refuse_newer(version)
    if version != expected():
        have = f"has schema {version}, this firsthour needs {expected()}" if version else "has no tables yet"
        raise ConfigurationError(KEY, f"the database {have}", "run `firsthour db upgrade`")
    return version


def expected() -> str:
    """The version that this code needs."""
    head = ScriptDirectory.from_config(config(None)).get_current_head()
    assert head is not None
    return head


def _version(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _refuse_newer(version: str | None) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(config(None)).walk_revisions()}
    if version is not None and version not in known:
        raise ConfigurationError(
            KEY, f"the database has schema {version}, which this firsthour does not know", "upgrade firsthour"
        )


def config(connection: Connection | None) -> Config:
    """Alembic's configuration, over `connection`."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


@contextmanager
def _reaching(db: Database) -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        shown = db.url.render_as_string(hide_password=True)
        raise ConfigurationError(KEY, f"{shown} cannot be used", trouble(error) or str(error)) from error
