"""Run the named benchmarks (none: all) and print one table, with the machine they ran on.

python -m benchmarks [classifier] [pipeline] [latency] [tick] [start] [cost] [trends] [response] [exports] [imports]
    [spikes] [digest] [forecast] [pages]
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

NAMES = (
    "classifier",
    "pipeline",
    "latency",
    "tick",
    "start",
    "cost",
    "trends",
    "response",
    "exports",
    "imports",
    "spikes",
    "digest",
    "forecast",
    "pages",
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


def main(names: list[str]) -> None:
    unknown = set(names) - set(NAMES)
    if unknown:
        sys.exit(f"no benchmark named {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    table = Table("benchmark", "figure", "asked for", title="firsthour benchmarks", caption=machine())
    for name in names or NAMES:
        measure: Callable[[], list[tuple[str, str, str]]] = import_module(f"benchmarks.{name}").measure
        for row in measure():
            table.add_row(*row)
    Console(width=110).print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
