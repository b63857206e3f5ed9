"""What is said about Acme on one day, and the two places where it is said."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel

from monitor.classify.verdict import Subject, Verdict
from monitor.errors import RetryLater
from monitor.sources.base import Author, Capabilities, Cursor, Item, Page, Reply, SeenReply

MORNING = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
EVENING = MORNING + timedelta(hours=17)
MENTIONS, COMPLAINTS, STORM = 400, 60, 40  # those of the storm come on top of the others
ACCOUNT = "acmehelp"
Window = tuple[datetime, datetime]


def at(hours: float) -> datetime:
    """The hour of the day, in UTC."""
    return MORNING.replace(hour=0) + timedelta(hours=hours)


SOURCE_AWAY = (at(10.0), at(10.75))
STORM_FROM, STORM_LASTS = at(16.0) - timedelta(minutes=1), timedelta(minutes=10)


def posts() -> dict[str, list[Item]]:
    """What is posted on each source, the earliest first."""
    dice = random.Random(20)
    times = sorted(MORNING + timedelta(seconds=dice.randrange(14 * 3600)) for _ in range(MENTIONS))
    bad = set(dice.sample(range(MENTIONS), COMPLAINTS))
    said = [(when, number in bad, "parcel") for number, when in enumerate(times)]
    said += [(STORM_FROM + STORM_LASTS * dice.random(), True, "login") for _ in range(STORM)]
    found: dict[str, list[Item]] = {"reddit": [], "reviews": []}
    for number, (when, complaint, what) in enumerate(sorted(said)):
        text = f"acme {what} {number} {'broke' if complaint else 'rocks'}"
        author = Author(f"customer{number}", url=f"https://example.com/u/customer{number}")
        found["reddit" if number % 3 else "reviews"].append(
            Item(f"p{number}", text, when.replace(microsecond=0), f"https://example.com/p{number}", author)
        )
    return found


class Place:
    """A source that shows what has been posted by now, takes replies, and cannot be reached during `away`."""

    class Options(BaseModel):
        pass

    capabilities = Capabilities(reply=True, reply_limit=300)

    def __init__(self, name: str, items: Sequence[Item], away: Window | None = None) -> None:
        self.name, self._items, self._away = name, list(items), away
        self.replies: list[Item] = []

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        self._reach(now)
        seen = cursor or {"posts": 0, "replies": 0}
        fresh = [item for item in self._items[seen["posts"] :] if item.posted_at <= now]
        answers = self.replies[seen["replies"] :]
        place = {"posts": seen["posts"] + len(fresh), "replies": seen["replies"] + len(answers)}
        return Page((*fresh, *answers), place)

    def shows(self, post: str) -> bool:
        return any(item.external_id == post for item in self._items)

    def answers(self, post: str) -> list[Item]:
        return [reply for reply in self.replies if reply.parent == post]

    def answer(self, to: str, text: str, now: datetime) -> Item:
        """Somebody of the team answers in public, here or through firsthour."""
        number = f"{self.name}-{len(self.replies)}"
        self.replies.append(
            Item(number, f"acme: {text}", now, f"https://example.com/{number}", Author(ACCOUNT), parent=to)
        )
        return self.replies[-1]

    def reply(self, reply: Reply, now: datetime) -> SeenReply:
        self._reach(now)
        item = self.answer(reply.to, reply.text, now)
        return SeenReply(item.external_id, now, ACCOUNT, item.url)

    def find_reply(self, reply: Reply) -> SeenReply | None:
        raise AssertionError("no answer of this place is ever lost")

    def barrier(self, mention: str) -> str | None:
        return None

    def check(self) -> str:
        return "ok"

    def replies_to(self, external_ids: tuple[str, ...], accounts: frozenset[str]) -> Mapping[str, SeenReply]:
        return {}

    def close(self) -> None:
        pass

    def is_away(self, now: datetime) -> bool:
        return self._away is not None and self._away[0] <= now < self._away[1]

    def _reach(self, now: datetime) -> None:
        if self.is_away(now):
            raise RetryLater(f"{self.name} answers 503")


class ByTheWord:
    """Judges by two words, so that every verdict is known beforehand."""

    version, threshold = "plain", 0.5

    def judge(self, subjects: Sequence[Subject]) -> list[Verdict]:
        return [_verdict("broke" in s.text, "login" in s.text) for s in subjects]


def _verdict(complaint: bool, login: bool) -> Verdict:
    scores = (0.9, 0.05, 0.05) if complaint else (0.05, 0.05, 0.9)
    severity, topic = ("high", "account_access") if login else ("medium", "delivery")
    sentiment = "negative" if complaint else "positive"
    return Verdict("en", 1.0, sentiment, scores, complaint, scores[0], severity, 0.9, topic, 0.9, "plain")
