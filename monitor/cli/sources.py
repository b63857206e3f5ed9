"""sources: how each source is doing."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

import typer

from monitor.cli.frame import AsJson, ConfigFile, app, opened, print_json

if TYPE_CHECKING:
    from monitor.source_health import SourceHealth

commands = typer.Typer(help="Sources: health, lag, budgets, next poll; what could not be read; a new one.")
app.add_typer(commands, name="sources", invoke_without_command=True)

_COLORS = {"ok": "green", "new": "green", "failing": "bold red", "stopped": "bold red"}


@commands.callback()
def sources(context: typer.Context, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """How each source is doing: its state, how far behind it is, when it is polled next, what its budgets have left."""
    if context.invoked_subcommand is not None:
        return
    from monitor.source_health import source_health

    with opened(config) as app_:
        now = app_.clock.now()
        with app_.db.read() as session:
            found = source_health(session, app_.settings.sources, app_.sources, now)
    if as_json:
        print_json([asdict(each) for each in found])
    else:
        _table(found, now)


def _table(found: list[SourceHealth], now: datetime) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from monitor import source_words as words

    table = Table("source", "type", "state", "read", "newest", "stream", "every", "next", box=None, pad_edge=False)
    for wide in ("budget", "error"):
        table.add_column(wide, overflow="fold")
    for each in found:
        table.add_row(
            Text(each.name),
            Text(each.type),
            Text(each.state, _COLORS[each.state]),
            words.ago(each.lag_seconds),
            words.ago(each.newest_seconds),
            words.stream(each, now),
            words.span(each.interval_seconds),
            words.next_poll(each, now),
            "\n".join(map(words.budget, each.budgets)),
            Text(each.error or ""),
        )
    Console(highlight=False).print(table)
