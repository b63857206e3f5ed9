"""What `emulate` lacks of a Slack that an app with Socket Mode can live in: `apps.connections.open`, the socket, and
somebody who presses. All else goes through to it and back, byte for byte."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.slack_socket import Sockets

APP_TOKEN = "xapp-emulated"


class Gateway:
    def __init__(self, behind: str) -> None:
        """`behind` is the address of the Web API, such as http://127.0.0.1:4003."""
        self.behind, self.base_url, self.sockets = behind, "", Sockets()
        self.lost: Callable[[str], bool] = lambda method: False  # whether the answer to this call never arrives
        self.answers: list[tuple[str, dict[str, Any]]] = []  # method, what the Web API answered

    @contextmanager
    def running(self) -> Iterator[Gateway]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        server.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{server.server_port}/api/"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield self
        finally:
            self.sockets.drop()
            server.shutdown()
            server.server_close()

    def answered(self, method: str) -> dict[str, Any]:
        """The latest answer to `method`."""
        return next(answer for name, answer in reversed(self.answers) if name == method)


def _handler(gateway: Gateway) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            gateway.sockets.serve(self)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            method = self.path.removeprefix("/api/")
            if method == "apps.connections.open":
                right = self.headers.get("Authorization") == f"Bearer {APP_TOKEN}"
                url = gateway.base_url.replace("http", "ws", 1).removesuffix("api/") + "socket"
                said = {"ok": True, "url": url} if right else {"ok": False, "error": "invalid_auth"}
                self._answer(200, json.dumps(said).encode())
                return
            kept = {name: self.headers[name] for name in ("Authorization", "Content-Type") if name in self.headers}
            request = urllib.request.Request(gateway.behind + self.path, data=body, headers=kept)
            try:
                with urllib.request.urlopen(request, timeout=10) as response:
                    status, answer = response.status, response.read()
            except urllib.error.HTTPError as error:
                status, answer = error.code, error.read()
            gateway.answers.append((method, json.loads(answer)))
            if not gateway.lost(method):
                self._answer(status, answer)

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler
