"""Services on loopback that behave: they store what customers write, page it as the real ones do, and fall ill."""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from itertools import count
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.sources.base import Source
from monitor.sources.contract import Answer, FakeService


@dataclass(frozen=True)
class Post:
    id: str
    text: str
    at: datetime
    author: str
    parent: str | None = None
    more: dict[str, Any] = field(default_factory=dict)


@cache
def _digits(id: str) -> int:
    return int(re.sub(r"\D", "", id))


class LoopbackService(FakeService):
    """The part that all share: posts in memory, trouble on demand, and the sources to close at the end."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("").rstrip("/")
        self.posts: dict[str, Post] = {}
        self.requests: list[Request] = []
        self._trouble: Answer | None = None
        self._losing = False
        self.locked: set[str] = set()
        self._numbers = count(1)
        self._sources: list[Source] = []
        server.expect_request(re.compile(".*")).respond_with_handler(self._handle)

    @abstractmethod
    def build(self, **options: Any) -> Source: ...

    @abstractmethod
    def respond(self, request: Request) -> Any:
        """The service's own answer: a JSON value, or a Response."""

    def source(self, **options: Any) -> Source:
        source = self.build(**options)
        self._sources.append(source)
        return source

    def close(self) -> None:
        for source in self._sources:
            source.close()

    def answer(self, answer: Answer | None) -> None:
        self._trouble = answer

    def new_id(self, at: datetime) -> str:
        return str(next(self._numbers))

    def post(self, text: str, at: datetime, author: str = "ann", parent: str | None = None, **more: Any) -> str:
        external_id = self.new_id(at)
        self.posts[external_id] = Post(external_id, text, at, author, parent, more)
        return external_id

    def edit(self, external_id: str, text: str, at: datetime) -> None:
        self.posts[external_id] = replace(self.posts[external_id], text=text)

    def reply(self, external_id: str, account: str, at: datetime) -> None:
        self.post("we are sorry", at, account, parent=external_id)

    def agree(self, external_id: str, at: datetime) -> str:
        return self.post("acme: same here!!", at, "bob", parent=external_id)

    def replies(self, external_id: str) -> list[str]:
        return [post.text for post in self.posts.values() if post.parent == external_id]

    def lock(self, external_id: str) -> None:
        self.locked.add(external_id)

    def lose_answer(self) -> None:
        self._losing = True

    def newest_first(self, wanted: Callable[[Post], bool] = lambda _: True) -> list[Post]:
        found = [post for post in self.posts.values() if wanted(post)]
        return sorted(found, key=lambda post: (post.at, _digits(post.id)), reverse=True)

    def _handle(self, request: Request) -> Response:
        self.requests.append(request)
        trouble = self._trouble
        if trouble is not None and not self.spared(request):
            response = Response(trouble.body, trouble.status, dict(trouble.headers))
            if trouble.cut:
                response.headers["Content-Length"] = str(len(trouble.body) + 100)
                response.automatically_set_content_length = False
            return response
        answer = self.respond(request)
        if not isinstance(answer, Response):
            answer = Response(json.dumps(answer), content_type="application/json")
        if self._losing and self.takes_replies(request):
            self._losing = False
            answer = Response(b"{", 200, {"Content-Length": "1000"})
            answer.automatically_set_content_length = False
        return answer

    def takes_replies(self, request: Request) -> bool:
        """Whether this request posts a reply."""
        return False

    def spared(self, request: Request) -> bool:
        """Requests that are answered even in trouble."""
        return False
