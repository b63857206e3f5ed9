"""Replies by webhook: each is one signed call to an address of yours, which posts it where the customer wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from monitor.clock import Clock, SystemClock
from monitor.errors import AuthError, FirsthourError, GiveUp, Refused
from monitor.sources.base import Reply, SeenReply
from monitor.sources.http import Http
from monitor.sources.record import moment
from monitor.sources.webhook_signature import Signature

_PASSING = (408, 425, 429)  # statuses that say nothing of this reply


class Callback(Http):
    """Signs as Standard Webhooks has it; the id of a call is the reply's key, so the other side can know a repeat."""

    def __init__(self, name: str, url: str, key: bytes, account: str, clock: Clock | None = None) -> None:
        super().__init__(name, url, public=False)
        self._url, self._key, self._account, self._clock = url, key, account, clock or SystemClock()

    def send(self, reply: Reply, now: datetime) -> SeenReply:
        said = {"key": reply.key, "to": reply.to, "text": reply.text, "account": self._account}
        body = json.dumps(said, ensure_ascii=False).encode()
        headers = Signature().headers(self._key, reply.key, now, body) | {"Content-Type": "application/json"}
        answer = self._ask("POST", self._url, headers, content=body)
        return self._seen(answer if isinstance(answer, dict) else {}, reply.key, now)

    def find(self, reply: Reply) -> SeenReply | None:
        headers = Signature().headers(self._key, reply.key, self._clock.now(), b"")
        joint = "&" if "?" in self._url else "?"
        try:
            answer = self._ask("GET", self._url + joint + urlencode({"key": reply.key}), headers)
        except _NotThere:
            return None
        return self._seen(answer if isinstance(answer, dict) else {}, reply.key, reply.since)

    def _seen(self, answer: Mapping[str, Any], key: str, now: datetime) -> SeenReply:
        url = str(answer.get("url") or "")
        try:
            at = moment(answer.get("at"), now)
        except ValueError:
            at = now
        web = url if url.startswith(("http://", "https://")) else None
        return SeenReply(str(answer.get("id") or key), at, str(answer.get("account") or self._account), web)

    def refused(self, method: str, status: int, headers: Mapping[str, str], body: str) -> FirsthourError | None:
        if status == 404 and method == "GET":
            return _NotThere()
        if status in (405, 501) and method == "GET":
            return GiveUp(f"sources.{self._name}.callback_url: it cannot tell whether a reply was posted ({status})")
        error = super().refused(method, status, headers, body)
        if isinstance(error, AuthError):
            hint = "is callback_secret the same on both sides?"
            return AuthError(f"sources.{self._name}.callback_secret", error.message, hint)
        if method == "POST" and 400 <= status < 500 and status not in _PASSING:
            return Refused(f"{self._name} does not take it: {_reason(body) or f'status {status}'}")
        return error


class _NotThere(FirsthourError):
    """The other side knows no reply with this key."""


def _reason(body: str) -> str:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    return str(said.get("error") or "")[:300] if isinstance(said, dict) else ""
