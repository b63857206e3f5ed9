"""Exports of many rows: how fast each format is written, and how much memory that takes above firsthour itself.

python -m benchmarks.exports [ROWS] (1,000,000), from SQLite in a temporary directory, each in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from sqlalchemy import text

from benchmarks.past import fill, put_in_stock
from benchmarks.past_sql import heard
from benchmarks.world import NOW, database
from monitor import recount
from monitor.database import Database

ROWS = 1_000_000
_WHATS = ("mentions", "cases", "trends")
_CHILD = """
import json, re, sys, time
from pathlib import Path
from monitor.database import Database
from monitor.export import write
url, what, kind, output = sys.argv[1:]
db = Database(url)
if kind == "parquet":
    import pyarrow.parquet
# not ru_maxrss, which a process takes over from the one that started it
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
before, began = peak(), time.perf_counter()
rows = write(db, what, kind, Path(output), None, None)
print(json.dumps([rows, time.perf_counter() - began, peak() - before]))
"""
_CASES = """
INSERT INTO cases (mention_id, brand, source, state, severity, topic, language, opened_at, posted_at, policy, clock,
    clock_kind, paused_calendar, paused_business, step, version, head_start, calendar_seconds, met)
SELECT id, 'Brand 0', source, 'resolved', 'low', 'delivery', 'en', seen_at, posted_at, 'default', 'stopped', 'first',
    0, 0, 0, 1, 0, 600, true
FROM mentions
"""


def _export(db: Database, what: str, kind: str) -> tuple[str, str, str]:
    url, output = db.url.render_as_string(hide_password=False), Path(str(db.url.database)).with_suffix(f".{kind}")
    done = subprocess.run([sys.executable, "-c", _CHILD, url, what, kind, str(output)], stdout=-1, check=True)
    rows, seconds, megabytes = json.loads(done.stdout)
    size = output.stat().st_size / 2**20
    output.unlink()
    figure = f"{rows / seconds:,.0f}/s, {megabytes:.0f} MB more memory"
    return f"export of {rows:,} {what} as {kind}, {size:,.0f} MB", figure, "flat memory"


def measure(count: int = ROWS) -> list[tuple[str, str, str]]:
    with database() as db:
        put_in_stock(db)
        fill(db, [*heard(db.dialect)], count)
        with db.write() as session:
            session.execute(text(_CASES))
        recount.rebuild(db, NOW)
        return [_export(db, what, kind) for what in _WHATS for kind in ("csv", "jsonl", "parquet")]


if __name__ == "__main__":
    for row in measure(*(int(number) for number in sys.argv[1:])):
        print(*row, sep=" | ")
