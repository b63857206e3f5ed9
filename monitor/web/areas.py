"""The pages that the bar at the top leads to, by what they are for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    path: str
    title: str

    @property
    def name(self) -> str:
        """What the template calls its page."""
        return self.path.removeprefix("/") or "desk"


# each area is entered by its first page, which shows the way to the others
AREAS = (
    (Place("/", "Desk"),),
    (Place("/mentions", "Mentions"),),
    (
        Place("/overview", "Overview"),
        Place("/trends", "Trends"),
        Place("/topics", "Topics"),
        Place("/competitors", "Competitors"),
    ),
    (Place("/response", "Response"), Place("/staffing", "Staffing")),
    (Place("/sources", "Sources"),),
    (Place("/corrections", "Corrections"),),
)
