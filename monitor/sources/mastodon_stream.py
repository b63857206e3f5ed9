"""What an instance of Mastodon says as it happens: https://docs.joinmastodon.org/methods/streaming/."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from monitor.errors import AuthError, RetryLater
from monitor.sources.base import Item, Reject, gone
from monitor.sources.live_line import LiveLine, latest
from monitor.sources.mastodon_posts import items, status_of
from monitor.sources.streaming import News


class MastodonStream:
    def __init__(self, name: str, line: LiveLine, streams: Iterable[Mapping[str, str]]) -> None:
        self._name, self._line = name, line
        for stream in streams:
            line.say({"type": "subscribe", **stream})

    def hear(self, within: float) -> News:
        events, rejects = self._line.events(within)
        found: list[Item] = []
        for event in events:
            if "error" in event:
                raise self._refusal(event)
            try:
                news, unread = self._read(str(event["event"]), event.get("payload"))
            except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
                news, unread = [], [Reject(f"{type(error).__name__}: {error}", str(event)[:2_000])]
            found += news
            rejects += unread
        return News(latest(found), tuple(rejects))

    def _read(self, kind: str, payload: Any) -> tuple[list[Item], list[Reject]]:
        if kind == "delete":
            return [gone(str(payload))], []
        if kind not in ("update", "status.update", "notification"):
            return [], []  # of the account's own affairs
        told = json.loads(payload) if isinstance(payload, str) else payload
        if kind == "notification":
            return items([status_of(told)]) if told["type"] == "mention" else ([], [])
        return items([told])

    def _refusal(self, event: Mapping[str, Any]) -> Exception:
        said = f"the stream was refused: {str(event['error'])[:200]}"
        if event.get("status") in (401, 403):
            return AuthError(f"sources.{self._name}", said, "the token needs the scope read")
        return RetryLater(f"sources.{self._name}: {said}")

    def close(self) -> None:
        self._line.close()
