"""The figures of the trends pages: each has its one definition here, which pages and programs show."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from monitor.trends import Counts

Kind = Literal["count", "share", "points", "number"]
CHANCE = 2.0  # standard deviations up to which one difference is taken for chance: 19 times of 20 it would be
CHANCE_AMONG_MANY = 3.0  # the same for the greatest of dozens of differences


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` is None where there is nothing to reckon from. A `share` is from 0 to 1, `points` are from -1 to 1."""

    title: str
    meaning: str
    kind: Kind
    value: Callable[[Counts], float | None]


FIGURES: dict[str, Figure] = {
    "mentions": Figure(
        "Mentions",
        "Posts, comments and reviews that matched a brand and were judged, by when they were posted; one of two brands "
        "counts for each. Not: the brand's own words, and what its source removed.",
        "count",
        lambda of: of.mentions,
    ),
    "complaints": Figure(
        "Complaints",
        "Mentions that are complaints: as the last person to correct it said, else as judged.",
        "count",
        lambda of: of.complaints,
    ),
    "complaint_rate": Figure(
        "Complaint rate", "Complaints as a share of mentions.", "share", lambda of: of.complaint_rate
    ),
    "net_sentiment": Figure(
        "Net sentiment",
        "Positive less negative mentions, as a share of all, the neutral ones too: from -100 to 100.",
        "points",
        lambda of: of.net_sentiment,
    ),
    "negative": Figure(
        "Negative", "Mentions whose writer is judged to be displeased.", "count", lambda of: of.negative
    ),
    "positive": Figure("Positive", "Mentions whose writer is judged to be pleased.", "count", lambda of: of.positive),
    "stars": Figure(
        "Stars", "The mean rating, 1 to 5, of the mentions that came with one.", "number", lambda of: of.stars
    ),
}
COMPARED = (
    "The period before has as many days (weeks, months) and lies directly before; where the period is not over, both "
    "are compared up to the last full hour. Up to two standard deviations of what such figures would differ by anyhow, "
    "a difference is said to be within chance; of the many of a day, up to three."
)


def surprise(now: int, before: int) -> float:
    """The difference of two counts in standard deviations of what they would differ by if both came by chance at one
    rate: (now - before) / sqrt(now + before). 0 of nothing."""
    return (now - before) / math.sqrt(now + before) if now + before else 0.0


def sentiment_surprise(now: Counts, before: Counts) -> float:
    """The same for net sentiment, whose variance over n mentions is (positive + negative) / n less its own square, by
    n. 0 where either has none or does not vary."""
    a, b = now.net_sentiment, before.net_sentiment
    if a is None or b is None:
        return 0.0
    spread = sum(
        ((of.positive + of.negative) / of.mentions - net**2) / of.mentions for of, net in ((now, a), (before, b))
    )
    return (a - b) / math.sqrt(spread) if spread > 0 else 0.0
