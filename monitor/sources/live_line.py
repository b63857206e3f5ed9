"""A websocket that a service speaks through: what it says, when it has hung up, and when it is dead."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import websocket

from monitor.errors import RetryLater
from monitor.sources.base import Item, Reject
from monitor.sources.http import TIMEOUT, USER_AGENT, certificates, refusal

_BURST = 200  # events handed over at once, so that a flood does not hold up what is already here


class LiveLine:
    """One connection, of one thread. `silence`: seconds without a frame of any kind after which nobody is there."""

    def __init__(self, name: str, url: str, headers: Mapping[str, str], silence: float) -> None:
        """Connects. Errors: RetryLater, AuthError."""
        self._name, self._silence = name, silence
        try:
            self._socket = websocket.create_connection(
                url,
                timeout=TIMEOUT,
                header=[f"{key}: {value}" for key, value in ({"User-Agent": USER_AGENT} | dict(headers)).items()],
                sslopt={"context": certificates()},
                redirect_limit=0,  # the headers may hold a credential
            )
        except websocket.WebSocketBadStatusException as error:
            said = {key.lower(): value for key, value in (error.resp_headers or {}).items()}
            body = (error.resp_body or b"").decode("utf-8", "replace")
            no = refusal(name, error.status_code, said, body)
            raise no or RetryLater(f"sources.{name}: the stream answered {error.status_code}") from error
        except (OSError, ValueError, websocket.WebSocketException) as error:
            raise RetryLater(f"sources.{name}: the stream cannot be reached: {error}") from error
        self._heard = time.monotonic()

    def say(self, words: Mapping[str, Any]) -> None:
        try:
            self._socket.send(json.dumps(words))
        except (OSError, websocket.WebSocketException) as error:
            raise RetryLater(f"sources.{self._name}: the stream broke off: {error}") from error

    def events(self, within: float) -> tuple[list[dict[str, Any]], list[Reject]]:
        """The JSON objects that have come, after waiting up to `within` seconds for the first; and what was none."""
        until, events, rejects = time.monotonic() + within, list[dict[str, Any]](), list[Reject]()
        while len(events) + len(rejects) < _BURST:
            wait = until - time.monotonic() if not events and not rejects else 0.0
            frame = self._frame(max(wait, 0.001))
            if frame is None:
                break
            if frame:
                _sort(frame, events, rejects)
        return events, rejects

    def _frame(self, within: float) -> bytes | None:
        """The words of the next frame, b"" for a mere sign of life, None if none came."""
        self._socket.settimeout(within)
        try:
            code, frame = self._socket.recv_data_frame(control_frame=True)
        except websocket.WebSocketTimeoutException:
            if time.monotonic() - self._heard > self._silence:
                raise RetryLater(f"sources.{self._name}: the stream has been silent for too long") from None
            return None
        except (OSError, websocket.WebSocketException) as error:
            raise RetryLater(f"sources.{self._name}: the stream broke off: {error}") from error
        self._heard = time.monotonic()
        if code == websocket.ABNF.OPCODE_CLOSE:
            raise RetryLater(f"sources.{self._name}: the service closed the stream")
        return bytes(frame.data) if code in (websocket.ABNF.OPCODE_TEXT, websocket.ABNF.OPCODE_BINARY) else b""

    def close(self) -> None:
        with suppress(OSError, websocket.WebSocketException):
            self._socket.close(timeout=1)


def _sort(frame: bytes, events: list[dict[str, Any]], rejects: list[Reject]) -> None:
    try:
        event = json.loads(frame)
    except (ValueError, RecursionError) as error:
        event = error
    if isinstance(event, dict):
        events.append(event)
    else:
        rejects.append(Reject(f"no event but {type(event).__name__}", frame[:2_000].decode("utf-8", "replace")))


def latest(items: list[Item]) -> tuple[Item, ...]:
    """Each item once, as it came last."""
    return tuple({item.external_id: item for item in items}.values())
