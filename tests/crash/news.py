"""A Hacker News that publishes tens of thousands of items in every disorder, and fails in between."""

from __future__ import annotations

import json
import random
import re
from bisect import insort
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

LATE = timedelta(minutes=90)  # the source reads two hours again at each poll
_WINDOW = re.compile(r"created_at_i>=(\d+)(?:,created_at_i<=(\d+))?")


@dataclass
class News:
    """`words` is what stands there by its id; `posted` holds (second, id), in order."""

    server: HTTPServer
    now: datetime
    total: int
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    words: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, int] = field(default_factory=dict)
    posted: list[tuple[int, str]] = field(default_factory=list)
    calm: bool = False
    requests: int = 0
    _ids: set[int] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.server.expect_request(re.compile(".*")).respond_with_handler(self._answer)

    def publish(self, count: int, late: bool = True) -> None:
        for _ in range(min(count, self.total - len(self.words))):
            kind = self.chance.random()
            at = int(self.now.timestamp()) - self.chance.randrange(60)
            if late and kind < 0.05:
                at -= self.chance.randrange(int(LATE.total_seconds()))
            elif kind < 0.3 and self.posted:
                at = max(self.posted[-1][0], at)  # the same second as another
            number = self.chance.randrange(10**8)  # ids are in no order
            while number in self._ids:
                number += 1
            self._ids.add(number)
            external_id = str(number)
            self.words[external_id], self.seconds[external_id] = f"acme word{len(self._ids)}end", at
            insort(self.posted, (at, external_id))

    def edit(self, count: int) -> None:
        """Only what is young: nobody may edit on Hacker News after two hours."""
        young = [each for at, each in self.posted[-2_000:] if at > self.now.timestamp() - LATE.total_seconds()]
        for external_id in self.chance.sample(young, min(count, len(young))):
            self.words[external_id] += " edited"

    def later(self, span: timedelta) -> None:
        self.now += span

    def _answer(self, request: Request) -> Response:
        with self._lock:
            self.requests += 1
            trouble = self.chance.random()
            if not self.calm and trouble < 0.06:
                return self.chance.choice(
                    (
                        Response("slow down", 429, {"retry-after": "1"}),
                        Response("oops", 500),
                        Response('{"hits": [{"objectID": "1", "te', content_type="application/json"),
                        Response('{"message": "try again"}', content_type="application/json"),
                    )
                )
            if not self.calm and trouble < 0.2:
                self.publish(3)  # the page changes while it is read
            return Response(json.dumps({"hits": self._hits(request.args)}), content_type="application/json")

    def _hits(self, asked: Any) -> list[dict[str, Any]]:
        window = _WINDOW.fullmatch(asked["numericFilters"])
        assert window
        low, high = int(window[1]), int(window[2] or 2**40)
        first = int(asked["page"]) * int(asked["hitsPerPage"])
        last = first + int(asked["hitsPerPage"])
        found: list[str] = []
        for at, external_id in reversed(self.posted):
            if at < low or len(found) >= min(last, 1_000):
                break
            if at <= high:
                found.append(external_id)
        return [
            {
                "objectID": each,
                "comment_text": self.words[each],
                "author": "ann",
                "created_at_i": self.seconds[each],
                "story_id": 1,
            }
            for each in found[first:last]
        ]
