"""How far a post has spread: what of it is worth saying, and when it is news."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields

from monitor.sources.base import Engagement

_FEW = {"likes": 10, "shares": 1, "answers": 10, "views": 1_000}  # fewer say nothing about a post


@dataclass(frozen=True, slots=True)
class Spread:
    """How a mention that belongs to a case stood before a look at it, and how it stands now."""

    mention_id: int
    case_id: int
    before: Engagement
    now: Engagement

    @property
    def level(self) -> int:
        return level(self.now)

    @property
    def news(self) -> bool:
        """Whether ten times as many people as before have seen it, counted in powers of ten from 100 hands on."""
        return self.level > level(self.before)


def level(engagement: Engagement) -> int:
    """0 up to 99 likes, shares and answers together and 9,999 views; one more for each power of ten beyond."""
    hands = sum(count or 0 for count in (engagement.likes, engagement.shares, engagement.answers))
    return max(0, len(str(hands)) - 2, len(str(engagement.views or 0)) - 4)


def spread_words(engagement: Engagement | None) -> str:
    """ "1,204 likes, 1 share": what is many enough to be worth a reader's time; empty where nothing is."""
    if engagement is None:
        return ""
    counted = zip((field.name for field in fields(Engagement)), astuple(engagement), strict=True)
    told = [(name, count) for name, count in counted if count is not None and count >= _FEW[name]]
    return ", ".join(f"{count:,} {name.removesuffix('s') if count == 1 else name}" for name, count in told)
