"""Mentions from a file of JSON lines: demos, imports of history, simulated days, and whatever another program appends.

One object a line: `text`, and if known the other keys of monitor/sources/record.py, or `ago` ("5m") in place of
`posted_at`. Other keys are left alone, so an export of mentions can be replayed. A line without a date counts as posted
when it is read. A line that cannot be read is rejected and the rest goes on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import BaseModel, ConfigDict, Field

from monitor.errors import ConfigurationError, RetryLater
from monitor.settings import duration
from monitor.sources.base import Capabilities, Cursor, Item, Page, Reject, Reply, SeenReply
from monitor.sources.record import read_item
from monitor.sources.replay_replies import RepliesFile

LONGEST_LINE = 8_000_000  # bytes
_HEAD = 4_096  # bytes by which a file is recognised


class Replay:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True)
        path: Path = Field(description="file of JSON lines; it may grow while it is read")
        per_minute: float | None = Field(None, gt=0, description="how many mentions arrive a minute; none: all at once")
        loop: bool = Field(False, description="begin again at the end, each round as new mentions posted now")
        page: int = Field(500, ge=1, le=10_000, description="most lines read at a time")
        replies: Path | None = Field(
            None, description="file to which replies are appended; none: they are kept in memory until the end"
        )
        account: str = Field("acme", min_length=1, description="under whose name replies stand")

    capabilities = Capabilities(reply=True, reply_limit=10_000, sees_replies=True, edits=True, deletions=True)

    def __init__(self, name: str, options: Options, terms: tuple[str, ...] = ()) -> None:
        self.name = name
        self._options = options
        self._path = options.path.expanduser()
        self._replies = RepliesFile(name, options.replies, options.account)

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        place = _Place.of(cursor, now)
        try:
            with self._path.open("rb") as file:
                return self._read(file, place, now)
        except FileNotFoundError:
            raise RetryLater(f"sources.{self.name}.path: {self._path}: no such file") from None
        except OSError as error:
            raise self._unreadable(error) from None

    def check(self) -> str:
        try:
            with self._path.open("rb") as file:
                first = file.readline(LONGEST_LINE)
                size = file.seek(0, 2)
        except OSError as error:
            raise self._unreadable(error) from None
        if first.strip():
            try:
                _item(first, datetime(2000, 1, 1, tzinfo=UTC), "")
            except (ValueError, OverflowError, RecursionError) as error:
                raise ConfigurationError(f"sources.{self.name}.path", f"{self._path}: line 1: {_why(error)}") from None
        return f"{self._path.name}, {size:,} bytes"

    def replies_to(
        self, external_ids: tuple[str, ...], accounts: frozenset[str], besides: frozenset[str] = frozenset()
    ) -> Mapping[str, SeenReply]:
        return self._replies.first(external_ids, accounts, besides)

    def reply(self, reply: Reply, now: datetime) -> SeenReply:
        return self._replies.add(reply, now)

    def find_reply(self, reply: Reply) -> SeenReply | None:
        return self._replies.find(reply.key)

    def barrier(self, mention: str) -> str | None:
        return None

    def close(self) -> None:
        pass

    def _unreadable(self, error: OSError) -> ConfigurationError:
        hint = "write the path of a file of JSON lines that this user may read"
        return ConfigurationError(f"sources.{self.name}.path", f"{self._path}: {error.strerror}", hint)

    def _read(self, file: BinaryIO, place: _Place, now: datetime) -> Page:
        head = file.read(_HEAD)
        size = file.seek(0, 2)
        if size < place.offset or not place.same_file(head):
            place = replace(place, offset=0, line=0, tail="")  # another file: what it repeats is known by its ids
        place = replace(place, head_length=len(head), head=_digest(head))
        most, place = self._allowed(place, now)
        items, rejects = [], []
        ended = most > 0
        file.seek(place.offset)
        for _ in range(most):
            raw = file.readline(LONGEST_LINE)
            if not raw:
                break
            length, whole = len(raw), raw.endswith(b"\n")
            while not whole and len(raw) == LONGEST_LINE and (rest := file.readline(LONGEST_LINE)):
                length, whole = length + len(rest), rest.endswith(b"\n")
            found: Item | Reject | None = None
            if raw.strip():
                found = self._line(raw, length, place, now)
            if isinstance(found, Reject) and not whole:
                # the writer may not be done with this line: show it once, and read it again when it has grown
                if place.tail != _digest(raw):
                    rejects.append(found)
                place = replace(place, tail=_digest(raw))
                break
            place = replace(place, offset=place.offset + length, line=place.line + 1, sent=place.sent + 1, tail="")
            if isinstance(found, Item):
                items.append(found)
            elif found is not None:
                rejects.append(found)
        else:
            ended = place.offset >= size and most > 0
        if ended and self._options.loop and not place.tail and size:
            place = replace(place, offset=0, line=0, round=place.round + 1)
        more = not ended and self._options.per_minute is None
        return Page(tuple(items), place.cursor(), more=more, rejects=tuple(rejects))

    def _allowed(self, place: _Place, now: datetime) -> tuple[int, _Place]:
        """How many lines may be read now. Time during which nobody polled is not made up for beyond a minute."""
        rate = self._options.per_minute
        if rate is None:
            return self._options.page, place
        due = int((now - place.since).total_seconds() * rate / 60) + 1 - place.sent
        if due > max(rate, 1) or now < place.since:
            due, place = 1, replace(place, since=now, sent=0)
        return max(0, min(due, self._options.page)), place

    def _line(self, raw: bytes, length: int, place: _Place, now: datetime) -> Item | Reject:
        rate = self._options.per_minute
        arrives = now if rate is None else min(now, place.since + timedelta(seconds=place.sent * 60 / rate))
        suffix = f"~{place.round}" if place.round else ""
        try:
            if length > LONGEST_LINE:
                raise ValueError(f"the line is longer than {LONGEST_LINE:,} bytes")
            return _item(raw, arrives, suffix)
        except (ValueError, OverflowError, RecursionError) as error:
            return Reject(f"line {place.line + 1}: {_why(error)}", raw[:10_000].decode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the next page begins: the byte, and by which beginning the file is known."""

    since: datetime  # when `sent` was 0
    offset: int = 0
    line: int = 0
    round: int = 0
    sent: int = 0
    tail: str = ""  # an unfinished last line that was already shown
    head: str = ""
    head_length: int = 0

    @classmethod
    def of(cls, cursor: Cursor | None, now: datetime) -> _Place:
        if not cursor:
            return cls(now)
        return cls(**(dict(cursor) | {"since": datetime.fromisoformat(cursor["since"])}))

    def cursor(self) -> dict[str, Any]:
        return {
            "since": self.since.isoformat(),
            "offset": self.offset,
            "line": self.line,
            "round": self.round,
            "sent": self.sent,
            "tail": self.tail,
            "head": self.head,
            "head_length": self.head_length,
        }

    def same_file(self, head: bytes) -> bool:
        return not self.head or self.head == _digest(head[: self.head_length])


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _why(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 at byte {error.start}"
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg} at column {error.colno}"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def _item(raw: bytes, now: datetime, suffix: str) -> Item:
    """Raises ValueError, OverflowError or RecursionError."""
    given = json.loads(raw.decode("utf-8-sig"))
    if not isinstance(given, dict):
        raise ValueError("not an object with a text")
    if given.get("ago") is not None:
        back: timedelta = duration(given["ago"])
        given["posted_at"] = now - back
    elif suffix:
        given.pop("posted_at", None)  # a further round: posted anew
    item = read_item(given, now)
    return replace(
        item,
        external_id=item.external_id + suffix,
        conversation=item.conversation + suffix if item.conversation else None,
        parent=item.parent + suffix if item.parent else None,
        repost_of=item.repost_of + suffix if item.repost_of else None,
    )
