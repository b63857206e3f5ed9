"""Run the named benchmarks (none: all) and print one table, with the machine they ran on.

python -m benchmarks [--mentions N] [--database URL] [NAME ...]: trends, digest, search, pages and paint ask one past of
so many mentions (1,000,000), which is made where that database is empty (none: SQLite in a temporary directory).
"""

from __future__ import annotations

import argparse
import os
import platform
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.past import MENTIONS, past

OF_THE_PAST = ("trends", "digest", "search", "pages", "paint")
NAMES = (
    "classifier",
    "pipeline",
    "latency",
    "tick",
    "start",
    "cost",
    "response",
    "exports",
    "imports",
    "spikes",
    "hushes",
    "histories",
    "forecast",
    "similar",
    *OF_THE_PAST,
)


def machine() -> str:
    """Processor, cores and Python, for the table's caption."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    flags = Path("/proc/cpuinfo").read_text()
    extras = [name for name in ("amx_int8", "avx512_vnni", "avx_vnni") if name in flags]
    return f"{model}, {os.cpu_count()} cores, {' '.join(extras) or 'no VNNI'}, Python {platform.python_version()}"


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m benchmarks")
    asked.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}")
    asked.add_argument("--mentions", type=int, default=MENTIONS, metavar="N")
    asked.add_argument("--database", metavar="URL")
    given = asked.parse_args()
    if unknown := set(given.names) - set(NAMES):
        asked.error(f"no benchmark named {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    names = given.names or NAMES
    table = Table("benchmark", "figure", "asked for", title="firsthour benchmarks", caption=machine())
    for name in (each for each in names if each not in OF_THE_PAST):
        for row in import_module(f"benchmarks.{name}").measure():
            table.add_row(*row)
    if shared := [each for each in names if each in OF_THE_PAST]:
        with past(given.mentions, given.database) as (db, made):
            for row in made:
                table.add_row(*row)
            for name in shared:
                for row in import_module(f"benchmarks.{name}").answers(db):
                    table.add_row(*row)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
