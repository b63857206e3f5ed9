"""Runs the desk in a thread of the daemon."""

from __future__ import annotations

import socket
import threading

import uvicorn
from fastapi import FastAPI

from monitor.errors import ConfigurationError


class DeskServer:
    """Uvicorn in a thread. `start` returns once the desk answers; `stop` ends open event streams first, since a server
    that waits for its connections to close would wait for those for ever."""

    def __init__(self, app: FastAPI, host: str = "127.0.0.1", port: int = 8080) -> None:
        self._app, self._host, self._port = app, host, port
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # Proxied believes those that the settings name; uvicorn would believe all on loopback
            timeout_graceful_shutdown=3,
        )
        self._server = uvicorn.Server(config)

    @property
    def address(self) -> str:
        """Where the desk is, with the port that it really got (0 asks for any)."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._socket.getsockname()[1] if self._socket else self._port}"

    def start(self) -> None:
        """Raises ConfigurationError when the address is taken."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self._host, self._port))
            listener.listen(128)
        except OSError as error:
            listener.close()
            hint = "choose another port, 0 for any free one"
            raise ConfigurationError("web.bind", f"{self._host}:{self._port}: {error.strerror}", hint) from None
        self._socket = listener
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="web", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        self._app.state.live.close()
        self._server.should_exit = True
        if self._thread:
            self._thread.join(timeout)
        if self._socket:
            self._socket.close()
