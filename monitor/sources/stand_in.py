"""A stand-in for a service, as the contract suite uses it, and how the suite polls a source. Needs pytest."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from monitor.sources.base import Cursor, Item, Source

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MOST_PAGES = 500  # of one poll: a source that still says `more` then would never end

TEXTS = (
    "Закажите возврат, пожалуйста",
    "受け取れませんでした。返金してください",
    "배송이 너무 늦어요",
    "لم يصل الطلب بعد",
    "ההזמנה לא הגיעה",
    "என் பணம் எங்கே?",
    "สินค้าเสียหาย",
    "ऑर्डर नहीं आया",
    "Η παραγγελία άργησε",
    "İade hâlâ gelmedi 😡🏳️‍🌈 & <b>bold</b>",
    "all at once: Ж 漢 한 ع א த ไ अ Ω ğ",
)


@dataclass(frozen=True)
class Answer:
    """What the service gives to every request while it is in trouble. `cut`: the connection ends in mid-answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False


TROUBLE = [
    Answer(500, b"oops"),
    Answer(502, b"<html>Bad gateway</html>", {"content-type": "text/html"}),
    Answer(503, b"[]", {"content-type": "application/json"}),
    Answer(429, b"slow down"),
    Answer(200, b"<!doctype html><title>Please log in</title>", {"content-type": "text/html"}),
    Answer(200, b'{"data": [{"id": "1", "te', {"content-type": "application/json"}),
    Answer(200, b'{"data": [{"id": "1"}]}', {"content-type": "application/json"}, cut=True),
    Answer(200, b"", {"content-type": "application/json"}),
]


class FakeService(ABC):
    """A stand-in for the real service, on loopback: tests write into it as customers would, and put it into trouble.

    `page_size`: items of one page. `lag`: how late an item may turn up behind a newer one and still be read (None: the
    service never delivers late). `recalled`: how many of the youngest items the source asks for again to hear of edits
    and deletions (None: it sees those of every item that may still turn up late). `credentials`: whether it asks for
    any. `network`: False for a source that reads no network (then there is no trouble to test).
    """

    page_size: int = 20
    lag: timedelta | None = None
    recalled: int | None = None
    credentials: bool = True
    network: bool = True
    addressed: str = "acme"  # a beginning of a mention's text to which the service allows replies

    @abstractmethod
    def source(self) -> Source:
        """A new source object, configured to read this service; its search words include "acme"."""

    @abstractmethod
    def post(self, text: str, at: datetime, author: str = "ann") -> str:
        """A customer writes; the item's `external_id`. Every text of the suite holds the word "acme"."""

    def garble(self, at: datetime) -> None:
        """An item that cannot be read (its id or date is missing) stands among the good ones."""
        raise AssertionError("this stand-in cannot garble an item")

    def answer(self, answer: Answer | None) -> None:
        """Every request gets this answer from now on; None: the service is well again (only where `network`)."""
        raise AssertionError("this stand-in cannot be in trouble")

    def edit(self, external_id: str, text: str, at: datetime) -> None:
        """The author changes the text (only where `capabilities.edits`)."""
        raise AssertionError("this stand-in cannot edit")

    def remove(self, external_id: str) -> None:
        """The item is deleted (only where `capabilities.deletions`)."""
        raise AssertionError("this stand-in cannot remove")

    def reply(self, external_id: str, account: str, at: datetime) -> None:
        """`account` answers the item in public (only where `capabilities.sees_replies`); where `one_answer`, in other
        words each time."""
        raise AssertionError("this stand-in cannot reply")

    def agree(self, external_id: str, at: datetime) -> str:
        """Another customer answers the item, in "acme: same here!!"; the answer's id (only where
        `capabilities.parents`)."""
        raise AssertionError("this stand-in cannot agree")

    # what follows is asked only where `capabilities.reply`

    def replies(self, external_id: str) -> list[str]:
        """The texts of the public replies that stand under the item, in the order of their coming."""
        raise AssertionError("this stand-in does not show replies")

    def lock(self, external_id: str) -> None:
        """The service takes no reply to this item any more."""
        raise AssertionError("this stand-in cannot lock an item")

    def lose_answer(self) -> None:
        """The next reply is taken, and the connection breaks before the answer (only where `network`)."""
        raise AssertionError("this stand-in cannot lose an answer")

    # what follows is asked only where `capabilities.stream`; `post`, `remove` and so on go out on its open streams too

    def cut(self) -> None:
        """Every open stream is cut off, without a word."""
        raise AssertionError("this stand-in cannot cut a stream")

    def hush(self) -> None:
        """Streams stay open from now on, and nothing comes through them any more, no sign of life either."""
        raise AssertionError("this stand-in cannot fall silent")

    def double(self) -> None:
        """From now on everything goes out twice."""
        raise AssertionError("this stand-in cannot repeat itself")

    def noise(self) -> None:
        """Something that is no event goes out."""
        raise AssertionError("this stand-in cannot make noise")


def poll(
    source: Source, cursor: Cursor | None = None, now: datetime = NOW, between: Callable[[], None] = lambda: None
) -> tuple[dict[str, Item], Cursor]:
    """One poll to its end, as the collector does it: items by id (the last version), and the cursor to store.
    `between` runs after each page."""
    items: dict[str, Item] = {}
    for _ in range(MOST_PAGES):
        page = source.fetch(cursor, now)
        items.update((item.external_id, item) for item in page.items)
        cursor = json.loads(json.dumps(page.cursor))  # as the database gives it back
        between()
        if not page.more:
            return items, cursor
    raise AssertionError(f"the source still says `more` after {MOST_PAGES} pages")


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def needs_network(service: FakeService) -> None:
    if not service.network:
        pytest.skip("this source reads no network")
