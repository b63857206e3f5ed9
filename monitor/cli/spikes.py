"""trends spikes: the peaks that the stored past would have brought."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.frame import ConfigFile, moment, opened
from monitor.cli.trends import trends_commands

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from monitor.spikes.event import Spike


@trends_commands.command()
def spikes(
    since: Annotated[str, typer.Option(help='When to begin: a time, or as "60d" before now.')] = "60d",
    once_in: Annotated[str | None, typer.Option(help="Instead of `once_in` of [spikes], to try it out.")] = None,
    minimum: Annotated[int | None, typer.Option(help="Instead of `minimum` of [spikes].")] = None,
    config: ConfigFile = None,
) -> None:
    """The peaks that would have been told of the stored past, had each hour been looked at when it ended."""
    from monitor.business_time import holiday_calendar
    from monitor.section import duration
    from monitor.spikes.peaking import past

    with opened(config) as app_:
        now = app_.clock.now()
        try:
            start = now - duration(since)
        except ValueError:
            start = moment(since, "--since")
        tried = {"once_in": duration(once_in) if once_in else None, "minimum": minimum}
        zone, holidays = app_.settings.clock.zone, holiday_calendar(app_.settings.clock.holidays)
        given = app_.settings.spikes.model_copy(
            update={name: value for name, value in tried.items() if value is not None}
        )
        found = 0
        for brand in app_.settings.brands:
            with app_.db.read() as session:
                for spike in past(session, brand.name, given, zone, holidays, start, now):
                    found += 1
                    typer.echo(_told(spike, zone))
    typer.echo(f"{found} peak{'' if found == 1 else 's'} since {start:%Y-%m-%d}")


def _told(spike: Spike, zone: ZoneInfo) -> str:
    from monitor.alerts.spike_blocks import seldom

    began, until = (moment.astimezone(zone) for moment in (spike.began_at, spike.until))
    about = " ".join(filter(None, (spike.sentiment, spike.topic.replace("_", " ")))) or "everything"
    counts = f"{spike.count:,} mentions, usual: {spike.usual:,.0f}"
    return f"{began:%a %Y-%m-%d %H:%M} - {until:%a %H:%M}  {spike.brand}, {about}: {counts}, {seldom(spike.chance)}"
