"""The migrations lead to exactly the tables in monitor/models.py, on both databases."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import URL, inspect, text

from monitor import schema
from monitor.database import Database
from monitor.errors import ConfigurationError
from monitor.models import Base


@pytest.fixture(params=["sqlite", "postgresql"])
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database with nothing in it."""
    if request.param == "sqlite":
        db = Database(f"sqlite:///{tmp_path / 'bare.sqlite'}")
    else:
        db = Database(request.getfixturevalue("pg_url"))
        with db.write() as session:
            session.execute(text("DROP SCHEMA public CASCADE"))
            session.execute(text("CREATE SCHEMA public"))
    yield db
    db.close()


def test_the_migrated_schema_is_that_of_the_models(any_db: Database) -> None:
    with any_db.engine.connect() as connection:
        opts = {"compare_type": True, "compare_server_default": True, "include_name": _not_of_the_index_of_words}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, Base.metadata) == []


def _not_of_the_index_of_words(name: str | None, kind: str, _parents: object) -> bool:
    """Which is another thing on each database."""
    return kind != "table" or not (name or "").startswith("mention_words")


def test_both_databases_have_the_constraints_that_comparison_overlooks(any_db: Database) -> None:
    found = inspect(any_db.engine)
    for table in Base.metadata.sorted_tables:
        assert found.get_pk_constraint(table.name)["constrained_columns"] == [c.name for c in table.primary_key]
        assert {k["constrained_columns"][0] for k in found.get_foreign_keys(table.name)} == {
            k.parent.name for k in table.foreign_keys
        }


def test_an_empty_database_is_refused_with_the_command_that_mends_it(bare: Database) -> None:
    with pytest.raises(ConfigurationError, match=r"has no tables yet.*firsthour db upgrade"):
        schema.check_schema(bare)


def test_upgrade_makes_an_empty_database_usable_and_changes_nothing_the_second_time(bare: Database) -> None:
    assert schema.upgrade(bare) == schema.check_schema(bare) == schema.upgrade(bare) == schema.expected()


def test_the_way_back_leaves_nothing_behind(bare: Database) -> None:
    schema.upgrade(bare)
    with bare.engine.connect().execution_options(writes=True) as connection, connection.begin():
        command.downgrade(schema.config(connection), "base")
    assert inspect(bare.engine).get_table_names() == ["alembic_version"]


def test_a_database_newer_than_the_code_is_refused_and_left_as_it_is(any_db: Database) -> None:
    with any_db.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for attempt in (schema.check_schema, schema.upgrade):
        with pytest.raises(ConfigurationError, match=r"9999.*upgrade firsthour"):
            attempt(any_db)
    with any_db.read() as session:
        assert session.scalar(text("SELECT version_num FROM alembic_version")) == "9999"


def test_replicas_that_upgrade_at_once_do_it_once(bare: Database) -> None:
    start, results = threading.Barrier(4), []

    def replica() -> None:
        db = Database(bare.url)
        start.wait()
        results.append(schema.upgrade(db))
        db.close()

    threads = [threading.Thread(target=replica) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [schema.expected()] * 4


def test_a_failed_migration_leaves_the_database_as_it_was(bare: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def upgrade_then_fail(config: object, revision: str) -> None:
        command.upgrade(config, revision)  # type: ignore[arg-type]
        raise RuntimeError("power cut")

    monkeypatch.setattr(schema, "command", type("Cut", (), {"upgrade": staticmethod(upgrade_then_fail)}))
    with pytest.raises(RuntimeError):
        schema.upgrade(bare)
    assert inspect(bare.engine).get_table_names() == []


def test_a_folder_that_is_not_there_is_a_mistake_in_the_configuration(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'nowhere' / 'firsthour.sqlite'}")
    with pytest.raises(ConfigurationError, match=r"database\.url: .*cannot be used .*check that its directory exists"):
        schema.check_schema(db)


def test_a_file_that_is_no_database_is_a_mistake_in_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "notes.sqlite").write_text("Dear diary, " * 100)
    db = Database(f"sqlite:///{tmp_path / 'notes.sqlite'}")
    with pytest.raises(ConfigurationError, match="the file is not a database"):
        schema.upgrade(db)


def test_a_password_in_the_address_is_never_shown() -> None:
    url = URL.create("postgresql+psycopg", "monitor", "hunter2", "127.0.0.1", 1, "firsthour")
    with pytest.raises(ConfigurationError) as caught:
        schema.check_schema(Database(url))
    assert "hunter2" not in str(caught.value)


def test_a_read_only_database_cannot_be_upgraded(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "bare.sqlite").close()
    readonly = Database(f"sqlite:///file:{tmp_path / 'bare.sqlite'}?mode=ro&uri=true")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        schema.upgrade(readonly)


def test_mentions_of_before_are_looked_at_again_unless_their_words_are_gone(bare: Database) -> None:
    with bare.engine.connect().execution_options(writes=True) as connection, connection.begin():
        command.upgrade(schema.config(connection), "0010")
        for number, (judging, removed) in enumerate(
            (("judged", "NULL"), ("purged", "NULL"), ("judged", "'2026-11-20'"))
        ):
            connection.execute(
                text(
                    "INSERT INTO mentions (source, external_id, text, own, backfill, brands, posted_at, seen_at,"
                    f" revision, judging, removed_at) VALUES ('x', '{number}', 'acme', false, false, '[]', "
                    f"'2026-11-19', '2026-11-20', 0, '{judging}', {removed})"
                )
            )
    schema.upgrade(bare)
    with bare.read() as session:
        told = session.execute(text("SELECT external_id FROM mentions WHERE looked_at = seen_at")).scalars()
        assert list(told) == ["0"]
