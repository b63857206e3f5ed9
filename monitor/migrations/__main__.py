"""For those who change monitor/models.py: `python -m monitor.migrations "Add the colour of a case"` writes the next
migration from the difference. Read it before you commit it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory

from monitor import schema
from monitor.database import Database


def write(subject: str) -> None:
    """Migrate an empty SQLite database to the newest migration, and write the one that leads on to the models."""
    with tempfile.TemporaryDirectory() as folder:
        db = Database(f"sqlite:///{Path(folder) / 'empty.sqlite'}")
        schema.upgrade(db)
        with db.engine.connect() as connection:
            config = schema.config(connection)
            number = len(list(ScriptDirectory.from_config(config).walk_revisions())) + 1
            command.revision(config, subject, autogenerate=True, rev_id=f"{number:04}")
        db.close()


if __name__ == "__main__":
    write(sys.argv[1])
