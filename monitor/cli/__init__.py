"""The command `firsthour`. Each module holds one group of commands; what they do is elsewhere."""

from __future__ import annotations

from monitor.cli import (  # noqa: F401  # importing them adds their commands
    authors,
    cases,
    data,
    digest,
    imports,
    judging,
    new_source,
    oncall,
    rejects,
    searching,
    service,
    slack,
    sources,
    spikes,
    trends,
    users,
)
from monitor.cli.frame import app

__all__ = ["app"]
