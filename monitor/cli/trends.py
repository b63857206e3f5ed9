"""trends: the counts that the trends are drawn from."""

from __future__ import annotations

import time
from getpass import getuser
from typing import Annotated

import typer

from monitor.cli.data import bar
from monitor.cli.frame import ConfigFile, app, moment, opened
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
    from monitor import recount, tallies

    with opened(config) as app_:
        zone, now = app_.settings.clock.zone, app_.clock.now()
        if not check:
            began = time.perf_counter()
            with bar("counting") as progress:
                mentions = recount.rebuild(app_.db, now, zone, progress)
            with bar("adding up") as progress:
                tallies.settle(app_.db, zone, now, progress=progress)
            rate = mentions / max(time.perf_counter() - began, 1e-6)
            typer.echo(f"{mentions:,} mentions counted, {rate:,.0f} a second")
        with bar("comparing") as progress:
            wrong = recount.check(app_.db, progress)
        with bar("comparing sums") as progress:
            wrong += tallies.check(app_.db, zone, progress)
    if wrong:
        raise Refused(f"{wrong} rows differ from a recount" + (": run `firsthour trends rebuild`" if check else ""))
    typer.echo("the counts are what a recount gives")


@trends_commands.command()
def annotate(
    text: Annotated[str, typer.Argument(help='What happened, such as "campaign started".')] = "",
    at: Annotated[str | None, typer.Option(help="When; none: now.")] = None,
    until: Annotated[str | None, typer.Option(help="Until when, if it lasted.")] = None,
    brand: Annotated[str | None, typer.Option(help="Of this brand only.")] = None,
    by: Annotated[str | None, typer.Option(help="Who notes it; none: whoever is logged in here.")] = None,
    remove: Annotated[int | None, typer.Option(help="Remove the annotation of this number instead.")] = None,
    config: ConfigFile = None,
) -> None:
    """Note something that happened, to be drawn in the charts; without a text, list what was noted."""
    from datetime import timedelta

    from monitor.annotations import annotate as note
    from monitor.annotations import noted, take_away

    with opened(config) as app_:
        now, zone = app_.clock.now(), app_.settings.clock.zone
        if remove is not None:
            with app_.db.write() as session:
                if not take_away(session, remove):
                    raise Refused(f"there is no annotation {remove}; `firsthour trends annotate` lists them")
            typer.echo(f"annotation {remove} is removed")
        elif text:
            known = [each.name for each in app_.settings.brands]
            if brand is not None and brand not in known:
                raise Refused(f'there is no brand "{brand}"; there are: {", ".join(known)}')
            began, ended = moment(at, "--at") if at else now, moment(until, "--until") if until else None
            with app_.db.write() as session:
                number = note(session, began, ended, text, brand, by or getuser(), now)
            typer.echo(f"annotation {number} is noted")
        else:
            with app_.db.read() as session:
                found = noted(session, now - timedelta(days=36_500), now + timedelta(days=36_500))
            for each in found:
                end = f" to {each.until.astimezone(zone):%Y-%m-%d %H:%M}" if each.until else ""
                about = f" ({each.brand})" if each.brand else ""
                typer.echo(f"{each.id:>4}  {each.at.astimezone(zone):%Y-%m-%d %H:%M}{end}  {each.text}{about}")
