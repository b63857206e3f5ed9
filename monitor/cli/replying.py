"""Replies sent from a terminal: stored as anybody's, then sent by the service or by this command, whoever is first."""

from __future__ import annotations

import time
import uuid
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING

import typer

from monitor.cli.frame import print_json
from monitor.errors import Refused

if TYPE_CHECKING:
    from monitor.app import App
    from monitor.outgoing import Outgoing

PATIENCE = timedelta(seconds=30)  # then the service goes on with it
UNDER_WAY = ("pending", "sending", "unknown")


def send(app: App, case_id: int, text: str, actor: str, as_json: bool) -> str | None:
    """Send it and tell how that went. Where the case's source takes no replies from here, the reason why not: then
    there is nothing to do but to record one. Raises Refused with the reason where the reply is not sent."""
    with app.db.read() as session:
        case = app.cases.get(session, case_id)
    route = app.replies.route(case)
    if not route.sends:
        return route.why
    stored = app.replies.submit(case_id, text, actor, "cli", app.clock.now(), uuid.uuid4().hex)
    ended = _wait(app, stored)
    if ended.state == "failed":
        raise Refused(f"the reply was not sent: {ended.error}")
    if as_json:
        with app.db.read() as session:
            print_json({"reply": asdict(ended), "case": asdict(app.cases.get(session, case_id))})
    elif ended.state == "sent":
        typer.echo(f"Sent to {route.place}" + (f": {ended.url}" if ended.url else "."))
    elif ended.state == "awaiting_approval":
        typer.echo("Stored. It goes out when somebody else has approved it.")
    else:
        typer.echo(f"Stored, not sent yet: {ended.error or 'it is on its way'}. `firsthour run` goes on with it.")
    return None


def _wait(app: App, reply: Outgoing) -> Outgoing:
    until = app.clock.now() + PATIENCE
    while reply.state in UNDER_WAY and app.clock.now() < until:
        if not app.reply.run_once():
            time.sleep(0.1)  # somebody else holds it, or the source asked to wait
        with app.db.read() as session:
            reply = app.replies.get(session, reply.id)
    return reply
