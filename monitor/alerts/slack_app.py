"""Slack's buttons: Bolt over Socket Mode, so that nothing has to be reachable from outside.

Every press is acknowledged at once and worked on after. Who presses what is no longer possible is told why, and nobody
else is.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
from slack_bolt import Ack, App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.authorization import AuthorizeResult

from monitor.alerts import blocks
from monitor.alerts.agents import Agents
from monitor.alerts.quiet import QuietHours
from monitor.alerts.reply_window import ReplyWindow
from monitor.alerts.routes import Routes
from monitor.alerts.slack import web_client
from monitor.alerts.slack_acts import FAILED, Acts
from monitor.alerts.slack_command import Command
from monitor.alerts.slack_home import Home
from monitor.alerts.slack_incidents import IncidentPresses
from monitor.alerts.slack_modals import OPENED, CaseModals
from monitor.alerts.slack_shortcut import Shortcut
from monitor.alerts.text import line
from monitor.alerts.whispers import Person, Whispers
from monitor.cases import Cases
from monitor.clock import Clock
from monitor.database import Database
from monitor.errors import Refused
from monitor.incidents import Incidents
from monitor.outgoing import Replies
from monitor.settings import Settings, SlackSettings
from monitor.similar import SolvedCases
from monitor.solved import PRESSES

BUTTONS = ("take", "reply", "resolve", "reopen", *PRESSES)
AT_ONCE = 32  # presses worked on: one that waits for a thread is not acknowledged
RECONNECT = (1.0, 60.0)  # seconds between attempts to connect: the first, the longest
PING = 3.0  # seconds; a connection that was cut without a word is noticed after four of them at most

log = structlog.get_logger(__name__)
_bolt = logging.getLogger("monitor.alerts.bolt")
_bolt.setLevel(logging.ERROR)


def build_app(
    settings: Settings,
    cases: Cases,
    db: Database,
    clock: Clock,
    changed: Callable[[], None] = lambda: None,
    whispers: Whispers | None = None,
    replies: Replies | None = None,
    incidents: Incidents | None = None,
    solved: SolvedCases | None = None,
) -> App:
    """Bolt's app with a listener for every action of `blocks`. `changed` is called after each change of a case, so that
    what it puts into the outbox need not wait. Without `replies` the Reply window only records what was posted."""
    secret = settings.slack.bot_token
    token = secret.get_secret_value() if secret else None
    client = web_client(token, settings.slack.base_url)
    whispers = whispers or Whispers(client, clock)
    app = App(
        client=client,
        logger=_bolt,
        token_verification_enabled=False,
        request_verification_enabled=False,
        authorize=_ours(token),
        listener_executor=ThreadPoolExecutor(AT_ONCE, "firsthour-slack"),
    )
    acts = Acts(cases, db, clock, Agents(settings.slack.agents, client, clock))
    home = Home(acts, Routes(settings), QuietHours(settings), client)
    windows = CaseModals(acts, client, whispers, changed, home)
    replies = replies or Replies(db, cases, settings, lambda name: None)
    reply = ReplyWindow(acts, replies, solved or SolvedCases(settings.classifier), client, whispers, changed)
    brands = [brand.name for brand in settings.brands if not brand.competitor]
    for part in (
        home,
        windows,
        reply,
        Command(acts, settings, client, whispers, changed),
        Shortcut(acts, brands, client, whispers, changed),
    ):
        part.register(app)
    if incidents is not None:
        IncidentPresses(acts, incidents, client, whispers, changed, home).register(app)
    presses = Presses(acts, windows, reply, whispers, changed, home)
    for name in BUTTONS:
        app.action(name)(presses.button)
    app.action("more")(presses.menu)
    app.action("open")(presses.link)
    return app


def _ours(token: str | None) -> Callable[..., AuthorizeResult]:
    """Whose app it is, without asking Slack: a press has to be acknowledged also when Slack is slow or has revoked the
    token."""

    def authorize(enterprise_id: str | None, team_id: str | None, user_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, user_id=user_id, bot_token=token)

    return authorize


class Presses:
    def __init__(
        self,
        acts: Acts,
        windows: CaseModals,
        reply: ReplyWindow,
        whispers: Whispers,
        changed: Callable[[], None],
        home: Home,
    ) -> None:
        self._acts, self._windows, self._reply = acts, windows, reply
        self._whispers, self._changed, self._home = whispers, changed, home

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
        person, detail = Person.of(body), {}
        event, now = wanted, self._acts.clock.now()
        self._whispers.remember(body)
        if wanted in blocks.SNOOZE_FOR:
            event, detail = "snooze", {"until": now + blocks.SNOOZE_FOR[wanted]}
        if wanted in PRESSES:
            event, more = PRESSES[wanted]
            detail = dict(more)
        case_id = None
        try:
            case_id = _case_id(action)
            if wanted in OPENED:
                self._windows.open(body, wanted, case_id)
                return
            if wanted == "reply":
                self._reply.open(body, case_id)
                return
            stuck = self._acts.unsaid(case_id, now)
            key = f"slack:{wanted}:{action.get('action_ts')}:{person.id}"
            self._acts.act(person, case_id, event, key, **detail)
        except Refused as refusal:
            self._whispers.tell(body, str(refusal))
        except Exception:
            log.exception("a press in Slack failed", action=wanted, case=case_id)
            self._whispers.tell(body, FAILED)
        else:
            self._changed()
            self._home.after(body)
            if stuck is not None:
                self._whispers.tell(body, f"Done, but Slack does not show it yet: {line(stuck, 300)}")


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
        proxy = self._app.client.proxy
        self._handler = SocketModeHandler(self._app, self._token, logger=_bolt, proxy=proxy, ping_interval=PING)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._handler is not None:
            self._thread.join(timeout=2)
            self._handler.close()  # type: ignore[no-untyped-call]
            self._handler.client.disconnect()  # it was just about to connect again, and has left that one open

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
