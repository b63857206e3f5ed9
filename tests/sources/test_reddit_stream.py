"""Reddit's lists looked at every few seconds, held to the contract of streams."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request

from monitor.sources.base import Item
from monitor.sources.contract import ago
from monitor.sources.contract_streams import StreamContract, hear
from monitor.sources.reddit import Reddit
from monitor.sources.reddit_stream import RedditStream
from monitor.sources.streaming import News
from monitor.sources.walk import Batch
from tests.sources.test_reddit import RedditApi


class LiveReddit(RedditApi):
    """A connection is here one request: the next one is cut, or never answered."""

    def __init__(self, server: HTTPServer) -> None:
        super().__init__(server)
        self.options = {"stream": True}
        self.times = 1
        self._cut = self._hushed = False
        self._over = threading.Event()

    def build(self, **options: Any) -> Reddit:
        source = super().build(**options)
        source.pace = source.round = 0.01
        source.patience = 2.0
        return source

    def respond(self, request: Request) -> Any:
        if self._cut:
            self._cut = False
            request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        if self._hushed:
            self._hushed = False
            self._over.wait()
        return super().respond(request)

    def newest_first(self, *wanted: Any) -> list[Any]:
        return [post for post in super().newest_first(*wanted) for _ in range(self.times)]

    def cut(self) -> None:
        self._cut = True

    def hush(self) -> None:
        self._hushed = True

    def double(self) -> None:
        self.times = 2

    def noise(self) -> None:
        for more in ({"created_utc": None}, {"name": 7, "created_utc": "soon"}, {"created_utc": 1e300}):
            self.post("acme", ago(1), garbled=more)

    def close(self) -> None:
        self._over.set()
        super().close()


@pytest.fixture
def service() -> Iterator[LiveReddit]:
    server = HTTPServer(threaded=True)
    server.start()
    service = LiveReddit(server)
    yield service
    service.close()
    server.stop()


class TestStream(StreamContract):
    pass


def test_searches_subreddits_and_the_inbox_are_heard_each(service: LiveReddit) -> None:
    account = {"username": "acmehelp", "password": "hush-hush", "inbox": True}
    with closing(service.source(subreddits=["acme"], **account).listen()) as stream:
        posted = {
            service.post("acme is slow", ago(3)),
            service.post("slow", ago(2), subreddit="acme"),
            service.comment("slow too", ago(1), "bob", "t3_1", subreddit="acme"),
            service.comment("u/acmehelp hello?", ago(0), "bob", "t3_1"),
        }
        assert hear(stream, lambda items: items.keys() >= posted).keys() == posted


def test_an_edit_is_heard_and_what_was_there_before_is_left_to_the_polls(service: LiveReddit) -> None:
    service.post("acme before", ago(9))
    with closing(service.source().listen()) as stream:
        external_id = service.post("acme is slow", ago(2))
        hear(stream, lambda items: external_id in items)
        service.edit(external_id, "acme is rude", ago(1))
        assert hear(stream, lambda items: bool(items)).keys() == {external_id}


def numbered(number: int) -> Item:
    return Item(f"t3_{number}", "acme", ago(0) - timedelta(minutes=number))


def test_what_slides_onto_the_first_page_from_beyond_is_not_new() -> None:
    pages: dict[str | None, Batch] = {None: Batch((numbered(10), numbered(11)), None, "older")}
    stream = RedditStream(["new"], lambda _, token: pages[token], lambda _: ([], []), lambda: None, 0.0, 0.0)
    pages[None] = Batch((numbered(9), numbered(11), numbered(500)), None, "older")
    assert stream.hear(1.0) == News((numbered(9),))


def test_an_entry_that_cannot_be_read_is_told_once(service: LiveReddit) -> None:
    with closing(service.source().listen()) as stream:
        service.noise()
        told = [reject.reason for _ in range(20) for reject in stream.hear(1.0).rejects]
        assert len(told) == len(set(told)) == 3


def test_it_waits_as_long_as_reddit_asks_when_nothing_is_left(service: LiveReddit) -> None:
    with closing(service.source().listen()) as stream:
        service.headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "600"}
        stream.hear(1.0)
        service.post("acme", ago(0))
        asked = len(service.requests)
        for _ in range(5):
            assert stream.hear(0.01) == News()
        assert len(service.requests) == asked
