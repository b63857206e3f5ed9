"""npm packages for tests, fetched when a test asks for them and kept in pytest's cache."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

OLDEST_NODE = 20


def installed(cache: pytest.Cache, *packages: str) -> Path:
    """The folder of an installation of exactly these packages, each `name@version`. Skips where it cannot be had."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("needs Node.js and npm, which are not installed here")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").split(".")[0]) < OLDEST_NODE:
        pytest.skip(f"needs Node.js {OLDEST_NODE} or newer; here is {version.strip()}")
    place = cache.mkdir("npm-" + re.sub(r"[^\w.-]+", "_", "-".join(packages)))
    if not (place / "node_modules").exists():
        with tempfile.TemporaryDirectory(dir=place) as folder:
            options = [
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--no-package-lock",
                "--save-exact",
                "--prefix",
                folder,
            ]
            try:
                run = subprocess.run([npm, "install", *options, *packages], capture_output=True, text=True, timeout=180)
            except subprocess.TimeoutExpired:
                pytest.skip(f"{' '.join(packages)}: the npm registry did not answer within three minutes")
            if run.returncode:
                pytest.skip(f"{' '.join(packages)} cannot be had from the npm registry: {run.stderr.strip()[-300:]}")
            try:
                os.replace(Path(folder) / "node_modules", place / "node_modules")
            except OSError:  # another worker was faster
                if not (place / "node_modules").exists():
                    raise
    return place
