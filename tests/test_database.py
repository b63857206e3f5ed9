"""One way to read, one way to write; the same on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Engine, event, func, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, StatementError

from monitor.database import Database, trouble
from monitor.models import CorrectionRow, SlotRow, SourceState

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def run_at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """What `work(0)` ... `work(count - 1)` return, started together in threads of their own."""
    start, results, failures = threading.Barrier(count), [None] * count, []

    def body(number: int) -> None:
        start.wait()
        try:
            results[number] = work(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=body, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return results


def failure(db: Database) -> str | None:
    """What a person is told when a row cannot be written."""
    with pytest.raises(DBAPIError) as caught, db.write() as session:
        session.add(SourceState(name="rss"))
    return trouble(caught.value)


@contextmanager
def pragma(engine: Engine, setting: str) -> Iterator[None]:
    """Every connection has `setting` meanwhile: a file that may not grow is a full disk."""

    def put(connection: Any, _record: Any, _proxy: Any) -> None:
        connection.execute(f"PRAGMA {setting}")

    event.listen(engine, "checkout", put)
    yield
    event.remove(engine, "checkout", put)
    engine.dispose()


def test_a_moment_comes_back_as_the_same_moment_in_utc(any_db: Database) -> None:
    tallinn = timezone(timedelta(hours=2))
    with any_db.write() as session:
        session.add(SourceState(name="rss", next_poll_at=NOON.astimezone(tallinn)))
    with any_db.read() as session:
        found = session.scalars(select(SourceState.next_poll_at)).one()
    assert found == NOON
    assert found is not None
    assert found.tzinfo is UTC


def test_moments_compare_as_moments_whatever_zone_they_were_written_in(any_db: Database) -> None:
    tokyo = timezone(timedelta(hours=9))
    with any_db.write() as session:
        session.add(SourceState(name="early", next_poll_at=NOON.astimezone(tokyo)))
        session.add(SourceState(name="late", next_poll_at=NOON + timedelta(microseconds=1)))
    with any_db.read() as session:
        due = select(SourceState.name).where(SourceState.next_poll_at <= NOON.astimezone(tokyo))
        assert session.scalars(due).all() == ["early"]


def test_a_naive_moment_is_not_stored(any_db: Database) -> None:
    with pytest.raises(StatementError, match="has no time zone"), any_db.write() as session:
        session.add(SourceState(name="rss", next_poll_at=NOON.replace(tzinfo=None)))


def test_an_exception_undoes_the_whole_block(any_db: Database) -> None:
    def add_and_fail() -> None:
        with any_db.write() as session:
            session.add(SourceState(name="rss"))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        add_and_fail()
    with any_db.read() as session:
        assert session.scalar(select(func.count()).select_from(SourceState)) == 0


def test_a_row_that_names_a_missing_one_is_refused(any_db: Database) -> None:
    with pytest.raises(IntegrityError), any_db.write() as session:
        session.add(CorrectionRow(mention_id=404, complaint=False, actor="ann", at=NOON))


def test_writers_at_once_lose_no_update(any_db: Database) -> None:
    with any_db.write() as session:
        session.add(SourceState(name="rss", failures=0))

    def count_up(_number: int) -> None:
        for _ in range(20):
            with any_db.write() as session:
                failures = session.scalars(select(SourceState.failures).with_for_update()).one()
                session.execute(update(SourceState).values(failures=failures + 1))

    run_at_once(4, count_up)
    with any_db.read() as session:
        assert session.scalars(select(SourceState.failures)).one() == 80


def test_an_open_read_does_not_stop_a_writer(any_db: Database) -> None:
    with any_db.read() as reader:
        assert reader.scalar(select(func.count()).select_from(SlotRow)) == 0
        with any_db.write() as session:
            session.add(SlotRow(job="tick", slot=NOON, taken_by="me"))
    with any_db.read() as reader:
        assert reader.scalar(select(func.count()).select_from(SlotRow)) == 1


def test_an_open_write_does_not_stop_a_reader_and_shows_it_nothing(any_db: Database) -> None:
    with any_db.write() as session:
        session.add(SlotRow(job="tick", slot=NOON, taken_by="me"))
        session.flush()
        with any_db.read() as reader:
            assert reader.scalar(select(func.count()).select_from(SlotRow)) == 0


def test_every_sqlite_connection_is_durable_and_checks_its_references(db: Database) -> None:
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    made: list[tuple[Any, ...]] = []

    @event.listens_for(db.engine, "connect")
    def look(connection: Any, _record: object) -> None:
        made.append(tuple(connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names))

    with db.read() as one, db.read() as two, db.read() as three:
        for session in (one, two, three):
            session.execute(text("SELECT 1"))
    assert made == [("wal", 2, 1, 30_000)] * 3


def test_a_full_disk_loses_only_what_was_not_committed(db: Database) -> None:
    with db.write() as session:
        session.add(SourceState(name="kept"))
        pages = session.scalars(text("PRAGMA page_count")).one()
    with pragma(db.engine, f"max_page_count = {pages}"):
        with pytest.raises(OperationalError, match="full"), db.write() as session:
            session.add_all([SourceState(name="small"), SourceState(name="large", error="x" * 1_000_000)])
        with db.read() as session:
            assert session.scalars(select(SourceState.name)).all() == ["kept"]
    with db.write() as session:
        session.add(SourceState(name="large", error="x" * 1_000_000))


def test_text_of_any_script_comes_back_as_it_was(any_db: Database) -> None:
    words = "Zażółć, 配達が遅い, வணக்கம், 👩🏽\u200d🔧, \u202eevil\u202c, \U0010ffff"
    with any_db.write() as session:
        session.add(SourceState(name="rss", error=words, cursor={"after": words}))
    with any_db.read() as session:
        row = session.scalars(select(SourceState)).one()
    assert row.error == words
    assert row.cursor == {"after": words}


def test_a_database_held_by_another_program_is_said_to_be_locked(db: Database) -> None:
    other = Database(db.url)
    with db.write() as session, pragma(other.engine, "busy_timeout = 0"):
        session.scalar(text("SELECT 1"))  # even reading holds the lock, so that what was read stays true
        assert failure(other) == "the database is locked by another program: close it or try again"


def test_a_database_that_may_only_be_read_is_said_to_be_so(db: Database) -> None:
    readonly = Database(f"sqlite:///file:{db.url.database}?mode=ro&uri=true")
    assert "cannot be written" in str(failure(readonly))
    readonly.close()


def test_a_database_without_tables_is_told_the_command(tmp_path: Path, postgres: URL) -> None:
    for url in (f"sqlite:///{tmp_path / 'empty.sqlite'}", postgres):
        empty = Database(url)
        assert "firsthour db upgrade" in str(failure(empty))
        empty.close()


def test_a_server_that_is_not_there_is_said_to_be_out_of_reach() -> None:
    url = URL.create("postgresql+psycopg", "monitor", "hunter2", "127.0.0.1", 1, "firsthour")
    told = str(failure(Database(url)))
    assert "cannot be reached" in told
    assert "hunter2" not in told


def test_a_mistake_in_the_code_is_not_taken_for_trouble_with_the_database() -> None:
    assert trouble(ZeroDivisionError()) is None


def test_postgresql_plans_each_question_for_its_own_values(pg_url: URL) -> None:
    database = Database(pg_url)
    with database.read() as session:
        for job in map(str, range(20)):
            session.scalars(select(SlotRow.slot).where(SlotRow.job == job)).all()
        plans = session.execute(text("SELECT sum(generic_plans), sum(custom_plans) FROM pg_prepared_statements")).one()
    database.close()
    assert plans[0] == 0
    assert plans[1] > 10
