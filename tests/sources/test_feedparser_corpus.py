"""feedparser's own test feeds, fetched from PyPI when the test runs: strange, broken and hostile ones among them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sqlalchemy import func, select

from monitor.brands import Brands
from monitor.database import Database
from monitor.errors import RetryLater
from monitor.mentions import store_page
from monitor.models import MentionRow
from monitor.settings import BrandSettings
from monitor.sources.rss import Rss

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
_HEADER = re.compile(rb"^\s*Header:\s*Content-type:\s*(.+?)\s*$", re.I | re.M)


@pytest.fixture(scope="session")
def corpus(request: pytest.FixtureRequest) -> dict[str, bytes]:
    cached = request.config.cache.mkdir("feedparser-sdist")
    if not any(cached.glob("feedparser-*.tar.gz")):
        with tempfile.TemporaryDirectory(dir=cached) as folder:
            options = ["--no-deps", "--no-binary", ":all:", "--disable-pip-version-check"]
            command = [sys.executable, "-m", "pip", "download", *options, "--dest", folder, "feedparser>=6.0.11,<7"]
            try:
                run = subprocess.run(command, capture_output=True, text=True, timeout=120)
            except subprocess.TimeoutExpired:
                pytest.skip("feedparser's source distribution: PyPI did not answer within two minutes")
            found = next(Path(folder).glob("feedparser-*.tar.gz"), None)
            if found is None:
                pytest.skip(f"feedparser's source distribution cannot be had from PyPI: {run.stderr.strip()[-200:]}")
            os.replace(found, cached / found.name)
    with tarfile.open(next(cached.glob("feedparser-*.tar.gz"))) as archive:
        feeds = (member for member in archive if member.isfile() and "/tests/" in member.name)
        return {f"/{m.name}": archive.extractfile(m).read() for m in feeds if m.name.endswith((".xml", ".z", ".gz"))}


class Site(ThreadingHTTPServer):
    """Shows one feed at a time, always at the same address."""

    feed = b""


@pytest.fixture
def site() -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = server.feed
            said = _HEADER.search(body[:2_000])
            self.send_response(200)
            self.send_header("Content-Type", said[1].decode("latin-1") if said else "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = Site(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_no_feed_of_the_corpus_breaks_the_source_or_the_database(
    corpus: dict[str, bytes], site: Site, any_db: Database
) -> None:
    brands = Brands([BrandSettings(name="Any", match="source:corpus")])
    source = Rss("corpus", Rss.Options(url=f"http://127.0.0.1:{site.server_port}/feed"))
    pages = refused = entries = 0
    with any_db.write() as session:
        for site.feed in corpus.values():
            try:
                page = source.fetch(None, NOW)
            except RetryLater:
                refused += 1
                continue
            pages += 1
            entries += len(page.items) + len(page.rejects)
            store_page(session, "corpus", page, brands, (), NOW)
    source.close()
    with any_db.read() as session:
        stored = session.scalar(select(func.count()).select_from(MentionRow))
    assert pages + refused == len(corpus)
    assert len(corpus) > 2_000
    assert pages > 1_500
    assert entries > 1_000
    assert stored
