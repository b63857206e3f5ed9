"""The sources that read a feed or a file, held to the contract."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.sources.contract import Answer, FakeService, SourceContract
from monitor.sources.replay import Replay
from monitor.sources.rss import Rss

SHOWN = 300  # entries of the feed, more than what turns up late lies behind


class Feed(FakeService):
    """One feed with the newest entries, and an ETag."""

    page_size = 10
    lag = timedelta(hours=1)
    credentials = False

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("/feed.xml")
        self.entries: dict[str, str] = {}
        self.trouble: Answer | None = None
        self.sources: list[Rss] = []
        server.expect_request(re.compile(".*")).respond_with_handler(self.handle)

    def source(self) -> Rss:
        self.sources.append(Rss("feed", Rss.Options(url=self.url)))
        return self.sources[-1]

    def post(self, text: str, at: datetime, author: str = "ann") -> str:
        external_id = f"https://example.com/{len(self.entries)}"
        date = f"<pubDate>{format_datetime(at)}</pubDate>"
        self.entries[external_id] = f"<author>{author}</author><guid>{external_id}</guid>{date}" + self._words(text)
        return external_id

    def edit(self, external_id: str, text: str, at: datetime) -> None:
        kept = self.entries[external_id].partition("<description>")[0]
        self.entries[external_id] = kept + self._words(text)

    def _words(self, text: str) -> str:
        return f"<description>{escape(escape(text))}</description>"

    def garble(self, at: datetime) -> None:
        self.entries["garbled"] = "<category>nothing else</category>"

    def answer(self, answer: Answer | None) -> None:
        self.trouble = answer

    def handle(self, request: Request) -> Response:
        if self.trouble is not None:
            headers = dict(self.trouble.headers)
            if self.trouble.cut:
                headers["Content-Length"] = str(len(self.trouble.body) + 9)
            return Response(self.trouble.body, self.trouble.status, headers)
        entries = "".join(f"<item>{entry}</item>" for entry in list(self.entries.values())[-SHOWN:])
        response = Response(f'<rss version="2.0"><channel><title>Forum</title>{entries}</channel></rss>')
        response.content_type = "application/rss+xml; charset=utf-8"
        response.add_etag()
        return response.make_conditional(request)


class TestRss(SourceContract):
    @pytest.fixture
    def service(self, httpserver: HTTPServer) -> Iterator[Feed]:
        feed = Feed(httpserver)
        yield feed
        for source in feed.sources:
            source.close()


class Lines(FakeService):
    """A file of JSON lines that grows."""

    page_size = 10
    lag = timedelta(hours=1)
    network = False

    def __init__(self, path: Path) -> None:
        self.path, self.replies_path = path, path.with_name("replies.jsonl")
        self.written = 0
        path.touch()

    def source(self) -> Replay:
        options = {"path": self.path, "page": 10, "replies": self.replies_path, "account": "acmehelp"}
        return Replay("file", Replay.Options.model_validate(options))

    def post(self, text: str, at: datetime, author: str = "ann") -> str:
        self.written += 1
        self._write(json.dumps({"id": self.written, "text": text, "posted_at": at.isoformat(), "author": author}))
        return str(self.written)

    def edit(self, external_id: str, text: str, at: datetime) -> None:
        self._write(json.dumps({"id": external_id, "text": text, "posted_at": at.isoformat()}))

    def remove(self, external_id: str) -> None:
        self._write(json.dumps({"id": external_id, "removed": True}))

    def garble(self, at: datetime) -> None:
        self._write('{"id": 1, "te')

    def reply(self, external_id: str, account: str, at: datetime) -> None:
        line = {"id": f"by-hand-{at}", "parent": external_id, "author": account, "text": "sorry", "at": at.isoformat()}
        with self.replies_path.open("a", encoding="utf-8") as file:
            file.write('{"torn": \n' + json.dumps(line) + "\n")

    def replies(self, external_id: str) -> list[str]:
        if not self.replies_path.is_file():
            return []
        lines = [json.loads(line) for line in self.replies_path.read_text(encoding="utf-8").splitlines()]
        return [line["text"] for line in lines if line["parent"] == external_id]

    def lock(self, external_id: str) -> None:
        self.replies_path.mkdir()

    def _write(self, line: str) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


class TestReplay(SourceContract):
    @pytest.fixture
    def service(self, tmp_path: Path) -> Lines:
        return Lines(tmp_path / "mentions.jsonl")
