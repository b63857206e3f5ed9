"""How long a digest takes, and a look for spikes, over many mentions.

python -m benchmarks.digest [MENTIONS [URL]]: over the past of benchmarks.past
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from benchmarks.past import ZONE, Row, asked
from benchmarks.world import NOW
from monitor.database import Database
from monitor.digest.figures import Request, digest
from monitor.digest.letter import letter
from monitor.settings import Settings
from monitor.spikes.watch import Spikes

BRANDS = tuple(f"Brand {n}" for n in range(10))


def answers(db: Database) -> list[Row]:
    watched = [{"name": name, "match": name.lower()} for name in BRANDS]
    settings = Settings.model_validate({"brands": watched, "clock": {"timezone": ZONE.key}})
    rows = []
    for days, audience in ((1, "team"), (7, "marketing"), (7, "lead")):
        request = Request(audience, BRANDS, NOW - timedelta(days=days), NOW, ZONE)  # type: ignore[arg-type]
        spent = _seconds(lambda request=request: _written(db, settings, request))  # type: ignore[misc]
        rows.append((f"digest of {days} days for {audience}, {db.dialect}", f"{spent:.2f} s", "under 5 s"))
    spikes = Spikes(db, settings)
    first, again = (_seconds(lambda: spikes.tick(NOW)) for _ in range(2))
    rows.append((f"a look for spikes of {len(BRANDS)} brands, {db.dialect}", f"{first:.2f} s, then {again:.2f} s", ""))
    return rows


def _written(db: Database, settings: Settings, request: Request) -> None:
    with db.read() as session:
        letter(digest(session, settings, request, NOW))


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


if __name__ == "__main__":
    asked(answers)
