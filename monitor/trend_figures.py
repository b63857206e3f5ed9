"""The figures of the trends pages: each has its one definition here, which pages and programs show."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from monitor.trend_counts import Counts, surprise

Kind = Literal["count", "share", "points", "number"]
CHANCE = 2.0  # standard deviations up to which one difference is taken for chance: 19 times of 20 it would be
CHANCE_AMONG_MANY = 3.0  # the same for the greatest of dozens of differences


def sentiment_surprise(now: Counts, before: Counts) -> float:
    """As `surprise`, for net sentiment, whose variance for one mention is the share of those that are not neutral, less
    its own square. 0 where either has no mention, or none differs from the others."""
    return _of_means(
        now.net_sentiment, _unlike(now), now.mentions, before.net_sentiment, _unlike(before), before.mentions
    )


def share_surprise(part: int, whole: int, part_before: int, whole_before: int) -> float:
    """The same for a share p, whose variance for one of the whole is p (1 - p). 0 where either whole is nothing."""
    a, b = (p / of if of else None for p, of in ((part, whole), (part_before, whole_before)))
    return _of_means(a, (a or 0) * (1 - (a or 0)), whole, b, (b or 0) * (1 - (b or 0)), whole_before)


def rate_surprise(now: Counts, before: Counts) -> float:
    """The same for the complaint rate, which is such a share."""
    return share_surprise(now.complaints, now.mentions, before.complaints, before.mentions)


def stars_surprise(now: Counts, before: Counts) -> float:
    """The same for stars. How they vary is not kept, so it is taken to be as much as it can be between 1 and 5: 4."""
    return _of_means(now.stars, 4.0, now.rated, before.stars, 4.0, before.rated)


def _unlike(of: Counts) -> float:
    return (of.positive + of.negative) / of.mentions - (of.net_sentiment or 0) ** 2 if of.mentions else 0.0


def _of_means(a: float | None, va: float, na: int, b: float | None, vb: float, nb: int) -> float:
    if a is None or b is None or not na or not nb:
        return 0.0
    spread = va / na + vb / nb
    return (a - b) / math.sqrt(spread) if spread > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` is None where there is nothing to reckon from. A `share` is from 0 to 1, `points` are from -1 to 1.
    `surprise` is how much it differs between two spans, in standard deviations of what it would by chance."""

    title: str
    meaning: str
    kind: Kind
    value: Callable[[Counts], float | None]
    surprise: Callable[[Counts, Counts], float]


def _count(title: str, meaning: str, value: Callable[[Counts], int]) -> Figure:
    return Figure(title, meaning, "count", value, lambda now, before: surprise(value(now), value(before)))


FIGURES: dict[str, Figure] = {
    "mentions": _count(
        "Mentions",
        "Posts, comments and reviews that matched a brand and were judged, by when they were posted; one of two brands "
        "counts for each. Not: the brand's own words, and what its source removed.",
        lambda of: of.mentions,
    ),
    "complaints": _count(
        "Complaints",
        "Mentions that are complaints: as the last person to correct it said, else as judged.",
        lambda of: of.complaints,
    ),
    "complaint_rate": Figure(
        "Complaint rate",
        "Complaints as a share of mentions.",
        "share",
        lambda of: of.complaint_rate,
        rate_surprise,
    ),
    "net_sentiment": Figure(
        "Net sentiment",
        "Positive less negative mentions, as a share of all, the neutral ones too: from -100 to 100.",
        "points",
        lambda of: of.net_sentiment,
        sentiment_surprise,
    ),
    "negative": _count(
        "Negative mentions", "Mentions whose writer is judged to be displeased.", lambda of: of.negative
    ),
    "positive": _count("Positive mentions", "Mentions whose writer is judged to be pleased.", lambda of: of.positive),
    "stars": Figure(
        "Stars",
        "The mean rating, 1 to 5, of the mentions that came with one.",
        "number",
        lambda of: of.stars,
        stars_surprise,
    ),
}
COMPARED = (
    "The period before has as many days (weeks, months) and lies directly before; where the period is not over, both "
    "are compared up to the last full hour. Up to two standard deviations of what such figures would differ by anyhow, "
    "a difference is said to be within chance; of the many of a day, up to three."
)
