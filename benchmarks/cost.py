"""What reading costs: the requests that each source makes for 1,000 items that come 50 a minute, polled every minute.

Measured against the stand-ins of the tests, by the contract suite's own count.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parent.parent
TEST = "test_what_new_items_cost"


def measure() -> list[tuple[str, str, str]]:
    with tempfile.TemporaryDirectory(prefix="firsthour-benchmark-") as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-k", TEST, "tests", f"--junitxml={report}"]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        rows = [
            (case.attrib["classname"].split("test_", 1)[-1], found.attrib["value"])
            for case in ElementTree.parse(report).iter("testcase")
            for found in case.iter("property")
            if found.attrib["value"] != "0"
        ]
    return [(f"requests for 1,000 new items: {stand_in}", count, "-") for stand_in, count in rows]


if __name__ == "__main__":
    print(*measure(), sep="\n")
