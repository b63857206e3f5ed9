"""A source that hears: each call rings with the word it was told, and holds lines of `id text`."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

from monitor.sources.base import Author, Capabilities, Cursor, Item, Page, Reject, SeenReply
from monitor.sources.hooks import Call, CallRefused, Heard


class Bell:
    name = "bell"
    capabilities = Capabilities(hook=True)

    def hear(self, call: Call, now: datetime) -> Heard:
        if call.method == "GET":
            return Heard(answer=call.query["challenge"])
        if not hmac.compare_digest(call.headers.get("x-word", ""), "open sesame"):
            raise CallRefused(401, "X-Word is not the word that was agreed")
        items, rejects = [], []
        for line in call.body.decode().splitlines():
            number, _, text = line.partition(" ")
            if not text:
                rejects.append(Reject(f"{number}: text is missing", line, number))
                continue
            handle, _, parent = call.headers.get("x-author", "ann").partition(">")
            items.append(Item(number, text, now, author=Author(handle), parent=parent or None))
        return Heard(tuple(items), tuple(rejects), call.headers.get("x-id"), now + timedelta(minutes=5))

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        return Page((), {})

    def check(self) -> str:
        return "waits to be called"

    def replies_to(
        self, external_ids: tuple[str, ...], accounts: frozenset[str], besides: frozenset[str] = frozenset()
    ) -> Mapping[str, SeenReply]:
        return {}

    def close(self) -> None:
        pass
