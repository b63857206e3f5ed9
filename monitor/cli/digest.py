"""digest: what a day or a week was like, shown now or put into the outbox."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from monitor.cli.frame import ConfigFile, app, moment, opened
from monitor.digest_settings import Audience
from monitor.errors import ConfigurationError, Refused

if TYPE_CHECKING:
    from monitor.app import App
    from monitor.digest.figures import Request


@app.command()
def digest(
    audience: Annotated[str, typer.Option(help="team, marketing or lead.")] = "team",
    since: Annotated[str | None, typer.Option(help='When it begins: a time, or as "7d" before its end.')] = None,
    until: Annotated[str | None, typer.Option(help="When it ends; none: now.")] = None,
    brand: Annotated[list[str] | None, typer.Option(help="Of this brand; may be repeated. None: all.")] = None,
    show: Annotated[
        bool,
        typer.Option("--print/--send", help="Only show it, or put it into the outbox, for the places of its audience."),
    ] = True,
    as_html: Annotated[bool, typer.Option("--html", help="Show it as mail has it, without the picture.")] = False,
    config: ConfigFile = None,
) -> None:
    """What a day or a week was like: sentiment, topics, response, what was unusual, what is ahead."""
    from monitor.digest import forms
    from monitor.digest.figures import digest as made
    from monitor.digest.letter import letter

    with opened(config) as app_:
        now = app_.clock.now()
        request = _request(app_, audience, since, until, brand or [], now)
        if not show:
            typer.echo(f"{_send(app_, request, now)} put into the outbox")
            return
        with app_.db.read() as session:
            words = letter(made(session, app_.settings, request, now))
    typer.echo(forms.html(words) if as_html else f"Subject: {forms.subject(words)}\n\n{forms.plain(words)}")


def _request(
    app_: App, audience: str, since: str | None, until: str | None, brands: list[str], now: datetime
) -> Request:
    """Raises ConfigurationError for what there is not."""
    from monitor.digest.figures import Request
    from monitor.digest.sending import brands_of
    from monitor.section import duration

    known = {b.name for b in app_.settings.brands}
    if audience not in get_args(Audience):
        raise ConfigurationError("--audience", f'"{audience}" is none', f"one of {', '.join(get_args(Audience))}")
    if unknown := sorted(set(brands) - known):
        raise ConfigurationError("--brand", f'there is no brand "{unknown[0]}"', f"known: {', '.join(sorted(known))}")
    chosen = tuple(brands) or brands_of(None, app_.settings)
    if not chosen:
        raise Refused("no brand is configured: write [[brands]]")
    end = moment(until, "--until") if until else now
    try:
        length = timedelta(days=1) if since is None else duration(since)
    except ValueError:
        length = end - moment(since or "", "--since")
    if length <= timedelta(0) or length > timedelta(days=400):
        raise ConfigurationError("--since", "has to be before its end, and at most 400 days", 'such as "7d"')
    audience_: Audience = audience  # type: ignore[assignment]
    return Request(audience_, chosen, end - length, end, app_.settings.clock.zone)


def _send(app_: App, request: Request, now: datetime) -> int:
    """To every place of the digests of this audience; how many."""
    from monitor.alerts.announce import home
    from monitor.alerts.outbox import enqueue
    from monitor.digest.sending import payload, places

    wanted = [each for each in app_.settings.digests if each.audience == request.audience]
    if not wanted:
        raise Refused(f"no [[digests]] has the audience {request.audience}")
    targets = dict.fromkeys(place for each in wanted for place in places(each, home(app_.settings)[0]))
    with app_.db.write() as session:
        for transport, target in targets:
            enqueue(session, "digest", transport, target, now, payload=payload(request))
    return len(targets)
