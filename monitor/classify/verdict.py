"""What the classifier says of one mention."""

from __future__ import annotations

from dataclasses import dataclass, field

SENTIMENTS = ("negative", "neutral", "positive")
SEVERITIES = ("low", "medium", "high", "critical")
TOPICS = (
    "billing",
    "delivery",
    "product_quality",
    "app_or_website",
    "outage",
    "account_access",
    "staff_service",
    "price",
    "refund_return",
    "safety",
    "privacy",
    "other",
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One text judged. Every score is a calibrated probability from 0 to 1.

    `severity` and `topic` describe the complaint; for a text that is none they say what it would be if it were one.
    """

    language: str
    language_score: float
    sentiment: str
    sentiment_scores: tuple[float, float, float]  # in the order of SENTIMENTS
    complaint: bool
    complaint_score: float
    severity: str
    severity_score: float
    topic: str
    topic_score: float
    model: str
    features: bytes | None = field(default=None, compare=False, repr=False)  # see likeness.py; not every model has any


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged: a text, with its star rating (1 worst to 5) and the source's own word on its language (ISO 639-1)
    where there are such."""

    text: str
    rating: float | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A text that nobody could judge, and why: empty, nothing but an address, too long, a rating off the scale."""

    reason: str
