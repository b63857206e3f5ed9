"""A Slack on loopback that behaves like the real one as far as firsthour can tell, faults included.

It keeps channels with their messages, threads and metadata, speaks the Web API over HTTP and Socket Mode over a
WebSocket, and fails on request: 429 with Retry-After, answers lost before or after the call took effect, 500, slow,
refusals of any name.
"""

from __future__ import annotations

import json
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.slack_rules import wrong_message, wrong_view
from tests.slack_socket import Sockets

TOKEN = "xoxb-fake-bot"
APP_TOKEN = "xapp-fake-app"
CHANNEL = "C0ALERTS"
OPS = "C0OPS"


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one call. `kind`: limited (429), lost (took effect, no answer), unheard (no effect, no
    answer), broken (500, no effect), broken_after (500, took effect), refused (`error`), garbled (not JSON, took
    effect), slow (took effect, answers after `seconds`)."""

    kind: str
    retry_after: int = 1
    error: str = "fatal_error"
    seconds: float = 1.0


@dataclass
class FakeSlack:
    """`now` gives the seconds of new timestamps; each message's ts is unique and later than those before it."""

    now: Callable[[], float] = lambda: 1_795_000_000.0
    channels: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {CHANNEL: [], OPS: []})
    tokens: set[str] = field(default_factory=lambda: {TOKEN})
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    whispers: list[dict[str, Any]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)  # to response_url
    direct: list[dict[str, Any]] = field(default_factory=list)  # messages to users
    views: dict[str, dict[str, Any]] = field(default_factory=dict)  # by id, as they were last drawn
    homes: dict[str, dict[str, Any]] = field(default_factory=dict)  # by user
    users: dict[str, dict[str, Any]] = field(default_factory=dict)  # beyond U0ANN, who is ann
    groups: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)  # that were uploaded, by id
    shared: set[str] = field(default_factory=set)  # of these, the ones whose upload was completed
    refused: list[str] = field(default_factory=list)  # what was wrong with messages of ours
    fault: Callable[[str, dict[str, Any]], Fault | None] = lambda method, args: None
    base_url: str = ""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0.0
        self.sockets = Sockets()
        self._server: ThreadingHTTPServer | None = None

    @contextmanager
    def running(self) -> Iterator[FakeSlack]:
        server = _Server(("127.0.0.1", 0), _handler(self))
        self._server = server
        self.base_url = f"http://127.0.0.1:{server.server_port}/api/"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.drop_sockets()
            server.shutdown()
            server.server_close()
            thread.join(timeout=5)

    # what tests look at

    def posted(self, kind: str | None = None, channel: str = CHANNEL) -> list[dict[str, Any]]:
        """The messages that stand in the channel and its threads, in the order of their posting."""
        return [m for m in self.channels[channel] if kind is None or m["posted_as"] == kind]

    def deliveries(self) -> list[str]:
        """The delivery ids of all posts, in order, with repeats where a message was posted twice."""
        with self._lock:
            return [m["delivery_id"] for messages in self.channels.values() for m in messages if m["delivery_id"]]

    def press(self, message: dict[str, Any], action_id: str, user: str, stamp: str, value: str = "") -> dict[str, Any]:
        """The payload that Slack sends when `user` presses an element of `message`; `value` names the menu's option."""
        actions = next(b for b in message["blocks"] if b["type"] == "actions")
        element = next(e for e in actions["elements"] if e["action_id"] == action_id)
        action = {"action_id": action_id, "block_id": actions["block_id"], "type": element["type"], "action_ts": stamp}
        if element["type"] == "overflow":
            action["selected_option"] = next(o for o in element["options"] if o["value"] == value)
        else:
            action["value"] = element["value"]
        return {
            "type": "block_actions",
            "team": {"id": "T0", "domain": "acme"},
            "user": {"id": f"U0{user.upper()}", "username": user, "name": user, "team_id": "T0"},
            "api_app_id": "A0",
            "token": "old",
            "container": {"type": "message", "message_ts": message["ts"], "channel_id": CHANNEL},
            "trigger_id": "1.2.3",
            "channel": {"id": CHANNEL, "name": "alerts"},
            "message": {key: message[key] for key in ("ts", "text", "blocks")},
            "response_url": f"{self.base_url}response",
            "actions": [action],
        }

    def open_view(self) -> dict[str, Any]:
        """The modal that was opened last, as it is drawn now."""
        return self.views[next(reversed(self.views))]

    def submit(self, view: dict[str, Any], user: str, /, **values: dict[str, Any]) -> dict[str, Any]:
        """The payload of a modal's submission; `values` by block, where block and action have one name."""
        state = {}
        for block in view["blocks"]:
            if block["type"] == "input":
                name = block["block_id"]
                chosen = {"selected_option": block["element"].get("initial_option")}
                state[name] = {block["element"]["action_id"]: chosen | values.get(name, {})}
        return {
            "type": "view_submission",
            "team": {"id": "T0", "domain": "acme"},
            "user": {"id": f"U0{user.upper()}", "username": user, "name": user, "team_id": "T0"},
            "api_app_id": "A0",
            "token": "old",
            "trigger_id": "1.2.4",
            "view": view | {"state": {"values": state}, "type": "modal"},
            "response_urls": [],
        }

    def in_view(self, view: dict[str, Any], user: str, /, **action: Any) -> dict[str, Any]:
        """The payload when something is done in a modal that does not send it off; `typed` stands in its fields."""
        typed = action.pop("typed", {})
        sent = self.submit(view, user, **typed)
        sent |= {"type": "block_actions", "container": {"type": "view", "view_id": view["id"]}, "actions": [action]}
        return sent

    def command(self, words: str, user: str, channel: str = CHANNEL) -> dict[str, Any]:
        """The payload of `/firsthour words`."""
        return {
            "command": "/firsthour",
            "text": words,
            "user_id": f"U0{user.upper()}",
            "user_name": user,
            "channel_id": channel,
            "team_id": "T0",
            "api_app_id": "A0",
            "trigger_id": "1.2.6",
            "response_url": f"{self.base_url}response",
        }

    def shortcut(self, message: dict[str, Any], user: str, channel: str = CHANNEL) -> dict[str, Any]:
        """The payload of "Turn into a case" on a message."""
        return {
            "type": "message_action",
            "callback_id": "turn_into_case",
            "team": {"id": "T0", "domain": "acme"},
            "user": {"id": f"U0{user.upper()}", "name": user, "username": user, "team_id": "T0"},
            "channel": {"id": channel, "name": "alerts"},
            "message": message,
            "message_ts": message["ts"],
            "api_app_id": "A0",
            "trigger_id": "1.2.7",
            "response_url": f"{self.base_url}response",
        }

    def open_home(self, user: str) -> dict[str, Any]:
        event = {"type": "app_home_opened", "user": f"U0{user.upper()}", "channel": "D0", "tab": "home"}
        return {"type": "event_callback", "team_id": "T0", "api_app_id": "A0", "event": event, "authorizations": []}

    def press_home(self, user: str, block_id: str, action_id: str, stamp: str, value: str = "") -> dict[str, Any]:
        """The payload of a press in the user's Home tab; `value` names the menu's option."""
        home = self.homes[f"U0{user.upper()}"]
        block = next(b for b in home["blocks"] if b.get("block_id") == block_id)
        elements = block["elements"] if block["type"] == "actions" else [block["accessory"]]
        element = next(e for e in elements if e["action_id"] == action_id)
        action = {"action_id": action_id, "block_id": block_id, "type": element["type"], "action_ts": stamp}
        if element["type"] == "overflow":
            action["selected_option"] = next(o for o in element["options"] if o["value"] == value)
        else:
            action["value"] = element["value"]
        return {
            "type": "block_actions",
            "team": {"id": "T0", "domain": "acme"},
            "user": {"id": f"U0{user.upper()}", "username": user, "name": user, "team_id": "T0"},
            "api_app_id": "A0",
            "container": {"type": "view", "view_id": "V0HOME"},
            "trigger_id": "1.2.8",
            "view": home | {"id": "V0HOME", "type": "home"},
            "actions": [action],
        }

    # Socket Mode

    @property
    def acks(self) -> queue.Queue[dict[str, Any]]:
        return self.sockets.acks

    def push(self, payload: dict[str, Any], envelope: str | None = None) -> str:
        """Send an interaction down the newest socket; waits for one to be there. Returns the envelope's id."""
        return self.sockets.push(payload, envelope)

    def drop_sockets(self) -> None:
        self.sockets.drop()

    # the Web API

    def call(self, method: str, args: dict[str, Any], token: str) -> dict[str, Any]:
        with self._lock:
            if method == "apps.connections.open":
                if token != APP_TOKEN:
                    return {"ok": False, "error": "invalid_auth"}
                url = self.base_url.replace("http://", "ws://").removesuffix("api/")
                return {"ok": True, "url": f"{url}socket?ticket=1"}
            if token not in self.tokens:
                return {"ok": False, "error": "invalid_auth"}
            found = getattr(self, "_" + method.replace(".", "_"), None)
            return found(args) if found else {"ok": False, "error": "unknown_method"}

    def _views_open(self, args: dict[str, Any]) -> dict[str, Any]:
        if args.get("trigger_id") == "expired":
            return {"ok": False, "error": "expired_trigger_id"}
        if wrong := wrong_view(args["view"]):
            return {"ok": False, "error": "invalid_arguments", "response_metadata": {"messages": [wrong]}}
        view = args["view"] | {"id": f"V{len(self.views) + 1}", "hash": "1.1"}
        self.views[view["id"]] = view
        return {"ok": True, "view": view}

    def _views_update(self, args: dict[str, Any]) -> dict[str, Any]:
        if args.get("view_id") not in self.views:
            return {"ok": False, "error": "not_found"}
        if wrong := wrong_view(args["view"]):
            return {"ok": False, "error": "invalid_arguments", "response_metadata": {"messages": [wrong]}}
        before = self.views[args["view_id"]]["hash"]
        if args.get("hash") not in (None, before):
            return {"ok": False, "error": "hash_conflict"}
        self.views[args["view_id"]] = args["view"] | {"id": args["view_id"], "hash": f"1.{int(before[2:]) + 1}"}
        return {"ok": True, "view": self.views[args["view_id"]]}

    def _views_publish(self, args: dict[str, Any]) -> dict[str, Any]:
        if wrong := wrong_view(args["view"]):
            return {"ok": False, "error": "invalid_arguments", "response_metadata": {"messages": [wrong]}}
        self.homes[args["user_id"]] = args["view"]
        return {"ok": True, "view": args["view"]}

    def _files_getUploadURLExternal(self, args: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        if not args.get("filename") or int(args.get("length") or 0) < 1:
            return {"ok": False, "error": "invalid_arguments"}
        file_id = f"F{len(self.files) + 1}"
        self.files[file_id] = b""
        return {"ok": True, "file_id": file_id, "upload_url": f"{self.base_url}upload/{file_id}"}

    def _files_completeUploadExternal(self, args: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        given = args.get("files")
        files = json.loads(given) if isinstance(given, str) else given or []
        if not files or any(not self.files.get(each["id"]) for each in files):
            return {"ok": False, "error": "file_not_found"}
        self.shared |= {each["id"] for each in files}
        return {"ok": True, "files": files}

    def _users_info(self, args: dict[str, Any]) -> dict[str, Any]:
        user = args.get("user", "")
        if user in self.users or user.startswith("U0"):
            known = {"id": user, "name": user.removeprefix("U0").lower(), "is_bot": False, "deleted": False}
            return {"ok": True, "user": known | self.users.get(user, {})}
        return {"ok": False, "error": "user_not_found"}

    def _usergroups_users_list(self, args: dict[str, Any]) -> dict[str, Any]:
        if args.get("usergroup") not in self.groups:
            return {"ok": False, "error": "no_such_subteam"}
        return {"ok": True, "users": self.groups[args["usergroup"]]}

    def _chat_getPermalink(self, args: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        place = f"{args['channel']}/p{args['message_ts'].replace('.', '')}"
        return {"ok": True, "permalink": f"https://acme.slack.com/archives/{place}"}

    def _auth_test(self, args: dict[str, Any]) -> dict[str, Any]:
        return {"ok": True, "team": "Acme", "team_id": "T0", "user": "firsthour", "user_id": "U0BOT", "bot_id": "B0BOT"}

    def _chat_postMessage(self, args: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        if str(args.get("channel", "")).startswith("U"):
            self.direct.append(args)
            return {"ok": True, "channel": "D0" + args["channel"][1:], "ts": "1.3"}
        if args.get("channel") not in self.channels:
            return {"ok": False, "error": "channel_not_found"}
        messages = self.channels[args["channel"]]
        if wrong := self._wrong(args):
            return {"ok": False, "error": "invalid_blocks", "response_metadata": {"messages": [wrong]}}
        if len(args.get("text", "")) > 40_000:
            return {"ok": False, "error": "msg_too_long"}
        if not args.get("text") and not args.get("blocks"):
            return {"ok": False, "error": "no_text"}
        thread = args.get("thread_ts")
        if thread is not None and thread not in (m["ts"] for m in messages):
            return {"ok": False, "error": "thread_not_found"}
        self._last = max(self._last + 0.000_1, self.now())
        metadata = args.get("metadata") or {}
        told = metadata.get("event_payload", {})
        message = {
            "type": "message",
            "ts": f"{self._last:.6f}",
            "user": "U0BOT",
            "text": args.get("text", ""),
            "blocks": args.get("blocks") or [],
            "metadata": metadata,
            "delivery_id": told.get("delivery_id"),
            "posted_as": told.get("kind"),
            "broadcast": bool(args.get("reply_broadcast")),
        }
        if thread is not None:
            message["thread_ts"] = thread
        messages.append(message)
        return {"ok": True, "channel": args["channel"], "ts": message["ts"], "message": message}

    def _wrong(self, args: dict[str, Any]) -> str | None:
        """Our messages have to be right, and so are refused at once where Slack might be lenient."""
        wrong = wrong_message(str(args.get("text", ""))[:40_000], args.get("blocks") or [], args.get("metadata"))
        pictures = [
            b["slack_file"]["id"] for b in args.get("blocks") or [] if b["type"] == "image" and "slack_file" in b
        ]
        wrong = wrong or next((f"no file {file_id}" for file_id in pictures if file_id not in self.shared), None)
        if wrong:
            self.refused.append(wrong)
        return wrong

    def _chat_update(self, args: dict[str, Any]) -> dict[str, Any]:
        if wrong := self._wrong(args):
            return {"ok": False, "error": "invalid_blocks", "response_metadata": {"messages": [wrong]}}
        for message in self.channels.get(args.get("channel", ""), []):
            if message["ts"] == args.get("ts"):
                message |= {key: args[key] for key in ("text", "blocks", "metadata") if key in args}
                return {"ok": True, "channel": args["channel"], "ts": message["ts"], "text": message["text"]}
        return {"ok": False, "error": "message_not_found"}

    def _chat_postEphemeral(self, args: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        if wrong := self._wrong(args):
            return {"ok": False, "error": "invalid_blocks", "response_metadata": {"messages": [wrong]}}
        self.whispers.append(args)
        return {"ok": True, "message_ts": "1.2"}

    def _conversations_history(self, args: dict[str, Any]) -> dict[str, Any]:
        if args.get("channel") not in self.channels:
            return {"ok": False, "error": "channel_not_found"}
        found = [m for m in self.channels[args["channel"]] if "thread_ts" not in m or m["broadcast"]]
        return _page(found[::-1], args)

    def _conversations_replies(self, args: dict[str, Any]) -> dict[str, Any]:
        found = [m for m in self.channels[args["channel"]] if args["ts"] in (m["ts"], m.get("thread_ts"))]
        if not found:
            return {"ok": False, "error": "thread_not_found"}
        root = [m for m in found if m["ts"] == args["ts"]]
        page = _page([m for m in found if m["ts"] != args["ts"]], args)
        return page | {"messages": root + page["messages"]}


def _page(found: list[dict[str, Any]], args: dict[str, Any]) -> dict[str, Any]:
    oldest, inclusive = float(args.get("oldest") or 0), args.get("inclusive") in (True, "1", "true")
    found = [m for m in found if float(m["ts"]) > oldest or (inclusive and float(m["ts"]) == oldest)]
    start, size = int(args.get("cursor") or 0), min(int(args.get("limit") or 100), 1000)
    shown = [dict(m) for m in found[start : start + size]]
    if args.get("include_all_metadata") not in (True, "1", "true"):
        for message in shown:
            message.pop("metadata", None)
    more = start + size < len(found)
    return {
        "ok": True,
        "messages": shown,
        "has_more": more,
        "response_metadata": {"next_cursor": str(start + size) if more else ""},
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what some tests are about."""


def _quietly(call: Callable[..., Any], *args: Any) -> None:
    with suppress(OSError):
        call(*args)


def _handler(slack: FakeSlack) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if "/upload/" in self.path:  # a picture, to the address that was given for it
                slack.files[self.path.rpartition("/")[2]] = raw
                self._bytes(200, b"OK - 1")
                return
            body = raw.decode()
            if self.headers.get("Content-Type", "").startswith("application/json"):
                args = json.loads(body or "{}")
            else:
                args = {key: values[0] for key, values in parse_qs(body).items()}
            method = urlsplit(self.path).path.removeprefix("/api/")
            if method == "response":  # asks for no token
                slack.answers.append(args)
                self._bytes(200, b"ok")
                return
            slack.calls.append((method, args))
            fault = slack.fault(method, args)
            kind = fault.kind if fault else ""
            token = self.headers.get("Authorization", "").removeprefix("Bearer ") or args.pop("token", "")
            if kind in ("", "lost", "broken_after", "garbled", "slow"):
                answer = slack.call(method, args, token)
            if kind == "slow":
                time.sleep(fault.seconds)
            if kind in ("", "slow"):
                self._answer(200, answer)
            elif kind == "limited":
                self._answer(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": str(fault.retry_after)})
            elif kind in ("broken", "broken_after"):
                self._answer(500, {"ok": False, "error": "internal_error"})
            elif kind == "refused":
                self._answer(200, {"ok": False, "error": fault.error, "needed": "channels:history"})
            elif kind == "garbled":
                self._bytes(200, b"<html>gateway</html>")
            else:
                self.close_connection = True
                _quietly(self.connection.shutdown, socket.SHUT_RDWR)

        def _answer(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
            self._bytes(status, json.dumps(body).encode(), headers)

        def _bytes(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            slack.sockets.serve(self)

    return Handler
