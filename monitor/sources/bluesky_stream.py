"""Jetstream: every new post of Bluesky as it is written, of which those with the brands' words are kept.

https://github.com/bluesky-social/jetstream. It gives the record alone, so what is kept is asked for: then it is the
same item as from a search, with its author's name. A post that is not to be had yet is asked for again with the next.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from monitor.sources.base import Item, Reject, gone
from monitor.sources.bluesky_posts import POSTS
from monitor.sources.live_line import LiveLine, latest
from monitor.sources.streaming import News

_TRIES = 5  # then the search finds it
_AT_ONCE = 25  # posts of one call


class Jetstream:
    def __init__(
        self,
        line: LiveLine,
        wanted: Callable[[str], bool],
        known: Callable[[str], bool],
        read: Callable[[list[str]], tuple[list[Item], list[Reject]]],
        passed: Callable[[int], None],
    ) -> None:
        """`wanted` tells whether a text holds a brand's word, `known` whether an address is of a post that was read,
        `read` gives posts by their addresses; `passed` hears how far the stream has come, in microseconds."""
        self._line, self._wanted, self._known, self._read, self._passed = line, wanted, known, read, passed
        self._coming: dict[str, int] = {}  # posts that are still to be read, with how often that was tried

    def hear(self, within: float) -> News:
        events, rejects = self._line.events(0.0 if 0 in self._coming.values() else within)
        removed: list[Item] = []
        passed = 0
        for event in events:
            try:
                removed += self._sort(event)
                passed = max(passed, int(event["time_us"]))
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                rejects.append(Reject(f"{type(error).__name__}: {error}", str(event)[:2_000]))
        found, unread = self._posts()
        if passed:
            self._passed(passed)
        return News(latest([*found, *removed]), (*rejects, *unread))

    def _sort(self, event: dict[str, Any]) -> list[Item]:
        if event["kind"] != "commit":
            return []  # accounts and their names
        commit = event["commit"]
        if commit["collection"] != POSTS:
            return []
        uri = f"at://{event['did']}/{POSTS}/{commit['rkey']}"
        if commit["operation"] == "delete":
            self._coming.pop(uri, None)
            return [gone(uri)] if self._known(uri) else []
        if self._wanted(str(commit["record"]["text"])):
            self._coming[uri] = 0
        return []

    def _posts(self) -> tuple[list[Item], list[Reject]]:
        asked = list(self._coming)[:_AT_ONCE]
        if not asked:
            return [], []
        items, rejects = self._read(asked)
        there = {item.external_id for item in items}
        for uri in asked:
            tries = self._coming.pop(uri) + 1
            if uri not in there and tries < _TRIES:
                self._coming[uri] = tries
        return items, rejects

    def close(self) -> None:
        self._line.close()
