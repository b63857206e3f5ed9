"""How long a digest takes, and a look for spikes, over many mentions.

python -m benchmarks.digest [MENTIONS [URL]]: so many (1,000,000; the goal is meant for 10,000,000), in an empty
database of that address, or in one that benchmarks.trends has filled (none: SQLite in a temporary directory).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta

from sqlalchemy import select

from benchmarks.trends import MENTIONS, ZONE, fill
from benchmarks.world import NOW, database
from monitor import recount, rollups
from monitor.database import Database
from monitor.digest.figures import Request, digest
from monitor.digest.letter import letter
from monitor.models import MentionRow
from monitor.schema import upgrade
from monitor.settings import Settings
from monitor.spikes.watch import Spikes

BRANDS = tuple(f"Brand {n}" for n in range(10))


def measure(count: int = MENTIONS, url: str | None = None) -> list[tuple[str, str, str]]:
    opened: AbstractContextManager[Database] = database() if url is None else nullcontext(Database(url))
    with opened as db:
        upgrade(db)
        with db.read() as session:
            filled = session.scalar(select(MentionRow.id).limit(1)) is not None
            counted = bool(rollups.brands(session))
        if not filled:
            fill(db, count)
        if not counted:
            recount.rebuild(db, NOW, ZONE)
        watched = [{"name": name, "match": name.lower()} for name in BRANDS]
        settings = Settings.model_validate({"brands": watched, "clock": {"timezone": ZONE.key}})
        name = f"trends of {count:,} mentions, {db.dialect}"
        rows = []
        for days, audience in ((1, "team"), (7, "marketing"), (7, "lead")):
            request = Request(audience, BRANDS, NOW - timedelta(days=days), NOW, ZONE)  # type: ignore[arg-type]
            spent = _seconds(lambda request=request: _written(db, settings, request))  # type: ignore[misc]
            rows.append((f"{name}: digest of {days} days for {audience}", f"{spent:.2f} s", "under 5 s"))
        spikes = Spikes(db, settings)
        first, again = (_seconds(lambda: spikes.tick(NOW)) for _ in range(2))
        rows.append((f"{name}: a look for spikes of {len(BRANDS)} brands", f"{first:.2f} s, then {again:.2f} s", ""))
        return rows


def _written(db: Database, settings: Settings, request: Request) -> None:
    with db.read() as session:
        letter(digest(session, settings, request, NOW))


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


if __name__ == "__main__":
    for row in measure(*map(int, sys.argv[1:2]), *sys.argv[2:3]):
        print(*row, sep=" | ")
