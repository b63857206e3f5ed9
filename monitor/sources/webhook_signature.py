"""Signatures of calls: HMAC-SHA256 over the body and, where the sender tells them, an id and the time.

By default as https://www.standardwebhooks.com has it; where the parts stand and how they are written can be set, since
older services do it in their own ways.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from monitor.sources.hooks import Call, CallRefused

Encoding = Literal["base64", "hex"]
WITHOUT_TIME = timedelta(days=30)  # a call whose time is not signed is remembered for so long


def key_of(secret: str) -> bytes:
    """The bytes of a secret as people write it; `whsec_` begins one in base64. Raises ValueError."""
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        coded = secret.removeprefix("whsec_").rstrip("=")
        return base64.b64decode(coded + "=" * (-len(coded) % 4), validate=True)
    except binascii.Error:
        raise ValueError("what follows whsec_ is not base64") from None


@dataclass(frozen=True, slots=True)
class Signature:
    """How calls are signed. A header whose name is empty is not sent. `signed` is what the signature covers, with
    `{id}`, `{timestamp}` and `{body}` in their places."""

    header: str = "webhook-signature"
    prefix: str = "v1,"
    encoding: Encoding = "base64"
    timestamp_header: str = "webhook-timestamp"
    id_header: str = "webhook-id"
    signed: str = "{id}.{timestamp}.{body}"

    def headers(self, key: bytes, id: str, now: datetime, body: bytes) -> dict[str, str]:
        """What a call of ours carries."""
        timestamp = str(int(now.timestamp()))
        signature = self.prefix + self._written(key, id, timestamp, body)
        given = {self.id_header: id, self.timestamp_header: timestamp, self.header: signature}
        return {name: value for name, value in given.items() if name}

    def verify(self, key: bytes, call: Call, now: datetime, tolerance: timedelta) -> tuple[str, datetime]:
        """By what the call is known, and until when. Raises CallRefused with status 401."""
        id, timestamp = _header(call.headers, self.id_header), _header(call.headers, self.timestamp_header)
        expected = self._written(key, id, timestamp, call.body)
        given = _header(call.headers, self.header).split(" ")  # a key that is being changed signs twice
        if not any(hmac.compare_digest(f"{self.prefix}{expected}".encode(), each.encode()) for each in given):
            raise CallRefused(401, f"{self.header} is not the signature of this body: is the secret the same there?")
        until = now + WITHOUT_TIME
        if self.timestamp_header:
            sent = _time(timestamp, self.timestamp_header)
            if abs(now - sent) > tolerance:
                told = sent.isoformat(timespec="seconds")
                raise CallRefused(401, f"{self.timestamp_header} says {told}, which is not now: is the clock right?")
            until = sent + 2 * tolerance
        return id or f"{timestamp} {expected}", until

    def _written(self, key: bytes, id: str, timestamp: str, body: bytes) -> str:
        parts = {"{id}": id.encode(), "{timestamp}": timestamp.encode(), "{body}": body}
        covered = b"".join(parts.get(part, part.encode()) for part in re.split(r"(\{\w+\})", self.signed))
        digest = hmac.new(key, covered, hashlib.sha256)
        return digest.hexdigest() if self.encoding == "hex" else base64.b64encode(digest.digest()).decode()


def _header(headers: Mapping[str, str], name: str) -> str:
    if not name:
        return ""
    value = headers.get(name.lower())
    if not value:
        raise CallRefused(401, f"the header {name} is missing")
    return value


def _time(timestamp: str, header: str) -> datetime:
    try:
        seconds = int(timestamp)
        return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise CallRefused(401, f"{header} is {timestamp[:30]!r}, not the seconds since 1970") from None
