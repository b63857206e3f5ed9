"""A process that polls one source and may be killed at any moment: `poller.py DATABASE BASE_URL NOW`."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta

from monitor.brands import Brands
from monitor.clock import ManualClock
from monitor.collect import CollectStage
from monitor.database import Database
from monitor.errors import RetryLater
from monitor.leases import worker_name
from monitor.settings import BrandSettings, SourceSettings
from monitor.sources.hackernews import HackerNews

database, base_url, now = sys.argv[1:]
source = HackerNews("news", HackerNews.Options(base_url=base_url), ("acme",))
db, clock = Database(database), ManualClock(datetime.fromisoformat(now))
collect = CollectStage(
    db,
    clock,
    {"news": (source, SourceSettings(name="news", type="hackernews"))},
    Brands([BrandSettings(name="Acme", match="acme")]),
    worker_name(),
)
print("reading", flush=True)  # noqa: T201
while True:
    try:
        collect.poll("news")
        break
    except RetryLater:
        clock.move(timedelta(seconds=1))
