"""export and db: what is stored, and the database itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.frame import AsJson, ConfigFile, app, load_settings, moment, opened, print_json
from monitor.cli.users import note
from monitor.errors import ConfigurationError

db_commands = typer.Typer(no_args_is_help=True, help="The database itself: upgrade, backup, purge, index.")
app.add_typer(db_commands, name="db")


@app.command()
def export(
    what: Annotated[str, typer.Argument(help="mentions, cases or trends (hourly counts)")],
    format: Annotated[str, typer.Option("--format", help="csv, jsonl or parquet")] = "csv",
    since: Annotated[str | None, typer.Option(help="Posted at this time or later.")] = None,
    until: Annotated[str | None, typer.Option(help="Posted before this time.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; none: standard output.")] = None,
    config: ConfigFile = None,
) -> None:
    """Rows for other programs. Times are ISO 8601 in UTC; CSV cells that a spreadsheet would run begin with '."""
    from monitor.export import COLUMNS, FORMATS, write

    if what not in COLUMNS:
        raise ConfigurationError("export", f'"{what}" cannot be exported', "one of " + ", ".join(COLUMNS))
    if format not in FORMATS:
        raise ConfigurationError("--format", f'there is no format "{format}"', "one of " + ", ".join(FORMATS))
    first = moment(since, "--since") if since else None
    last = moment(until, "--until") if until else None
    with opened(config) as app_:
        count = write(app_.db, what, format, output, first, last)
        span = {"since": since, "until": until}
        note(app_, "exported", what=what, rows=count, **span)
    typer.echo(f"{count} {what}", err=True)


@db_commands.command()
def upgrade(config: ConfigFile = None) -> None:
    """Bring the database to this version's schema. Safe to repeat; back up first."""
    from monitor.app import App
    from monitor.schema import upgrade as bring_up

    app_ = App(load_settings(config))
    try:
        typer.echo(f"schema {bring_up(app_.db)}")
    finally:
        app_.close()


@db_commands.command()
def backup(
    target: Annotated[Path, typer.Argument(help="File to write; must not exist.")], config: ConfigFile = None
) -> None:
    """Copy a SQLite database to a file while the service runs."""
    from monitor.retention import backup as copy

    with opened(config) as app_, bar("copying") as progress:
        size = copy(app_.db, target, progress)
    typer.echo(f"{target}: {size:,} bytes")


@db_commands.command()
def purge(
    older_than: Annotated[str, typer.Option("--older-than", help='Age by the time first seen, such as "365d".')],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Forget what people wrote and who they were once it is old. Cases that are open are left alone."""
    from monitor.retention import purge as forget
    from monitor.settings import duration

    try:
        age = duration(older_than)
    except ValueError as error:
        raise ConfigurationError("--older-than", str(error)) from None
    with opened(config) as app_:
        counts = forget(app_.db, app_.clock.now(), age, dry_run)
        if not dry_run:
            note(app_, "purged", older_than=older_than, mentions=counts.mentions)
    found = {name: getattr(counts, name) for name in counts.__dataclass_fields__}
    if as_json:
        print_json(found)
    else:
        verb = "would be forgotten" if dry_run else "forgotten"
        typer.echo(f"{verb}: " + ", ".join(f"{number} {name}" for name, number in found.items()))


@db_commands.command()
def index(
    anew: Annotated[bool, typer.Option("--anew", help="Read all mentions again.")] = False, config: ConfigFile = None
) -> None:
    """Make older mentions findable by their words now, while the service runs; it does so by itself, bit by bit."""
    from monitor.word_index import anew as again
    from monitor.word_index import fill

    with opened(config) as app_:
        if anew:
            again(app_.db)
        with bar("reading") as progress:
            count = fill(app_.db, progress)
    typer.echo(f"{count:,} mentions read in; all can be found")


@contextmanager
def bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr for `(done, total)` calls, where somebody is watching."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
