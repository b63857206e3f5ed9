from __future__ import annotations

from tests.web.serving import desk, open_desk

__all__ = ["desk", "open_desk"]
