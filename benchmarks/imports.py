"""`firsthour import` of a long file: how fast its rows are stored, and whether it takes more memory as it goes on.

python -m benchmarks.imports [ROWS] (1,000,000), CSV into SQLite in a temporary directory, in a process of its own.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

from benchmarks.world import NOW, texts

ROWS = 1_000_000
_CONFIG = '[database]\nurl = "sqlite:///{folder}/firsthour.sqlite"\n[[brands]]\nname = "Acme"\nmatch = "acme"\n'
_COLUMNS = ("Id", "Comment", "Created At", "User", "Stars")


def _rows(count: int) -> Iterator[tuple[object, ...]]:
    stock = texts()
    for n in range(count):
        at = NOW - timedelta(minutes=count - n)
        yield n, f"{stock[n % len(stock)]} acme {n}", at.isoformat(), f"author{n % 50_000}", 1 + n % 5


def _memory(process: int) -> float:
    """What a process holds just now, in MB; 0 when it has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0.0)


def measure(count: int = ROWS) -> list[tuple[str, str, str]]:
    with tempfile.TemporaryDirectory(prefix="firsthour-benchmark-") as folder:
        path, config = Path(folder, "history.csv"), Path(folder, "firsthour.toml")
        config.write_text(_CONFIG.format(folder=folder), encoding="utf-8")
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([_COLUMNS, *_rows(count)])
        command = ["import", str(path), "--source", "past", "--config", str(config)]
        before, began, held = getrusage(RUSAGE_CHILDREN), time.perf_counter(), list[float]()
        told = ["-c", "import sys; from monitor.cli import app; app(sys.argv[1:])", *command]
        with subprocess.Popen([sys.executable, *told], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None:
                held.append(_memory(process.pid))
                time.sleep(0.5)
            assert process.stdout is not None
            said = process.stdout.read().decode()
        wall, after = time.perf_counter() - began, getrusage(RUSAGE_CHILDREN)
        assert f"new: {count:,}" in said, said
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        size = path.stat().st_size / 2**20
    quarters = [max(held[len(held) * part // 4 :][: max(1, len(held) // 4)]) for part in range(4)]
    memory = ", ".join(f"{each:.0f}" for each in quarters)
    what = f"import of {count:,} rows of CSV, {size:,.0f} MB"
    return [
        (what, f"{count / cpu:,.0f}/s of one core, {wall:,.0f} s", ""),
        ("most memory in each quarter of it", f"{memory} MB", "flat memory"),
    ]


if __name__ == "__main__":
    for row in measure(*(int(number) for number in sys.argv[1:])):
        print(*row, sep=" | ")
