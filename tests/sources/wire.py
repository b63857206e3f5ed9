"""A websocket server on loopback that says what tests tell it to, and falls ill like the other stand-ins."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from monitor.sources.contract import Answer

PATIENCE = 60.0  # seconds; a bound against hanging, not a measure


class Wire:
    """`trouble` says what every handshake is answered; `ready` how many words of a client make it a listener."""

    def __init__(self, trouble: Callable[[], Answer | None], ready: int = 0) -> None:
        self._trouble, self._ready = trouble, ready
        self.hushed = False
        self.times = 1
        self.said: list[dict[str, Any]] = []  # by clients
        self.paths: list[str] = []
        self._open: set[ServerConnection] = set()
        self._changed = threading.Condition()
        self._server = serve(self._listen, "127.0.0.1", 0, process_request=self._greet, ping_interval=None)
        self.url = f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def _greet(self, connection: ServerConnection, request: Request) -> Response | None:
        self.paths.append(request.path)
        if (trouble := self._trouble()) is None:
            return None
        headers = Headers([*trouble.headers.items(), ("Content-Length", str(len(trouble.body)))])
        return Response(trouble.status, HTTPStatus(trouble.status).phrase, headers, trouble.body)

    def _listen(self, connection: ServerConnection) -> None:
        heard = 0
        try:
            while True:
                if heard == self._ready:
                    with self._changed:
                        self._open.add(connection)
                        self._changed.notify_all()
                try:
                    words = json.loads(connection.recv(timeout=0.2))
                except TimeoutError:
                    if not self.hushed:
                        connection.ping()
                    continue
                self.said.append(words)
                heard += 1
        except ConnectionClosed:
            pass
        finally:
            with self._changed:
                self._open.discard(connection)

    def connected(self) -> None:
        """Wait until somebody listens: who connects does not know when the other side is ready."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._open, PATIENCE)

    def say(self, words: str) -> None:
        if self.hushed:
            return
        for connection in tuple(self._open):
            for _ in range(self.times):
                try:
                    connection.send(words)
                except ConnectionClosed:
                    self._open.discard(connection)

    def cut(self) -> None:
        for connection in tuple(self._open):
            self._open.discard(connection)
            with suppress(OSError):  # who has hung up already
                connection.socket.shutdown(socket.SHUT_RDWR)

    def hush(self) -> None:
        """No word and no ping any more, on connections that stay open."""
        self.hushed = True

    def close(self) -> None:
        self.cut()
        self._server.shutdown()
        self._thread.join(PATIENCE)
