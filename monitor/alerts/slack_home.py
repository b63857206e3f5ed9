"""The app's Home tab: the reader's own cases and the team's, with clocks and buttons. Slack keeps what was published,
so it is drawn when somebody opens it, presses something in it, or asks for it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from slack_bolt import Ack, App
from slack_sdk import WebClient

from monitor.alerts import lists, silences
from monitor.alerts.open_cases import open_cases
from monitor.alerts.quiet import QuietHours
from monitor.alerts.routes import Routes
from monitor.alerts.slack_acts import Acts
from monitor.alerts.whispers import Person
from monitor.incidents import under_way

WATCHED = timedelta(hours=1)  # after opening it, a tab is drawn again when its reader has done something

log = structlog.get_logger(__name__)


class Home:
    def __init__(self, acts: Acts, routes: Routes, quiet: QuietHours, client: WebClient) -> None:
        self._acts, self._routes, self._quiet, self._client = acts, routes, quiet, client
        self._seen: dict[str, tuple[datetime, Person]] = {}
        self._lock = threading.Lock()

    def register(self, app: App) -> None:
        app.event("app_home_opened")(self.opened)
        app.action("home_refresh")(self.refreshed)

    def opened(self, event: dict[str, Any]) -> None:
        if event.get("tab") in (None, "home"):
            self._draw(self._person(str(event["user"])))

    def refreshed(self, ack: Ack, body: dict[str, Any]) -> None:
        ack()
        self._draw(Person.of(body))

    def after(self, body: Mapping[str, Any]) -> None:
        """Who sent `body` has done something: their tab shows it, if they have it open."""
        person = Person.of(body)
        with self._lock:
            seen = self._seen.get(person.id)
        if seen is not None and self._acts.clock.now() - seen[0] < WATCHED:
            self._draw(person)

    def _draw(self, person: Person) -> None:
        now = self._acts.clock.now()
        with self._lock:
            self._seen = {user: seen for user, seen in self._seen.items() if now - seen[0] < WATCHED}
            self._seen[person.id] = (now, person)
        names = {person.id, person.name}
        with self._acts.db.read() as session:
            mine, own = open_cases(session, lists.AT_HOME + 1, owners=names)
            team, other = open_cases(session, lists.AT_HOME + 1, others=names)
            incidents = under_way(session, now)
            pauses = [silences.paused(session, channel, now) for channel in self._routes.channels]
        pause, quiet = next(filter(None, pauses), None), self._quiet.end(now)
        view = lists.home(mine, team, own + other, incidents, pause, quiet, now)
        try:
            self._client.views_publish(user_id=person.id, view=view)
        except Exception as error:
            log.warning("a Home tab could not be drawn", user=person.id, reason=str(error))

    def _person(self, user: str) -> Person:
        """Whose tab it is: the event names only the id, and cases are kept under the name."""
        with self._lock:
            seen = self._seen.get(user)
        if seen is not None:
            return seen[1]
        try:
            found: Mapping[str, Any] = self._client.users_info(user=user)["user"]
        except Exception as error:
            log.warning("a user could not be looked up", user=user, reason=str(error))
            return Person(user, user)
        return Person(user, str(found.get("name") or user))
