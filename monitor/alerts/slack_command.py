"""`/firsthour`: open cases by time left, mine, figures of today, who is on call, and a pause for the alerts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any

import structlog
from slack_bolt import Ack, App, Respond
from slack_sdk import WebClient

from monitor.alerts import lists, silences
from monitor.alerts.open_cases import open_cases
from monitor.alerts.routes import Routes
from monitor.alerts.slack_acts import FAILED, Acts
from monitor.alerts.tally import tally
from monitor.alerts.text import line
from monitor.alerts.whispers import Person, Whispers
from monitor.cases import Case
from monitor.errors import Refused
from monitor.incidents import under_way
from monitor.section import duration
from monitor.settings import Settings

COMMAND = "/firsthour"
HELP = """\
*What `/firsthour` can do*
• `/firsthour` – open cases, the most urgent first
• `/firsthour mine` – those that you have
• `/firsthour stats` – today in figures
• `/firsthour oncall` – who is on call now
• `/firsthour pause 30m reason` – hold new alerts of this channel, for up to 24 h; clocks run on
• `/firsthour resume` – let them out again, all at once
• `/firsthour help` – this"""

log = structlog.get_logger(__name__)

Answer = tuple[str, list[dict[str, Any]]]


class Command:
    def __init__(
        self, acts: Acts, settings: Settings, client: WebClient, whispers: Whispers, changed: Callable[[], None]
    ) -> None:
        self._acts, self._settings, self._client = acts, settings, client
        self._whispers, self._changed = whispers, changed
        self._routes = Routes(settings)
        self._subs: dict[str, Callable[[Person, str, str], Answer]] = {
            "open": self._open,
            "mine": self._mine,
            "stats": self._stats,
            "oncall": self._oncall,
            "pause": self._pause,
            "resume": self._resume,
            "help": lambda person, channel, rest: _words(HELP),
        }

    def register(self, app: App) -> None:
        app.command(COMMAND)(self.asked)

    def asked(self, ack: Ack, body: dict[str, Any], respond: Respond) -> None:
        ack()
        text, shown = self._answer(body)
        try:
            respond(text=text, blocks=shown, response_type="ephemeral")
        except Exception as error:
            log.warning("an answer to a command was not taken", reason=str(error))
            self._whispers.tell(body, text)

    def _answer(self, body: dict[str, Any]) -> Answer:
        word, _, rest = str(body.get("text") or "").strip().partition(" ")
        word = word.lower() or "open"
        sub = self._subs.get(word)
        if sub is None:
            near = get_close_matches(word, self._subs, n=1)
            hint = f" Did you mean `{COMMAND} {near[0]}`?" if near else ""
            return _words(f"There is no `{COMMAND} {line(word, 40)}`.{hint}\n\n{HELP}")
        try:
            return sub(Person.of(body), str(body.get("channel_id") or ""), rest.strip())
        except Refused as refusal:
            return _words(str(refusal))
        except Exception:
            log.exception("a command in Slack failed", word=word)
            return _words(FAILED)

    def _open(self, person: Person, channel: str, rest: str) -> Answer:
        cases, total = self._cases(None)
        now = self._acts.clock.now()
        with self._acts.db.read() as session:
            incidents = under_way(session, now)
        text, shown = lists.listed(cases, total, "Open cases", "Nothing is open. :tada:", now)
        return text, [*lists.storms(incidents, now), *shown]

    def _mine(self, person: Person, channel: str, rest: str) -> Answer:
        cases, total = self._cases(person)
        nothing = f"You have no open case. `{COMMAND}` shows what there is to take."
        return lists.listed(cases, total, "Your open cases", nothing, self._acts.clock.now())

    def _stats(self, person: Person, channel: str, rest: str) -> Answer:
        now = self._acts.clock.now()
        since = midnight(now, self._settings)
        with self._acts.db.read() as session:
            return _words(lists.figures(tally(session, since, now), since, now))

    def _oncall(self, person: Person, channel: str, rest: str) -> Answer:
        return _words(
            lists.on_call([(who, self._members(who)) for who in self._routes.rota.at(self._acts.clock.now())])
        )

    def _pause(self, person: Person, channel: str, rest: str) -> Answer:
        where, (length, _, reason) = self._where(person, channel), rest.partition(" ")
        try:
            lasts: timedelta = duration(length.lower())
        except ValueError:
            raise Refused(f"For how long? Write it as `{COMMAND} pause 30m the reason`, or `2h`.") from None
        now = self._acts.clock.now()
        with self._acts.db.write() as session:
            silence = silences.pause(session, "slack", where, lasts, person.name, reason.strip()[:300], now)
        self._changed()
        return _words(lists.told_of(silence, now))

    def _resume(self, person: Person, channel: str, rest: str) -> Answer:
        where = self._where(person, channel)
        with self._acts.db.write() as session:
            silences.resume(session, where, person.name, self._acts.clock.now())
        self._changed()
        return _words("Alerts are on again. What was held comes now.")

    def _where(self, person: Person, channel: str) -> str:
        """The channel whose alerts `person` may pause from where they are. Raises Refused."""
        self._acts.agents.check(person.id)
        if channel in self._routes.channels:
            return channel
        if self._acts.agents.everybody:  # who is in the channel belongs to the team; elsewhere that cannot be told
            raise Refused(f"Please say that in <#{self._routes.channels[0]}>, so that the team sees it.")
        return self._routes.channels[0]

    def _cases(self, person: Person | None) -> tuple[list[Case], int]:
        """The most urgent open cases that want something done, of one person or of all; and how many there are."""
        with self._acts.db.read() as session:
            return open_cases(session, lists.LISTED, owners={person.id, person.name} if person else None)

    def _members(self, target: str) -> list[str]:
        if not target.startswith("S"):
            return []
        try:
            return [str(user) for user in self._client.usergroups_users_list(usergroup=target).get("users") or ()]
        except Exception as error:
            log.warning("a user group could not be read", group=target, reason=str(error))
            return []


def midnight(now: datetime, settings: Settings) -> datetime:
    """The beginning of the day in the clock's time zone."""
    local = now.astimezone(settings.clock.zone)
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


def _words(words: str) -> Answer:
    return words, [lists.section(words)]
