"""What all commands share: where the configuration comes from, and how errors reach a person."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from monitor import __version__
from monitor.errors import ConfigurationError, FirsthourError

if TYPE_CHECKING:
    from monitor.app import App
    from monitor.settings import Settings

BAD_CONFIGURATION = 2  # exit status; everything else that goes wrong is 1

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", "-c", envvar="FIRSTHOUR_CONFIG", help="TOML file; none: defaults and environment."),
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs instead of people.")]


class _Group(TyperGroup):
    """Turns every error into one line for a person. A traceback is for the log, at level debug."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except FirsthourError as error:
            from monitor.settings import BadSettings

            wrong = isinstance(error, (ConfigurationError, BadSettings))
            _fail(str(error), BAD_CONFIGURATION if wrong else 1)
        except (BrokenPipeError, KeyboardInterrupt) as error:
            if isinstance(error, BrokenPipeError):  # `firsthour export ... | head`
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(130 if isinstance(error, KeyboardInterrupt) else 0) from None
        except OSError as error:
            _fail(f"{error.filename or 'firsthour'}: {error.strerror or error}", 1)
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            if type(error).__module__.split(".")[0] in ("click", "typer"):
                raise
            from monitor.database import trouble

            _debug_traceback()
            _fail(
                trouble(error)
                or f"unexpected {type(error).__name__}: {error} (FIRSTHOUR_LOG__LEVEL=debug shows where)",
                1,
            )


def _fail(message: str, status: int) -> None:
    for line in message.splitlines() or [""]:
        typer.echo(f"firsthour: {line}", err=True)
    raise typer.Exit(status) from None


def _debug_traceback() -> None:
    if os.environ.get("FIRSTHOUR_LOG__LEVEL") == "debug":
        import traceback

        traceback.print_exc()


app = typer.Typer(
    name="firsthour",
    cls=_Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Hears every mention of a brand and gets each complaint answered within the hour, from Slack.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"firsthour {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Hears every mention of a brand and gets each complaint answered within the hour, from Slack."""


def load_settings(config: Path | None) -> Settings:
    from monitor.logs import configure
    from monitor.settings import load

    settings = load(config)
    configure(settings)
    return settings


@contextmanager
def opened(config: Path | None, create: bool = False) -> Iterator[App]:
    """The app over the configured database, closed at the end."""
    from monitor.app import App

    app_ = App(load_settings(config))
    try:
        app_.open(create)
        yield app_
    finally:
        app_.close()


def moment(text: str, option: str) -> datetime:
    """A point in time as people write it: ISO 8601, with its zone; a date alone is its midnight in UTC."""
    from monitor import clock

    try:
        return clock.moment(text)
    except ValueError as error:
        raise ConfigurationError(option, f'"{text}" {error}') from None


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=plain_json))


def plain_json(value: Any) -> Any:
    """What JSON has no word for."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value)
