"""From a row of the outbox that is a digest to the message that is sent; see render.py."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from monitor.alerts.desk_places import trends
from monitor.alerts.outbox import Delivery, Message, Picture, message
from monitor.digest import forms
from monitor.digest.figures import Request, digest
from monitor.digest.letter import Letter, letter
from monitor.digest.pictures import picture
from monitor.digest.sending import request_of
from monitor.settings import Settings

NAME = "mentions"


class DigestRenderer:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self, session: Session, delivery: Delivery, now: datetime) -> Message:
        drawn = delivery.transport in ("slack", "mail")
        words, pictures = self.written(session, request_of(delivery.payload), now, drawn)
        text = f"{forms.subject(words)}\n{forms.plain(words)}"
        if delivery.transport == "mail":
            page = forms.html(words, [(each.name, each.alt) for each in pictures])
            return replace(message(delivery, text), pictures=pictures, html=page)
        if delivery.transport == "apprise":
            return message(delivery, text)
        return replace(message(delivery, forms.headline(words), forms.blocks(words)), pictures=pictures)

    def written(
        self, session: Session, request: Request, now: datetime, drawn: bool
    ) -> tuple[Letter, tuple[Picture, ...]]:
        """The words, and with `drawn` the picture where one can be made."""
        found = digest(session, self._settings, request, now)
        whose = request.brands[0] if len(request.brands) == 1 else ""
        place = trends(self._settings.web.url, request.since, request.until, request.zone, brand=whose)
        words = letter(found, place)
        png = picture(found, words, now) if drawn and words.sections else None
        alt = f"Mentions by mood of {words.heading}: {words.subject}"
        return words, (Picture(NAME, alt, png),) if png else ()
