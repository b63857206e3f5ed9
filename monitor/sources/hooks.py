"""Sources that are called: a service sends what is new to `/hooks/NAME` of the desk as soon as it is there.

A source that can hear is a `HookedSource`, and its `capabilities.hook` says so. It verifies and reads one call; what
the call holds is stored before it is answered (monitor/hooks.py), so a service that gets no 2xx has to call again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from monitor.errors import FirsthourError
from monitor.sources.base import Item, Reject, Source

LARGEST_CALL = 1_048_576  # bytes of one call's body


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request to `/hooks/NAME`, not yet verified. Names of headers are in lower case."""

    method: str  # GET or POST
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one verified call holds. With rejects and no items, the answer is 422 and lists their reasons.

    `nonce` tells this call from every other of the source: a second one with the same nonce before `until` is answered
    as the first was, and stores nothing. `answer` is the text to answer with, where the service asks for one.
    """

    items: tuple[Item, ...] = ()
    rejects: tuple[Reject, ...] = ()
    nonce: str | None = None
    until: datetime | None = None
    answer: str | None = None


class CallRefused(FirsthourError):
    """A call that is not taken. `status` is the HTTP status; the message is for whoever configured the sender."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class HookedSource(Source, Protocol):
    """A source whose `capabilities.hook` is true."""

    def hear(self, call: Call, now: datetime) -> Heard:
        """Verify the call, then read it. Asks nobody, unless the service tells ids alone. Raises CallRefused: 401 where
        it is not from the service or too old, 404, 405 or 422 where it cannot be meant for this source, 503 where what
        the ids stand for cannot be had just now."""
        ...
