"""oncall: who is on call now and for the week to come."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.frame import AsJson, ConfigFile, app, load_settings, moment, print_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, tzinfo


@app.command()
def oncall(
    at: Annotated[str | None, typer.Option(help="A time instead of now.")] = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="How far to look ahead.")] = 7,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Who is on call now, and when that changes. Times are in the time zone of [clock]."""
    from zoneinfo import ZoneInfo

    from monitor.clock import SystemClock
    from monitor.oncall import Rota
    from monitor.oncall_names import given_names

    settings = load_settings(config)
    rota = Rota(settings.oncall, settings.clock.timezone, settings.slack.oncall)
    now = moment(at, "--at") if at else SystemClock().now()
    shifts, zone = rota.shifts(now, now + timedelta(days=days)), ZoneInfo(settings.clock.timezone)
    if as_json:
        rows = [{"from": s.starts_at, "until": s.ends_at, "who": list(s.who)} for s in shifts]
        print_json({"now": list(rota.at(now)), "shifts": rows})
        return
    names = given_names(settings.oncall)
    typer.echo(f"On call now: {_called(rota.at(now), names)}")
    for shift in shifts:
        typer.echo(f"{_day(shift.starts_at, zone)} - {_day(shift.ends_at, zone)}  {_called(shift.who, names)}")


def _day(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%a %Y-%m-%d %H:%M}"


def _called(who: tuple[str, ...], names: Mapping[str, str]) -> str:
    return ", ".join(f"{names[id]} ({id})" if id in names else id for id in who) or "nobody"
