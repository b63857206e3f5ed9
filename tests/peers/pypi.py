"""Packages from PyPI that only a test wants, with all they need in a folder of their own, kept in pytest's cache."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest


def installed(cache: pytest.Cache, requirement: str) -> Path:
    """A folder for PYTHONPATH. Skips where it cannot be had."""
    cached = cache.mkdir("pypi-" + re.sub(r"[^\w.-]+", "_", requirement))
    if not (cached / "site").exists():
        with tempfile.TemporaryDirectory(dir=cached) as folder:
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile"]
            command += ["--target", f"{folder}/site", requirement]
            try:
                run = subprocess.run(command, capture_output=True, text=True, timeout=300)
            except subprocess.TimeoutExpired:
                pytest.skip(f"{requirement}: PyPI did not answer within five minutes")
            if run.returncode:
                pytest.skip(f"{requirement} cannot be had from PyPI: {run.stderr.strip()[-200:]}")
            try:
                os.replace(f"{folder}/site", cached / "site")
            except OSError:  # another worker was faster
                if not (cached / "site").exists():
                    raise
    return cached / "site"
