"""Where the replies to replayed mentions go: a file of JSON lines, or memory.

One object a line: `id`, `key`, `parent` (the mention), `author`, `text`, `at`. Another program may append its own, as
people answer on a real service; lines that cannot be read are left alone.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from monitor.clock import aware
from monitor.errors import Refused
from monitor.sources.base import Reply, SeenReply


class RepliesFile:
    def __init__(self, source: str, path: Path | None, account: str) -> None:
        self._source, self._path, self._account = source, path.expanduser() if path else None, account
        self._memory: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def add(self, reply: Reply, now: datetime) -> SeenReply:
        """The same key again adds nothing. Raises Refused where the file cannot be written."""
        with self._lock:
            known = self.find(reply.key)
            if known is not None:
                return known
            line = {
                "id": f"reply-{reply.key}",
                "key": reply.key,
                "parent": reply.to,
                "author": self._account,
                "text": reply.text,
                "at": now.isoformat(),
            }
            self._append(line)
        return SeenReply(line["id"], now, self._account)

    def find(self, key: str) -> SeenReply | None:
        return next((_seen(line) for line in self._lines() if line.get("key") == key), None)

    def first(
        self, external_ids: tuple[str, ...], accounts: frozenset[str], besides: frozenset[str] = frozenset()
    ) -> Mapping[str, SeenReply]:
        """The earliest reply to each mention by one of `accounts`, `besides` some."""
        found: dict[str, SeenReply] = {}
        wanted = set(external_ids)
        for line in self._lines() if wanted and accounts else ():
            seen, parent = _seen(line), str(line.get("parent"))
            earlier = found.get(parent)
            ours = seen.author.removeprefix("@").casefold() in accounts
            ours = ours and seen.external_id not in besides
            if ours and parent in wanted and (earlier is None or seen.at < earlier.at):
                found[parent] = seen
        return found

    def _append(self, line: dict[str, Any]) -> None:
        if self._path is None:
            self._memory.append(line)
            return
        try:
            with self._path.open("ab") as file:
                # on a line of its own, also after a writer that died in the middle of one
                begun = file.tell() > 0 and self._path.read_bytes()[-1:] != b"\n"
                file.write((b"\n" if begun else b"") + json.dumps(line, ensure_ascii=False).encode() + b"\n")
        except OSError as error:
            raise Refused(f"sources.{self._source}.replies: {self._path} cannot be written: {error.strerror}") from None

    def _lines(self) -> Iterator[dict[str, Any]]:
        if self._path is None:
            yield from list(self._memory)
            return
        try:
            raw = self._path.read_bytes()
        except OSError:
            return
        for line in raw.splitlines():
            try:
                given = json.loads(line)
                _seen(given)
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                continue
            yield given


def _seen(line: dict[str, Any]) -> SeenReply:
    return SeenReply(str(line["id"]), aware(datetime.fromisoformat(line["at"])), str(line["author"]), line.get("url"))
