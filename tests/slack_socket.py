"""Slack's end of Socket Mode on loopback: the handshake of RFC 6455, envelopes down, acknowledgements up."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import queue
import socket
import struct
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Sockets:
    """The connections that are open. `acks` holds what came up them, in order."""

    def __init__(self) -> None:
        self.acks: queue.Queue[dict[str, Any]] = queue.Queue()
        self._open: queue.Queue[socket.socket] = queue.Queue()
        self._envelopes = itertools.count(1)
        self.opened = 0

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer a GET that asks for a WebSocket, and read from it until the client goes."""
        digest = hashlib.sha1((handler.headers["Sec-WebSocket-Key"] + _GUID).encode()).digest()
        handler.send_response(101)
        handler.send_header("Upgrade", "websocket")
        handler.send_header("Connection", "Upgrade")
        handler.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        handler.end_headers()
        handler.close_connection = True
        handler.connection.sendall(frame(b'{"type": "hello", "num_connections": 1}'))
        self.opened += 1
        self._open.put(handler.connection)
        while True:
            kind, body = read_frame(handler.rfile)
            if kind == 8:
                return
            if kind == 9:
                handler.connection.sendall(frame(body, 10))
            elif kind == 1:
                self.acks.put(json.loads(body))

    def push(self, payload: dict[str, Any], envelope: str | None = None, kind: str = "interactive") -> str:
        """Send `payload` down the newest connection; waits for one to be there. The envelope's id."""
        envelope = envelope or f"envelope-{next(self._envelopes)}"
        connection = self._open.get(timeout=20)
        self._open.put(connection)
        body = {"type": kind, "envelope_id": envelope, "payload": payload, "accepts_response_payload": True}
        connection.sendall(frame(json.dumps(body).encode()))
        return envelope

    def drop(self) -> None:
        """Cut every connection, without a word."""
        while True:
            try:
                connection = self._open.get_nowait()
            except queue.Empty:
                return
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def frame(body: bytes, kind: int = 1) -> bytes:
    size = len(body)
    head = bytes([0x80 | kind])
    if size < 126:
        return head + bytes([size]) + body
    return head + (struct.pack("!BH", 126, size) if size < 65536 else struct.pack("!BQ", 127, size)) + body


def read_frame(stream: Any) -> tuple[int, bytes]:
    try:
        head = stream.read(2)
    except ConnectionError:  # gone without a word
        head = b""
    if len(head) < 2:
        return 8, b""
    size = head[1] & 0x7F
    if size == 126:
        (size,) = struct.unpack("!H", stream.read(2))
    elif size == 127:
        (size,) = struct.unpack("!Q", stream.read(8))
    mask = stream.read(4) if head[1] & 0x80 else b"\0\0\0\0"
    body = stream.read(size)
    return head[0] & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(body))
