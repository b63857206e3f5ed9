"""The command `firsthour`. Each module holds one group of commands; what they do is elsewhere."""

from __future__ import annotations

from monitor.cli import cases, data, imports, judging, oncall, service, slack  # noqa: F401  # importing them adds their commands
from monitor.cli.frame import app

__all__ = ["app"]
