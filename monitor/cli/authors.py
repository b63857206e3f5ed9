"""author: all that is kept about one person, handed out or taken away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.frame import AsJson, ConfigFile, app, opened, plain_json, print_json
from monitor.cli.users import note

author_commands = typer.Typer(no_args_is_help=True, help="What is kept about one author: export, erase.")
app.add_typer(author_commands, name="author")

Handle = Annotated[str, typer.Argument(help="As it stands on the source, with or without @ or u/.")]
On = Annotated[str, typer.Option("--source", help="The source on which the author writes.")]


@author_commands.command("export")
def export_author(
    handle: Handle,
    source: On,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; none: standard output.")] = None,
    config: ConfigFile = None,
) -> None:
    """Everything that is kept about one author, as JSON: words, earlier versions, verdicts, cases, replies."""
    from monitor.author_records import export

    with opened(config) as app_:
        with app_.db.read() as session:
            found = export(session, source, handle)
        note(app_, "exported", what="one author", source=source, mentions=len(found["mentions"]))
    if output is None:
        print_json(found)
    else:
        output.write_text(json.dumps(found, ensure_ascii=False, indent=2, default=plain_json), encoding="utf-8")
    typer.echo(", ".join(f"{len(rows)} {name}" for name, rows in found.items()), err=True)


@author_commands.command("erase")
def erase_author(
    handle: Handle,
    source: On,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Take away what one author wrote and who they are, here and in Slack's messages. There is no way back."""
    from monitor.alerts.redact import redact
    from monitor.author_records import erase

    if not yes:
        typer.confirm(f"Erase everything about {handle} on {source}?", abort=True)
    with opened(config) as app_:
        erased = erase(app_.db, source, handle, app_.clock.now(), redact)
        note(app_, "erased", source=source, mentions=erased.mentions, cases=erased.cases)
    found = {name: getattr(erased, name) for name in erased.__dataclass_fields__}
    if as_json:
        print_json(found)
    else:
        typer.echo("erased: " + ", ".join(f"{number} {name}" for name, number in found.items()))
