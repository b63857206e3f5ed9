"""The desk: pages for the team, the JSON interface, and what operators' tools read."""

from __future__ import annotations

from monitor.web.app import build_web
from monitor.web.serve import DeskServer

__all__ = ["DeskServer", "build_web"]
