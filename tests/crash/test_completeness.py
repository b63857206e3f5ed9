"""Publish without end, kill the poller again and again, and compare what is stored with what was published."""

from __future__ import annotations

import random
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import select

from monitor.clock import ManualClock
from monitor.database import Database
from monitor.models import MentionRow
from tests.crash.news import News

POLLER = Path(__file__).with_name("poller.py")


@pytest.mark.parametrize(
    ("total", "deaths"), [(600, 4), pytest.param(50_000, 100, marks=pytest.mark.slow)], ids=["short", "long"]
)
def test_what_is_stored_after_every_death_is_what_was_published(
    db: Database, clock: ManualClock, httpserver: HTTPServer, total: int, deaths: int
) -> None:
    news, chance, died = News(httpserver, clock.now(), total), random.Random(5), 0
    while len(news.words) < total or died < deaths:
        news.publish(chance.choice((0, total // deaths)))
        news.edit(chance.randrange(20))
        died += not _poll(db, news, patience=chance.random() * 1.5)
        news.later(timedelta(minutes=5))  # a dead poller's lease has run out
    news.calm = True
    for _ in range(2):  # the first may only end what an interrupted one began
        assert _poll(db, news)
        news.later(timedelta(minutes=1))
    with db.read() as session:
        rows = session.execute(select(MentionRow.external_id, MentionRow.text)).all()
    assert len(rows) == total
    assert dict(map(tuple, rows)) == news.words
    assert died >= deaths


def _poll(db: Database, news: News, patience: float | None = None) -> bool:
    """Whether the poller came to its end before it was killed, `patience` seconds after it began to read."""
    command = [sys.executable, str(POLLER), str(db.engine.url), news.server.url_for(""), news.now.isoformat()]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"reading\n"
        try:
            return process.wait(patience) == 0
        except subprocess.TimeoutExpired:
            process.kill()
            return False
