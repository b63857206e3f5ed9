"""Authors to whom an answer matters more than their words show: named in the configuration, or with many readers."""

from __future__ import annotations

from monitor.authors import Named
from monitor.classify.verdict import SEVERITIES
from monitor.team_settings import VipSettings

LEAST = "high"  # the severity of a VIP's complaint, at least


class Vips:
    def __init__(self, settings: VipSettings) -> None:
        self._followers = settings.followers
        self._named = Named(settings.authors)

    def why(self, source: str, author: str | None, followers: int | None) -> str | None:
        """Why this author is one: "named" or "followers"; None for everybody else."""
        if self._named.has(source, author):
            return "named"
        if self._followers is not None and followers is not None and followers >= self._followers:
            return "followers"
        return None


def raised(severity: str) -> str:
    """The severity that the same words have when a VIP says them."""
    return max(severity, LEAST, key=SEVERITIES.index)
