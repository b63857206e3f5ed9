"""The demo: from the command to ready, and its resident memory after a minute."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

MEMORY_AFTER = 60.0  # seconds


def measure() -> list[tuple[str, str, str]]:
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "monitor", "demo", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        address = ""
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                address = found[0]
                break
        while True:
            try:
                urllib.request.urlopen(f"{address}/readyz", timeout=1).read()
                break
            except OSError:
                time.sleep(0.02)
        ready = time.monotonic() - began
        time.sleep(MEMORY_AFTER)
        status = Path(f"/proc/{process.pid}/status").read_text()
        memory = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]
    finally:
        process.terminate()
        process.wait(15)
    return [
        ("demo, from command to ready", f"{ready:.1f} s", "under 3 s"),
        (f"demo, resident after {MEMORY_AFTER:.0f} s", f"{memory:.0f} MB", "under 400 MB"),
    ]
