"""sources: how each source is doing."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

import typer

from monitor.cli.frame import AsJson, ConfigFile, app, opened, print_json

if TYPE_CHECKING:
    from monitor.source_health import BudgetHealth, SourceHealth

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

    table = Table("source", "type", "state", "read", "newest", "stream", "every", "next", box=None, pad_edge=False)
    for wide in ("budget", "error"):
        table.add_column(wide, overflow="fold")
    for each in found:
        table.add_row(
            Text(each.name),
            Text(each.type),
            Text(each.state, _COLORS[each.state]),
            _ago(each.lag_seconds),
            _ago(each.newest_seconds),
            _stream(each, now),
            _span(each.interval_seconds),
            _next(each, now),
            "\n".join(map(_budget, each.budgets)),
            Text(each.error or ""),
        )
    Console(highlight=False).print(table)


def _stream(source: SourceHealth, now: datetime) -> str:
    since = source.connected_at
    return f"for {_span((now - since).total_seconds())}" if since else source.stream or ""


def _next(source: SourceHealth, now: datetime) -> str:
    if source.state == "stopped":
        return "when its configuration changes"
    seconds = (source.next_poll_at - now).total_seconds() if source.next_poll_at else 0
    words = f"in {_span(seconds)}" if seconds > 0 else "now"
    return f"{words} ({source.waits_for})" if source.waits_for else words


def _budget(budget: BudgetHealth) -> str:
    if budget.daily is None:
        return f"{budget.spent:,.6g} {budget.name} today"
    words = f"{budget.spent:,.6g} of {budget.daily:,.6g} {budget.name}"
    if budget.left == 0:
        return f"{words}, begins anew at {budget.resets_at:%H:%M} UTC"
    return f"{words}, at this rate spent at {budget.lasts_until:%H:%M} UTC" if budget.lasts_until else words


def _ago(seconds: float | None) -> str:
    return "never" if seconds is None else f"{_span(seconds)} ago"


def _span(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
