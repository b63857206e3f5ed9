"""slack: what Slack has to be told about firsthour."""

from __future__ import annotations

import typer

from monitor.cli.frame import app

commands = typer.Typer(no_args_is_help=True, help="Slack: the app's manifest.")
app.add_typer(commands, name="slack")


@commands.command("manifest")
def manifest() -> None:
    """The manifest of the Slack app, to be pasted at https://api.slack.com/apps; needs no configuration."""
    from monitor.alerts.manifest import manifest as made

    typer.echo(made(), nl=False)
