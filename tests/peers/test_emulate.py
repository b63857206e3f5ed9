"""The service's own Slack app, slack-bolt and slack_sdk as they are, in a Slack that somebody else wrote: `emulate`,
with no more scopes than the manifest asks for."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from office import idle
from slack_sdk import WebClient
from stored import complain

from monitor.alerts.manifest import SCOPES
from monitor.alerts.outbox import enqueue
from monitor.app import App
from monitor.clock import ManualClock, SystemClock
from monitor.settings import Settings
from peers.gateway import APP_TOKEN, Gateway
from peers.npm import installed

pytestmark = pytest.mark.xdist_group("emulate")
EMULATE = "emulate@0.12.2"  # `latest` of that name is another program
BOT_TOKEN, TEAM_TOKEN = "xoxb-emulated", "xoxp-emulated"
EVERYTHING = ["channels:read", "channels:history", "channels:manage", "channels:write", "users:read", "chat:write"]


def seed() -> dict[str, Any]:
    bot = {"bot_id": "B0FIRSTHOUR", "bot_user_id": "U0FIRSTHOUR", "bot_name": "firsthour"}
    app = {"app_id": "A0FIRSTHOUR", "client_id": "1.2", "client_secret": "s", "name": "firsthour", "redirect_uris": []}
    ours = {"token": BOT_TOKEN, "type": "bot", "user": "U0FIRSTHOUR", "scopes": list(SCOPES), "app_id": "A0FIRSTHOUR"}
    slack = {
        "strict_scopes": True,
        "team": {"name": "Acme", "domain": "acme"},
        "users": [{"name": "ann", "real_name": "Ann"}, {"name": "bob", "real_name": "Bob"}],
        "channels": [{"name": "alerts"}],
        "oauth_apps": [app | bot | {"scopes": list(SCOPES)}],
        "tokens": [ours | bot, {"token": TEAM_TOKEN, "user": "admin", "scopes": EVERYTHING}],
    }
    return {"slack": slack}


@pytest.fixture(scope="session")
def emulated(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an emulated workspace."""
    place = installed(request.config.cache, EMULATE)
    shutil.copy(Path(__file__).with_name("slack.mjs"), place / "slack.mjs")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["node", "slack.mjs", str(port), json.dumps(seed())]
    process = subprocess.Popen(command, cwd=place, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    if process.stdout.readline() != "ready\n":
        process.wait(timeout=10)
        pytest.fail("emulate did not start; its error is above")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(timeout=10)


@dataclass
class Workspace:
    """The emulated Slack as its people use it: they look, press and fill in."""

    gateway: Gateway
    channel: str
    people: dict[str, str]  # ids by name
    team: WebClient
    stamps: Iterator[int] = field(default_factory=lambda: count(1))

    def messages(self) -> list[dict[str, Any]]:
        """What stands in the channel, the oldest first."""
        found: list[dict[str, Any]] = self.team.conversations_history(channel=self.channel)["messages"]
        return found[::-1]

    def thread(self, root: dict[str, Any]) -> list[dict[str, Any]]:
        replies: list[dict[str, Any]] = self.team.conversations_replies(channel=self.channel, ts=root["ts"])["messages"]
        return replies[1:]

    def press(self, message: dict[str, Any], action_id: str, who: str, option: str | None = None) -> None:
        """Press a button, or an option of a menu, and wait for its acknowledgement."""
        block = next(b for b in message["blocks"] if b["type"] == "actions")
        element = next(e for e in block["elements"] if e["action_id"] == action_id)
        stamp = f"1795000000.{next(self.stamps):06d}"
        action = {"action_id": action_id, "block_id": block["block_id"], "type": element["type"], "action_ts": stamp}
        if option is not None:
            action["selected_option"] = next(o for o in element["options"] if o["value"] == option)
        else:
            action["value"] = element["value"]
        where = {"channel": {"id": self.channel}, "message": message}
        container = {"container": {"type": "message", "message_ts": message["ts"], "channel_id": self.channel}}
        self._send({"type": "block_actions", "actions": [action], **where, **container}, who)

    def submit(self, view: dict[str, Any], who: str, **values: dict[str, Any]) -> dict[str, Any]:
        """Fill in an open modal and send it; what the app answered at once."""
        inputs = [block for block in view["blocks"] if block["type"] == "input"]
        state = {
            block["block_id"]: {
                block["element"]["action_id"]: {"selected_option": block["element"].get("initial_option")}
                | values.get(block["block_id"], {})
            }
            for block in inputs
        }
        return self._send({"type": "view_submission", "view": view | {"state": {"values": state}}}, who)

    def _send(self, payload: dict[str, Any], who: str) -> dict[str, Any]:
        user = self.people[who]
        trigger = self._bot("views.generateTriggerId", user_id=user)["trigger_id"]
        about = {"team": {"id": "T000000001"}, "api_app_id": "A0FIRSTHOUR", "user": {"id": user, "username": who}}
        envelope = self.gateway.sockets.push(payload | about | {"trigger_id": trigger})
        acknowledged = self.gateway.sockets.acks.get(timeout=3)  # the time that Slack gives an app
        assert acknowledged["envelope_id"] == envelope
        return dict(acknowledged.get("payload") or {})

    def _bot(self, method: str, **given: Any) -> dict[str, Any]:
        client = WebClient(token=BOT_TOKEN, base_url=self.gateway.base_url, proxy=None)
        return dict(client.api_call(method, params=given).data)


@pytest.fixture
def workspace(emulated: str) -> Iterator[Workspace]:
    with Gateway(emulated).running() as gateway:
        team = WebClient(token=TEAM_TOKEN, base_url=gateway.base_url)
        team.proxy = None
        people = {user["name"]: user["id"] for user in team.users_list()["members"]}
        channels = {channel["name"]: channel["id"] for channel in team.conversations_list()["channels"]}
        yield Workspace(gateway, channels["alerts"], people, team)


@dataclass
class Desk:
    """The service, put together as it puts itself together, and its connection for buttons."""

    app: App
    clock: ManualClock
    bolt: Any

    def complain(self, text: str, **more: Any) -> int:
        case_id = complain(self.app.db, self.app.settings, self.clock.now(), text, self.app.cases, **more)
        self.deliver()
        return case_id

    def deliver(self) -> None:
        idle(self.bolt)
        for _ in range(6):
            while self.app.deliver.run_once():
                pass
            self.clock.move(timedelta(seconds=5))

    def case(self, case_id: int) -> Any:
        with self.app.db.read() as session:
            return self.app.cases.get(session, case_id)


@pytest.fixture
def desk(workspace: Workspace, db: Any, make_settings: Callable[..., Settings]) -> Iterator[Desk]:
    section = {"channel": workspace.channel, "bot_token": BOT_TOKEN, "app_token": APP_TOKEN}
    clock = ManualClock(SystemClock().now())  # near the time of Slack's own timestamps
    news = {"name": "news", "type": "replay", "path": "-"}  # it takes replies, and keeps them
    app = App(make_settings(slack=section | {"base_url": workspace.gateway.base_url}, sources=[news]), clock)
    connection = app.slack_app(lambda: None)
    assert connection is not None
    connection.connect()
    yield Desk(app, clock, connection._app)
    connection.close()
    app.close()


def test_a_case_from_the_first_alert_to_its_end(desk: Desk, workspace: Workspace) -> None:
    case_id = desk.complain("My parcel <never> came & nobody answers")
    root = workspace.messages()[-1]
    assert root["metadata"]["event_payload"]["case_id"] == case_id
    assert "My parcel &lt;never&gt; came &amp; nobody answers" in root["text"]

    workspace.press(root, "take", "ann")
    desk.deliver()
    root = workspace.messages()[-1]
    assert (desk.case(case_id).owner, desk.case(case_id).state) == ("ann", "taken")
    assert f"<@{workspace.people['ann']}>* has it" in json.dumps(root["blocks"])
    assert [reply["text"].partition(" ·")[0] for reply in workspace.thread(root)] == [":raised_hand: *ann* took it"]

    workspace.press(root, "more", "ann", "hand_over")  # a modal, opened with a trigger that lasts three seconds
    idle(desk.bolt)
    view = workspace.gateway.answered("views.open")["view"]
    assert view["callback_id"] == "hand_over_case"
    assert workspace.submit(view, "ann", user={"selected_user": None})["response_action"] == "errors"
    workspace.submit(
        view, "ann", user={"selected_user": workspace.people["bob"]}, note={"value": "He knows the carrier"}
    )
    desk.deliver()
    assert desk.case(case_id).owner == "bob"
    root = workspace.messages()[-1]
    assert f"handed it over to <@{workspace.people['bob']}>" in workspace.thread(root)[-1]["text"]

    workspace.press(root, "more", "bob", "history")
    idle(desk.bolt)
    assert "He knows the carrier" in json.dumps(workspace.gateway.answered("views.open")["view"]["blocks"])

    workspace.press(root, "resolve", "bob")
    desk.deliver()
    root = workspace.messages()[-1]
    assert root["blocks"][0]["text"]["text"].startswith(":ballot_box_with_check: *Resolved")
    assert ":ballot_box_with_check: *bob* resolved it" in workspace.thread(root)[-1]["text"]
    assert (
        len(
            [
                m
                for m in workspace.messages()
                if m.get("metadata", {}).get("event_payload", {}).get("case_id") == case_id
            ]
        )
        == 1
    )
    refused = [(method, answer["error"]) for method, answer in workspace.gateway.answers if not answer["ok"]]
    assert refused == []  # no scope was missing either


def test_a_reply_is_written_in_a_window_and_sent_to_the_customer(desk: Desk, workspace: Workspace) -> None:
    case_id = desk.complain("My parcel never came")
    root = workspace.messages()[-1]
    workspace.press(root, "reply", "ann")
    idle(desk.bolt)
    opened = [answer for method, answer in workspace.gateway.answers if method in ("views.open", "views.update")]
    assert all(answer["ok"] for answer in opened)
    view = opened[-1]["view"]
    assert "My parcel never came" in json.dumps(view["blocks"])
    field = next(block["block_id"] for block in view["blocks"] if block["type"] == "input")
    too_long = workspace.submit(view, "ann", **{field: {"value": "x" * 10_001}})
    assert too_long["response_action"] == "errors"
    workspace.submit(view, "ann", **{field: {"value": "We are on it & sorry"}})
    assert desk.app.reply.run_once() == 1
    desk.deliver()
    assert (desk.case(case_id).state, desk.case(case_id).owner, desk.case(case_id).met) == ("replied", "ann", True)
    root = workspace.messages()[-1]
    said = workspace.thread(root)[-1]["text"]
    assert said.startswith(":white_check_mark: *ann* replied")
    assert said.endswith(">We are on it &amp; sorry")
    refused = [(method, answer["error"]) for method, answer in workspace.gateway.answers if not answer["ok"]]
    assert refused == []


def test_of_two_who_press_the_slower_is_told_who_has_it(desk: Desk, workspace: Workspace) -> None:
    desk.complain("It broke again")
    root = workspace.messages()[-1]
    workspace.press(root, "take", "ann")
    idle(desk.bolt)
    workspace.press(root, "take", "bob")
    idle(desk.bolt)
    assert workspace.gateway.answered("chat.postEphemeral")["ok"]


def test_what_was_posted_is_found_again_when_its_answer_was_lost(desk: Desk, workspace: Workspace) -> None:
    before = len(workspace.messages())
    losses = iter([True, True])
    workspace.gateway.lost = lambda method: method == "chat.postMessage" and next(losses, False)
    case_id = desk.complain("The answer gets lost")
    desk.app.cases.act(case_id, "take", "ann", "web", desk.clock.now())
    desk.deliver()
    assert len(workspace.messages()) == before + 1
    root = workspace.messages()[-1]
    assert desk.case(case_id).slack_ts == root["ts"]
    assert [reply["text"].partition(" ·")[0] for reply in workspace.thread(root)] == [":raised_hand: *ann* took it"]
    assert "repeat" not in json.dumps([root, *workspace.thread(root)])


def test_a_channel_that_was_archived_is_named_to_the_operator(desk: Desk, workspace: Workspace) -> None:
    other = workspace.team.conversations_create(name="gone")["channel"]["id"]
    workspace.team.conversations_archive(channel=other)
    with desk.app.db.write() as session:
        enqueue(session, "ops", "slack", other, desk.clock.now(), payload={"text": "hello"})
    desk.deliver()
    assert "is_archived" in str(desk.app.deliver.trouble())
