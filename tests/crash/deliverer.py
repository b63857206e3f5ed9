"""A process that empties an outbox and may be killed at any moment: `deliverer.py DATABASE BASE_URL NOW`."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fake_slack import CHANNEL, TOKEN

from monitor.alerts.deliver import DeliverStage
from monitor.alerts.render import Renderer
from monitor.alerts.slack import SlackTransport, web_client
from monitor.cases import Cases
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.leases import worker_name
from monitor.settings import Settings

database, base_url, now = sys.argv[1:]
settings = Settings.model_validate({"slack": {"channel": CHANNEL, "bot_token": TOKEN, "base_url": base_url}})
db, clock = Database(database), ManualClock(datetime.fromisoformat(now))
transport = SlackTransport(web_client(TOKEN, base_url))
stage = DeliverStage(db, clock, {"slack": transport}, Renderer(settings, Cases(db, settings), clock), worker_name())
idle = 0
while idle < 20:
    idle = 0 if stage.run_once() else idle + 1
    clock.move(timedelta(seconds=1))
