"""The embedded model, loaded once for each test process."""

from __future__ import annotations

import pytest

from monitor.classify.embedded import Embedded
from monitor.classify.model import EMBEDDED


@pytest.fixture(scope="session")
def embedded() -> Embedded:
    return Embedded(EMBEDDED, threads=1)
