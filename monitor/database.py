"""The engine: SQLite or PostgreSQL, one way to read and one way to write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Table,
    create_engine,
    event,
    insert,
    inspect,
    make_url,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

from monitor.clock import aware

BUSY_TIMEOUT_MS = 30_000


class UTCDateTime(TypeDecorator[datetime]):
    """An aware moment, stored in UTC. A naive datetime is refused with ValueError."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return aware(value).replace(tzinfo=None) if dialect.name == "sqlite" else aware(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        """In one call for each value, since pages read tens of thousands of them."""
        if dialect.name == "sqlite":
            return lambda value: None if value is None else datetime.fromisoformat(value + "+00:00")
        return lambda value: None if value is None else value.astimezone(UTC)


class Database:
    """Short transactions only: `read()` sees one moment and never blocks a writer, `write()` takes the write lock at
    once (SQLite's BEGIN IMMEDIATE), so that what was read inside it still holds when it commits."""

    def __init__(self, url: str | URL) -> None:
        self.url = make_url(url)
        self.engine = _engine(self.url)

    @property
    def dialect(self) -> str:
        return self.engine.dialect.name

    @contextmanager
    def read(self) -> Iterator[Session]:
        with self.engine.connect() as connection:
            if self.dialect == "postgresql":
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with Session(connection, expire_on_commit=False) as session:
                yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Commits at the end of the block, rolls back on any exception."""
        with self.engine.connect() as connection:
            connection = connection.execution_options(writes=True)
            with Session(connection, expire_on_commit=False) as session, session.begin():
                yield session
                for act in session.info.pop("at_end", ()):
                    act(session)

    def close(self) -> None:
        self.engine.dispose()


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return _planning_anew(create_engine(url, pool_pre_ping=True, pool_size=10))
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000})

    @event.listens_for(engine, "connect")
    def _configure(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            f"busy_timeout = {BUSY_TIMEOUT_MS}",
            "foreign_keys = ON",
            "temp_store = MEMORY",
            "cache_size = -16000",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes: Any = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _planning_anew(engine: Engine) -> Engine:
    """Has PostgreSQL plan a prepared statement for the values that it is run with: a plan that fits all of them, made
    while a table was small, reads all of it when it has grown, and a rare word as if it were frequent."""

    @event.listens_for(engine, "connect")
    def _configure(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute("SET plan_cache_mode = force_custom_plan")
        cursor.close()
        connection.commit()

    return engine


def at_end(session: Session, act: Callable[[Session], None]) -> None:
    """Act once, before `write()` commits."""
    acts = session.info.setdefault("at_end", [])
    if act not in acts:
        acts.append(act)


def insert_rows(session: Session, table: type[Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert many rows with one statement. The session does not hear of them: they are to be read again."""
    if rows:
        session.flush()
        session.connection().execute(insert(inspect(table).local_table), rows)


def insert_many(session: Session, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows that have every column of `table`, in the order of its columns, the quickest way there is."""
    session.flush()
    connection, columns = session.connection(), ", ".join(column.name for column in table.columns)
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "postgresql":
        with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    marks = ", ".join("?" * len(table.columns))
    driver.executemany(f"INSERT INTO {table.name} ({columns}) VALUES ({marks})", rows)  # noqa: S608


def insert_missing(session: Session, table: type[Any], rows: Sequence[Mapping[str, Any]], *unique: str) -> None:
    """As `insert_rows`, without those whose `unique` columns (default: any that are) are taken already."""
    if rows:
        make: Any = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        statement = make(inspect(table).local_table).on_conflict_do_nothing(index_elements=list(unique) or None)
        session.connection().execute(statement, rows)


def trouble(error: BaseException) -> str | None:
    """For a person: what is the matter with the database itself and how to mend it. None if `error` is another's."""
    if not isinstance(error, DBAPIError):
        return None
    text = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
    for sign, meaning in (
        ("database or disk is full", "the disk is full: make room, nothing stored so far is lost"),
        ("No space left", "the disk is full: make room, nothing stored so far is lost"),
        ("readonly database", "the database cannot be written: check the rights of the file and its directory"),
        ("read-only transaction", "the database cannot be written: it is read-only"),
        ("database is locked", "the database is locked by another program: close it or try again"),
        ("unable to open database", "the database file cannot be opened: check that its directory exists"),
        ("malformed", "the database file is damaged: restore a backup"),
        ("not a database", "the file is not a database: check database.url"),
        ("no such table", "the database has no tables yet: run `firsthour db upgrade`"),
        ("does not exist", f"{text}: run `firsthour db upgrade`, or check database.url"),
        ("onnection", f"the database cannot be reached: {text}"),
    ):
        if sign in text:
            return meaning
    return f"the database refused: {text}"
