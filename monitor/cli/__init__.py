"""The command `firsthour`. Each module holds one group of commands; what they do is elsewhere."""

from __future__ import annotations

# importing them adds their commands
from monitor.cli import authors, cases, data, imports, judging, oncall, service, slack, sources  # noqa: F401
from monitor.cli.frame import app

__all__ = ["app"]
