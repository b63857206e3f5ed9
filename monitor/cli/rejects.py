"""sources errors: what could not be read, to look at, to try again, to forget."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from monitor.cli.frame import AsJson, ConfigFile, opened, print_json
from monitor.cli.sources import commands


@commands.command("errors")
def errors(
    source: Annotated[str | None, typer.Option(help="Only of this source.")] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Ask for each once more.")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Forget them.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many are shown.")] = 50,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Items that could not be read, each with the reason. The others went on."""
    from monitor import rejects

    with opened(config) as app_:
        if clear:
            typer.echo(f"{rejects.clear(app_.db, source)} forgotten")
            return
        if retry:
            told = rejects.retry(app_.db, app_.sources, app_.brands, app_.clock.now(), source)
            found = [_row(each.reject) | {"read": each.read, "why": each.why} for each in told]
        else:
            with app_.db.read() as session:
                found = [_row(each) for each in rejects.rejects(session, source, limit)]
    if as_json:
        print_json(found)
    elif not found:
        typer.echo("everything could be read")
    else:
        _show(found)


def _row(reject: Any) -> dict[str, Any]:
    return {name: getattr(reject, name) for name in ("source", "at", "external_id", "reason", "raw")}


def _show(found: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from monitor.alerts.text import visible

    last = "now" if "why" in found[0] else "first words"
    table = Table("source", "when", "reason", last, box=None, pad_edge=False)
    for each in found:
        words = each.get("why") or " ".join(visible(each["raw"]).split())[:80]
        reason = Text(visible(each["reason"])[:200])
        table.add_row(Text(each["source"]), f"{each['at']:%Y-%m-%d %H:%M} UTC", reason, Text(words))
    Console(highlight=False).print(table)
