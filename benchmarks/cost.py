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
        subprocess.run([*command, "-o", "junit_family=xunit1"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        cases = ElementTree.parse(report).iter("testcase")
        rows = [
            (
                case.attrib["file"].rpartition("test_")[2].removesuffix(".py"),
                case.attrib["classname"],
                found.attrib["value"],
            )
            for case in cases
            for found in case.iter("property")
            if found.attrib["value"] != "0"
        ]
    return [
        (f"requests for 1,000 items, {place} ({name.rpartition('.')[2]})", count, "-") for place, name, count in rows
    ]


if __name__ == "__main__":
    print(*measure(), sep="\n")
