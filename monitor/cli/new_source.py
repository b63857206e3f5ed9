"""sources add: a new source for the configuration."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

from monitor.cli.frame import ConfigFile
from monitor.cli.sources import commands
from monitor.errors import ConfigurationError


@commands.command("add")
def add(
    kind: Annotated[str, typer.Argument(metavar="TYPE", help="Such as x, reddit or rss.")],
    name: Annotated[str | None, typer.Option(help="Its name; default: the type.")] = None,
    given: Annotated[list[str] | None, typer.Option("--set", help="key=value of the type; may be repeated.")] = None,
    no_input: Annotated[bool, typer.Option("--no-input", help="Ask nothing.")] = False,
    no_check: Annotated[bool, typer.Option("--no-check", help="Do not reach the service first.")] = False,
    config: ConfigFile = None,
) -> None:
    """Ask for what a type of source needs, try it, write it into the configuration. Secrets stay out of the file."""
    from monitor import new_source
    from monitor.app import make_source
    from monitor.brands import Brands
    from monitor.sources import source_class

    if config is None:
        raise ConfigurationError("--config", "which file is to be written?", "pass --config FILE")
    name = name or kind
    fields = new_source.options_of(source_class(kind))
    values, secrets = _asked(name, fields, dict(map(_pair, given or ())), no_input)
    before = config.read_text(encoding="utf-8-sig") if config.exists() else ""
    after = new_source.with_source(before, {"name": name, "type": kind} | values)
    settings = new_source.checked(after, secrets, os.environ)
    if not no_check:
        made = make_source(settings.sources[-1], Brands(settings.brands))
        try:
            typer.echo(made.check())
        finally:
            made.close()
    new_source.write(config, after)
    typer.echo(f"{name} was added to {config}")
    for key in secrets:
        typer.echo(f"set {new_source.variable(name, key)} in the environment of the service; it is not in the file")


def _asked(name: str, fields: Any, given: dict[str, str], no_input: bool) -> tuple[dict[str, Any], dict[str, str]]:
    """The values for the file, and the secrets that stay out of it."""
    from monitor import new_source

    if unknown := given.keys() - fields.keys():
        hint = "there are: " + ", ".join(fields)
        raise ConfigurationError(f"--set {sorted(unknown)[0]}", "this type has no such key", hint)
    values: dict[str, Any] = {}
    secrets: dict[str, str] = {}
    for key, field in fields.items():
        secret = new_source.is_secret(field)
        text = given.get(key)
        if text is None and secret:
            text = os.environ.get(new_source.variable(name, key))
        if text is None and field.is_required():
            if no_input:
                raise ConfigurationError(f"--set {key}", "this type needs it", field.description or "")
            text = typer.prompt(f"{key} ({field.description})", hide_input=secret, err=True)
        if text is not None and secret:
            secrets[key] = text
        elif text is not None:
            values[key] = new_source.value_of(text, field)
    return values, secrets


def _pair(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign:
        raise ConfigurationError("--set", f'"{text}" has no =', "write it as key=value")
    return key.strip(), value.strip()
