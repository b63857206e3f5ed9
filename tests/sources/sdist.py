"""Source distributions from PyPI, fetched when a test asks for them and kept in pytest's cache."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest


def sdist(cache: pytest.Cache, package: str, requirement: str) -> Path:
    """The archive of `package` (as its file is called). Skips where it cannot be had."""
    cached = cache.mkdir(f"{package}-sdist")
    if not any(cached.glob(f"{package}-*.tar.gz")):
        with tempfile.TemporaryDirectory(dir=cached) as folder:
            options = ["--no-deps", "--no-binary", package, "--disable-pip-version-check"]
            command = [sys.executable, "-m", "pip", "download", *options, "--dest", folder, requirement]
            try:
                run = subprocess.run(command, capture_output=True, text=True, timeout=180)
            except subprocess.TimeoutExpired:
                pytest.skip(f"the source distribution of {package}: PyPI did not answer within three minutes")
            found = next(Path(folder).glob(f"{package}-*.tar.gz"), None)
            if found is None:
                pytest.skip(f"the source distribution of {package} cannot be had: {run.stderr.strip()[-200:]}")
            os.replace(found, cached / found.name)
    return next(cached.glob(f"{package}-*.tar.gz"))
