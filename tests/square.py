"""A service on which brands answer, for tests of what sends replies: it keeps them, and fails as it is told."""

from __future__ import annotations

from datetime import datetime

from monitor.clock import ManualClock
from monitor.sources.base import Capabilities, Reply, SeenReply


class Square:
    """Troubles are taken from queues: `troubles` before a reply is taken, `after` when it stands already, `blind` when
    somebody looks for it."""

    name = "news"
    capabilities: Capabilities = Capabilities(reply=True, reply_limit=20, place="the Square", sees_replies=True)

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.posts: list[Reply] = []
        self.troubles: list[Exception | None] = []
        self.after: list[Exception | None] = []
        self.blind: list[Exception | None] = []
        self.looks = 0
        self.wall: str | None = None

    def reply(self, reply: Reply, now: datetime) -> SeenReply:
        if self.troubles and (trouble := self.troubles.pop(0)) is not None:
            raise trouble
        self.posts.append(reply)
        if self.after and (trouble := self.after.pop(0)) is not None:
            raise trouble
        return self._seen(reply, now)

    def find_reply(self, reply: Reply) -> SeenReply | None:
        self.looks += 1
        if self.blind and (trouble := self.blind.pop(0)) is not None:
            raise trouble
        return next((self._seen(post, post.since) for post in self.posts if post.key == reply.key), None)

    def barrier(self, mention: str) -> str | None:
        return self.wall

    def _seen(self, reply: Reply, at: datetime) -> SeenReply:
        return SeenReply(f"r-{reply.key}", at, "acmehelp", f"https://square.example/{reply.key}")
