"""run, demo, check, poll, settings: the service and its configuration."""

from __future__ import annotations

import gc
import os
import signal
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.frame import AsJson, ConfigFile, app, load_settings, opened, print_json
from monitor.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from monitor.app import App
    from monitor.settings import Settings

GIVE_UP_AFTER = 9.5  # seconds from the signal until the process ends, whatever hangs


@app.command()
def run(
    config: ConfigFile = None,
    role: Annotated[
        list[str] | None,
        typer.Option("--role", help="collect, classify, deliver, clock, web, slack; may be repeated. Default: all."),
    ] = None,
) -> None:
    """The service: reads the sources, judges, alerts, keeps the clocks. Stops within 10 s of SIGTERM or Ctrl-C."""
    with _starting():
        _run(load_settings(config), role or ())


def _run(settings: Settings, role: Collection[str]) -> None:
    from monitor.app import ROLES, App

    for name in role:
        if name not in ROLES:
            raise ConfigurationError("--role", f'there is no role "{name}"', "one of " + ", ".join(ROLES))
    if not settings.brands or not settings.sources:
        what = "brands" if not settings.brands else "sources"
        raise ConfigurationError(
            what, "there are none, so there is nothing to watch", "see config/firsthour.example.toml"
        )
    _serve(App(settings), role or ROLES, lambda address: None)


@app.command()
def demo(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the desk; 0: any free one.")] = 8080,
    speed: Annotated[float, typer.Option(min=1, max=1000, help="How much faster than real the clock runs.")] = 20.0,
    keep: Annotated[Path | None, typer.Option(help="Keep the database in this file, and go on from it.")] = None,
) -> None:
    """The whole loop without credentials: invented mentions of invented brands arrive, and you are the team."""
    from tempfile import TemporaryDirectory

    with _starting(), TemporaryDirectory(prefix="firsthour-demo-") as directory:
        from monitor import demo as made_up
        from monitor.app import ROLES, App
        from monitor.clock import SystemClock
        from monitor.demo.filling import fill
        from monitor.logs import configure

        settings = made_up.settings(keep or Path(directory) / "demo.sqlite", port, speed)
        configure(settings)
        clock = SystemClock(speed)
        app_ = App(settings, clock)
        _ = app_.loading_classifier  # which takes its time, while the past is written
        app_.open(create=True)
        fill(app_.db, settings, clock.now())
        _serve(app_, ROLES, lambda address: typer.echo(made_up.welcome(address, clock, settings)))


@contextmanager
def _starting() -> Iterator[None]:
    """Without garbage collection until the service runs: a start makes no garbage, and looking for some takes a tenth
    of its time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _serve(app_: App, roles: Collection[str], ready: Any) -> None:
    from monitor.daemon import serve

    stop = threading.Event()

    def on_ready(address: str | None) -> None:
        ready(address)
        gc.collect()
        gc.freeze()
        gc.enable()

    def on_signal(number: int, _frame: Any) -> None:
        if stop.is_set() and number == signal.SIGINT:
            os._exit(130)  # a second Ctrl-C: the person has waited enough
        stop.set()
        watchdog = threading.Timer(GIVE_UP_AFTER, os._exit, [0])
        watchdog.daemon = True
        watchdog.start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    serve(app_, stop, roles, on_ready)


@app.command()
def check(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Validate the configuration and reach every source, the database and Slack. Exit status 0 if all is well."""
    from monitor.app import App
    from monitor.check import check_all

    settings = load_settings(config)
    findings = check_all(App(settings))
    if as_json:
        print_json([{"part": f.part, "name": f.name, "ok": f.ok, "detail": f.detail} for f in findings])
    else:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table("", "part", box=None, pad_edge=False)
        for wide in ("name", "found"):
            table.add_column(wide, overflow="fold")  # an address that is cut helps nobody
        for f in findings:
            sign = Text("ok", "green") if f.ok else Text("FAILED", "bold red")
            table.add_row(sign, f.part, Text(f.name), Text(f.detail))
        Console(highlight=False).print(table)
    raise typer.Exit(0 if all(f.ok for f in findings) else 1)


@app.command()
def poll(
    source: Annotated[str, typer.Option(help="Its name in the configuration.")],
    once: Annotated[bool, typer.Option("--once", help="Stop after one poll (the only way so far).")] = True,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Read one source now and store what is new, as the service would."""
    with opened(config, create=True) as app_:
        result = app_.collect.poll(source)
    found = {name: getattr(result, name) for name in result.__dataclass_fields__}
    if as_json:
        print_json(found)
    else:
        typer.echo(", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in found.items()))


@app.command()
def settings() -> None:
    """Every setting with its default and meaning, as Markdown."""
    from monitor.reference import markdown

    typer.echo(markdown(), nl=False)
