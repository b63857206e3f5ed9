"""A gate before a server: it lets connections through, answers in the server's place, or breaks them off."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Gate:
    def __init__(self, port: int) -> None:
        """Before the server on this loopback port."""
        self._behind = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.says: bytes | None = None  # in the server's place, to whoever connects; then it hangs up
        self.refuses = False  # signs nobody in
        self.silent = False  # those who are connected hear nothing more
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def break_off(self) -> None:
        """End every connection that there is."""
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.break_off()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            self._open.add(client)
            if self.says is not None:
                client.sendall(self.says)
            elif self.refuses:
                client.sendall(b"* OK ready\r\n")
                for line in client.makefile("rb"):
                    tag, command = line.split()[:2]
                    said = (
                        b"OK done" if command == b"CAPABILITY" else b"NO [AUTHENTICATIONFAILED] Authentication failed."
                    )
                    extra = b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n" if command == b"CAPABILITY" else b""
                    client.sendall(extra + tag + b" " + said + b"\r\n")
            else:
                self._pass_on(client)
        self._open.discard(client)

    def _pass_on(self, client: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", self._behind)) as server:
            self._open.add(server)
            back = threading.Thread(target=self._copy, args=(server, client), daemon=True)
            back.start()
            self._copy(client, server)
            back.join()
            self._open.discard(server)

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if not self.silent:
                    target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)
