"""The message shortcut "Turn into a case": words that reached the team in Slack get a case and a clock."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from sqlalchemy import select

from monitor.alerts import modals
from monitor.alerts.blocks import place
from monitor.alerts.slack_acts import FAILED, Acts
from monitor.alerts.text import link
from monitor.alerts.whispers import Person, Whispers
from monitor.by_hand import Told, open_by_hand
from monitor.classify.verdict import SEVERITIES, TOPICS
from monitor.errors import Refused
from monitor.models import CaseRow

SOURCE = "slack"

log = structlog.get_logger(__name__)


class Shortcut:
    def __init__(
        self, acts: Acts, brands: Sequence[str], client: WebClient, whispers: Whispers, changed: Callable[[], None]
    ) -> None:
        """`brands` are those whose complaints are answered, in the order in which they are offered."""
        self._acts, self._brands, self._client = acts, list(brands), client
        self._whispers, self._changed = whispers, changed

    def register(self, app: App) -> None:
        app.shortcut(modals.TURN)(self.asked)
        app.view(modals.TURN)(self.submitted)

    def asked(self, ack: Ack, body: dict[str, Any]) -> None:
        ack()
        self._whispers.remember(body)
        try:
            self._acts.agents.check(Person.of(body).id)
            self._open(body)
        except Refused as refusal:
            self._whispers.tell(body, str(refusal))
        except Exception:
            log.exception("a shortcut in Slack failed")
            self._whispers.tell(body, FAILED)

    def _open(self, body: Mapping[str, Any]) -> None:
        message, channel = body["message"], str(body["channel"]["id"])
        if not self._brands:
            raise Refused("There is no brand to open a case for: whoever runs firsthour names them under [[brands]].")
        with self._acts.db.read() as session:
            own = session.scalar(
                select(CaseRow.id).where(CaseRow.slack_channel == channel, CaseRow.slack_ts == message["ts"])
            )
        if own is not None:
            raise Refused(f"That is the message of case {own} already.")
        words = words_of(message)
        if not words:
            raise Refused("There are no words in that message. Copy them into one, and try with that.")
        where = {"channel": channel, "ts": message["ts"]}
        view = modals.turn(words, self._brands, SEVERITIES, TOPICS, where)
        try:
            self._client.views_open(trigger_id=body["trigger_id"], view=view)
        except SlackApiError as error:
            raise Refused(f"Slack would not open the window ({error.response.get('error')}). Try again.") from None

    def submitted(self, ack: Ack, body: dict[str, Any], view: dict[str, Any]) -> None:
        chosen, where = modals.turned(view["state"]["values"]), modals.where(view)
        if not chosen["words"].strip():
            ack(response_action="errors", errors={"words": "What did the customer say?"})
            return
        if not chosen["brand"].isdigit() or int(chosen["brand"]) >= len(self._brands):
            ack(response_action="errors", errors={"brand": "This brand is not there any more. Open the window again."})
            return
        ack()
        person = Person.of(body)
        try:
            self._acts.agents.check(person.id)
            said = self._turn(chosen, where)
        except Refused as refusal:
            said = str(refusal)
        except Exception:
            log.exception("a message could not be turned into a case")
            said = FAILED
        self._whispers.tell_user(person.id, said, where.get("channel"))

    def _turn(self, chosen: Mapping[str, str], where: Mapping[str, str]) -> str:
        from monitor.classify.language import language

        code, _ = language(chosen["words"])
        told = Told(
            source=SOURCE,
            external_id=f"{where['channel']}:{where['ts']}",
            url=self._permalink(where["channel"], where["ts"]),
            text=chosen["words"],
            customer=chosen["customer"].strip() or None,
            brand=self._brands[int(chosen["brand"])],
            severity=chosen["severity"],
            topic=chosen["topic"],
            language=code,
        )
        case_id, new = open_by_hand(self._acts.db, self._acts.cases, told, self._acts.clock.now())
        if new:
            self._changed()
            return f"Case {case_id} is open and its clock runs. Its alert is on the way."
        return f"That message is case {case_id} already: {link(place(self._acts.case(case_id)), 'go to it')}."

    def _permalink(self, channel: str, ts: str) -> str:
        try:
            return str(self._client.chat_getPermalink(channel=channel, message_ts=ts)["permalink"])
        except Exception:  # where the app is not in the channel
            return f"https://slack.com/archives/{channel}/p{ts.replace('.', '')}"


def words_of(message: Mapping[str, Any]) -> str:
    """What a message says, as plain words: Slack's markup of links and names taken out."""
    parts = [str(message.get("text") or "")]
    for attachment in message.get("attachments") or ():
        parts.append(str(attachment.get("text") or attachment.get("fallback") or ""))
    return "\n".join(filter(None, (_plain(part).strip() for part in parts)))


def _plain(text: str) -> str:
    def shown(found: re.Match[str]) -> str:
        target, _, label = found[1].partition("|")
        if target.startswith(("@", "#", "!")):
            sign = "" if label.startswith(("@", "#")) else target[0].replace("!", "@")
            return sign + (label or target[1:].partition("^")[0])
        target = target.removeprefix("mailto:").removeprefix("tel:")
        return target if not label or label == target else f"{label} ({target})"

    return html.unescape(re.sub(r"<([^<>]+)>", shown, text))
