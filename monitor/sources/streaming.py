"""Sources that also hand over items as they come.

Polling stays the truth and a stream only makes it sooner: what a stream brings is stored as a page is, under the same
ids, and its cursor is not touched. So a stream may lose, repeat and disorder as it likes; the next poll finds what it
lost. monitor/sources/contract_streams.py is the suite that each stream passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from monitor.sources.base import Item, Reject, Source


@dataclass(frozen=True, slots=True)
class News:
    """What came through a stream, in no particular order."""

    items: tuple[Item, ...] = ()
    rejects: tuple[Reject, ...] = ()


class Stream(Protocol):
    """One connection. It belongs to one thread."""

    def hear(self, within: float) -> News:
        """What has come, after waiting up to `within` seconds for the first of it; nothing where nothing came. Errors:
        as `Source.fetch`; RetryLater also when the connection has ended, or is silent for longer than the service
        lets a living one be."""
        ...

    def close(self) -> None:
        """Hang up, within a few seconds, also when the other side does not answer."""
        ...


class StreamingSource(Source, Protocol):
    """A source whose `capabilities.stream` is true."""

    def listen(self) -> Stream:
        """A new connection. Whoever remembers where the last one ended begins a little before. Errors: as `fetch`."""
        ...
