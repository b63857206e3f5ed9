from __future__ import annotations

from tests.alerts.conftest import slack

__all__ = ["slack"]
