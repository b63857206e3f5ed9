"""trends: the counts that the trends are drawn from."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from monitor.cli.data import bar
from monitor.cli.frame import ConfigFile, app, opened
from monitor.errors import Refused

trends_commands = typer.Typer(no_args_is_help=True, help="The counts that the trends are drawn from.")
app.add_typer(trends_commands, name="trends")


@trends_commands.callback()
def trends() -> None:
    """The counts that the trends are drawn from."""


@trends_commands.command()
def rebuild(
    check: Annotated[bool, typer.Option("--check", help="Only compare with a recount; change nothing.")] = False,
    config: ConfigFile = None,
) -> None:
    """Count all mentions anew and prove the counts right, while the service runs. They are kept right without it."""
    from monitor import rollups

    with opened(config) as app_:
        if not check:
            began = time.perf_counter()
            with bar("counting") as progress:
                mentions = rollups.rebuild(app_.db, progress)
            rate = mentions / max(time.perf_counter() - began, 1e-6)
            typer.echo(f"{mentions:,} mentions counted, {rate:,.0f} a second")
        with bar("comparing") as progress:
            wrong = rollups.check(app_.db, progress)
    if wrong:
        raise Refused(f"{wrong} rows differ from a recount" + (": run `firsthour trends rebuild`" if check else ""))
    typer.echo("the counts are what a recount gives")
