"""What people do to an incident from Slack: take the next case of it, prepare the reply to all, say that it is over."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from slack_bolt import Ack, App
from slack_sdk import WebClient

from monitor.alerts import incident_blocks, modals
from monitor.alerts.blocks import place
from monitor.alerts.slack_acts import FAILED, Acts
from monitor.alerts.slack_home import Home
from monitor.alerts.slack_modals import open_window
from monitor.alerts.text import line, link
from monitor.alerts.whispers import Person, Whispers
from monitor.errors import Refused
from monitor.incidents import Incidents, incident, next_waiting, taken_by

TRIES = 20  # others who take a case in the same moment

log = structlog.get_logger(__name__)


class IncidentPresses:
    def __init__(
        self,
        acts: Acts,
        incidents: Incidents,
        client: WebClient,
        whispers: Whispers,
        changed: Callable[[], None],
        home: Home,
    ) -> None:
        self._acts, self._incidents, self._client = acts, incidents, client
        self._whispers, self._changed, self._home = whispers, changed, home

    def register(self, app: App) -> None:
        for name, act in (("take", self._take), ("answer", self._ask), ("end", self._end)):
            app.action(f"incident_{name}")(self._listener(act))
        app.view(incident_blocks.ANSWER)(self.answer)

    def _listener(self, act: Callable[[Mapping[str, Any], Mapping[str, Any], int], None]) -> Callable[..., None]:
        def press(ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
            ack()
            self._whispers.remember(body)
            self._try(lambda words: self._whispers.tell(body, words), lambda: act(body, action, _incident_id(action)))
            self._home.after(body)

        return press

    def answer(self, ack: Ack, body: dict[str, Any], view: dict[str, Any]) -> None:
        ack()
        person, where = Person.of(body), modals.where(view)
        words = str(view["state"]["values"]["answer"]["answer"].get("value") or "")

        def store() -> None:
            self._acts.agents.check(person.id)
            self._incidents.set_answer(int(where["incident"]), words, person.name, self._acts.clock.now())

        self._try(lambda told: self._whispers.tell_user(person.id, told, where.get("channel")), store)

    def _take(self, body: Mapping[str, Any], action: Mapping[str, Any], incident_id: int) -> None:
        person = Person.of(body)
        key = f"slack:take:{action.get('action_ts')}:{person.id}"
        for _ in range(TRIES):
            with self._acts.db.read() as session:
                done = taken_by(session, incident_id, key)
                case_id = done or next_waiting(session, incident_id)
            if case_id is None:
                raise Refused("Every case of this incident has been taken or answered.")
            try:
                case = self._acts.act(person, case_id, "take", key).case
            except Refused:
                self._acts.agents.check(person.id)  # who may not act hears that, not of the others
                continue
            name = line(case.author_name or case.author, 60) or f"case {case.id}"
            self._whispers.tell(body, f"You have this one now: {link(place(case), name)}")
            return
        raise Refused("Others were faster, again and again. Please press once more.")

    def _ask(self, body: Mapping[str, Any], action: Mapping[str, Any], incident_id: int) -> None:
        self._acts.agents.check(Person.of(body).id)
        with self._acts.db.read() as session:
            seen = incident(session, incident_id, self._acts.clock.now())
        where = {"channel": (body.get("channel") or {}).get("id")}
        open_window(self._client, body, incident_blocks.answer_modal(seen, where))

    def _end(self, body: Mapping[str, Any], action: Mapping[str, Any], incident_id: int) -> None:
        person = Person.of(body)
        self._acts.agents.check(person.id)
        self._incidents.end(incident_id, person.name, self._acts.clock.now())

    def _try(self, tell: Callable[[str], object], act: Callable[[], None]) -> None:
        try:
            act()
        except Refused as refusal:
            tell(line(str(refusal), 300))
        except Exception:
            log.exception("a press on an incident failed")
            tell(FAILED)
        else:
            self._changed()


def _incident_id(action: Mapping[str, Any]) -> int:
    found = re.fullmatch(r"incident:(\d{1,18})", str(action.get("block_id", "")))
    if found is None:
        raise Refused("This message does not say which incident it stands for.")
    return int(found.group(1))
