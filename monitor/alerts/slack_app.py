"""Slack's buttons: Bolt over Socket Mode, so that nothing has to be reachable from outside.

Every press is acknowledged at once and worked on after. Who presses what is no longer possible is told why, and nobody
else is.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from slack_bolt import Ack, App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from monitor.alerts import blocks
from monitor.alerts.slack import web_client
from monitor.alerts.text import line
from monitor.cases import Cases
from monitor.clock import Clock
from monitor.database import Database
from monitor.errors import Refused
from monitor.settings import Settings, SlackSettings

BUTTONS = ("take", "reply", "resolve", "reopen")
RECONNECT = (1.0, 60.0)  # seconds between attempts to connect: the first, the longest

log = structlog.get_logger(__name__)
_bolt = logging.getLogger("monitor.alerts.bolt")
_bolt.setLevel(logging.ERROR)


def build_app(
    settings: Settings, cases: Cases, db: Database, clock: Clock, changed: Callable[[], None] = lambda: None
) -> App:
    """Bolt's app with a listener for every action of `blocks`. `changed` is called after each change of a case, so that
    what it puts into the outbox need not wait."""
    token = settings.slack.bot_token
    client = web_client(token.get_secret_value() if token else None, settings.slack.base_url)
    app = App(client=client, logger=_bolt, token_verification_enabled=False, request_verification_enabled=False)
    presses = Presses(cases, db, clock, client, changed)
    for name in BUTTONS:
        app.action(name)(presses.button)
    app.action("more")(presses.menu)
    app.action("open")(presses.link)
    return app


class Presses:
    def __init__(
        self, cases: Cases, db: Database, clock: Clock, client: WebClient, changed: Callable[[], None]
    ) -> None:
        self._cases, self._db, self._clock, self._client, self._changed = cases, db, clock, client, changed

    def button(self, ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        ack()
        self._press(body, action, action["action_id"])

    def menu(self, ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        ack()
        self._press(body, action, action["selected_option"]["value"])

    def link(self, ack: Ack) -> None:
        """Slack tells of a press on a link too, and shows a warning if nobody acknowledges it."""
        ack()

    def _press(self, body: Mapping[str, Any], action: Mapping[str, Any], wanted: str) -> None:
        user = body["user"]
        actor = user.get("username") or user.get("name") or user["id"]
        detail: dict[str, Any] = {"slack_user": user["id"]}
        event, now = wanted, self._clock.now()
        if wanted in blocks.SNOOZE_FOR:
            event, detail["until"] = "snooze", now + blocks.SNOOZE_FOR[wanted]
        case_id = None
        try:
            case_id = _case_id(action)
            key = f"slack:{wanted}:{action.get('action_ts')}:{user['id']}"
            self._cases.act(case_id, event, actor, "slack", now, key, **detail)
        except Refused as refusal:
            self._tell(body, self._reason(case_id, event, actor, refusal))
        except Exception:
            log.exception("a press in Slack failed", action=wanted, case=case_id)
            self._tell(
                body, "That did not work, and nothing was changed. Please try again; the service's log says why."
            )
        else:
            self._changed()

    def _reason(self, case_id: int | None, event: str, actor: str, refusal: Refused) -> str:
        """Why not, with the name of who was faster."""
        if case_id is None:
            return line(str(refusal), 300)
        try:
            with self._db.read() as session:
                case = self._cases.get(session, case_id)
        except Refused:
            return f"Case {case_id} is not here any more: it was deleted, or this message belongs to another firsthour."
        if case.state in ("resolved", "dismissed"):
            return f"Case {case.id} is {case.state} already. Reopen it if there is more to do."
        if event == "take" and case.owner:
            return (
                "You have this already." if case.owner == actor else f"*{line(case.owner, 60)}* was faster and has it."
            )
        return line(str(refusal), 300)

    def _tell(self, body: Mapping[str, Any], words: str) -> None:
        """Words that only the person who pressed sees."""
        channel = body.get("channel") or body.get("container") or {}
        where = str(channel.get("id") or channel.get("channel_id"))
        thread = (body.get("message") or {}).get("thread_ts")
        try:
            self._client.chat_postEphemeral(channel=where, user=body["user"]["id"], text=words, thread_ts=thread)
        except Exception as error:
            log.warning("somebody could not be told why a press did nothing", reason=str(error), said=words)


def _case_id(action: Mapping[str, Any]) -> int:
    found = re.fullmatch(r"case:(\d{1,18})", str(action.get("block_id", "")))
    value = found.group(1) if found else str(action.get("value", ""))
    if not re.fullmatch(r"\d{1,18}", value):
        raise Refused("This message does not say which case it stands for.")
    return int(value)


class Socket:
    """The connection over which presses come in. It keeps trying while Slack cannot be reached, so that the rest of
    the service starts without it."""

    def __init__(self, app: App, settings: SlackSettings) -> None:
        if settings.app_token is None:
            raise ValueError("Socket Mode needs slack.app_token")
        self._app, self._token = app, settings.app_token.get_secret_value()
        self._handler: SocketModeHandler | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._keep_trying, name="slack-socket", daemon=True)

    def connect(self) -> None:
        self._handler = SocketModeHandler(self._app, self._token, logger=_bolt, proxy=self._app.client.proxy)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._handler is not None:
            self._thread.join(timeout=2)
            self._handler.close()  # type: ignore[no-untyped-call]

    def _keep_trying(self) -> None:
        pause, told = RECONNECT[0], False
        while not self._closing.is_set() and self._handler is not None:
            try:
                self._handler.connect()  # type: ignore[no-untyped-call]
            except Exception as error:
                if not told:
                    log.error("Slack's buttons do not work yet", reason=str(error), hint="check slack.app_token")
                told = True
                self._closing.wait(pause)
                pause = min(pause * 2, RECONNECT[1])
            else:
                log.info("Slack's buttons work")
                return
