"""How a star rating and the text's probabilities become one verdict.

A rating is a second witness. Each class's probability is multiplied by how likely that rating is for the class, and
the result brought back to a sum of one (Bayes' rule); likewise for the odds of a complaint. The rating counts with
weight WEIGHT < 1, since stars and words of one author are not independent. So one star turns a doubtful text into a
complaint, five stars turn a doubtful one away, and neither overrules a text that is clear: "Five stars, but my money
was taken twice" stays a complaint. Ratings between two whole stars are interpolated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

WEIGHT = 0.7
# P(rating | class) of app and product reviews; rows: negative, neutral, positive; columns: 1 to 5 stars
_LIKELY = ((0.62, 0.20, 0.10, 0.04, 0.04), (0.10, 0.16, 0.42, 0.22, 0.10), (0.02, 0.02, 0.06, 0.25, 0.65))
# P(rating | complaint) / P(rating | none)
_COMPLAINT = (6.0, 4.0, 1.3, 0.35, 0.15)


def problem(rating: object) -> str | None:
    """What is wrong with a rating; None if nothing is."""
    if rating is None:
        return None
    if isinstance(rating, bool) or not isinstance(rating, int | float) or not 1 <= rating <= 5:
        return f"rating {rating!r:.40} is not a number from 1 to 5"
    return None


def with_rating(sentiment: Sequence[float], rating: float | None) -> tuple[float, float, float]:
    """Probabilities of negative, neutral and positive, once the rating is known."""
    values = list(sentiment)
    if rating is not None:
        values = [p * _at(row, rating) for p, row in zip(values, _LIKELY, strict=True)]
    total = sum(values)
    return values[0] / total, values[1] / total, values[2] / total


def complaint_with_rating(probability: float, rating: float | None) -> float:
    if rating is None:
        return probability
    odds = _at(_COMPLAINT, rating)
    return probability * odds / (probability * odds + 1 - probability)


def _at(row: Sequence[float], rating: float) -> float:
    """The row's value at this rating, to the power of WEIGHT."""
    low = min(int(rating), 4)
    part = rating - low
    logarithm = (1 - part) * math.log(row[low - 1]) + part * math.log(row[low])
    return math.exp(WEIGHT * logarithm)
