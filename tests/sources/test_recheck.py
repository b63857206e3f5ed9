from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.errors import RetryLater
from monitor.sources.base import Cursor, Item, Page, Reject, gone
from monitor.sources.recheck import MOST, gently, one_by_one, rechecking

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Board:
    """A service with a list of what is new, read up to a number, and the present state of each item."""

    def __init__(self, count: int) -> None:
        self.items = {str(n): Item(str(n), f"words {n}", NOW - timedelta(seconds=n)) for n in range(count)}
        self.asked: list[str] = []

    def poll(self, cursor: Cursor | None, now: datetime = NOW, count: int = 3) -> tuple[dict[str, Item], Cursor]:
        found: dict[str, Item] = {}
        more = True
        while more:
            page = rechecking(cursor, now, timedelta(days=1), count, self._read, self._ask)
            found |= {item.external_id: item for item in page.items}
            cursor, more = json.loads(json.dumps(page.cursor)), page.more
        assert cursor is not None
        return found, cursor

    def _read(self, cursor: Cursor | None) -> Page:
        done = (cursor or {}).get("done", 0)
        return Page(tuple(self.items.values())[done : done + 50], {"done": min(done + 50, len(self.items))})

    def _ask(self, asked: dict[str, datetime]) -> tuple[list[Item], list[Reject]]:
        self.asked += asked
        return [self.items[each] for each in asked], []


def test_every_item_has_its_turn_a_few_at_each_poll() -> None:
    board = Board(10)
    _, cursor = board.poll(None)
    for _ in range(4):
        _, cursor = board.poll(cursor)
    assert set(board.asked) == set(board.items)
    assert len(board.asked) == 15


def test_an_edit_is_found_and_what_is_gone_is_asked_for_no_more() -> None:
    board = Board(3)
    _, cursor = board.poll(None)
    board.items["1"] = replace(board.items["1"], text="", removed=True)
    board.items["2"] = replace(board.items["2"], text="edited")
    found, cursor = board.poll(cursor)
    assert (found["1"].removed, found["2"].text) == (True, "edited")
    assert set(cursor["known"]) == {"0", "2"}


def test_only_the_youngest_are_remembered_and_none_beyond_its_time() -> None:
    board = Board(MOST + 100)
    cursor: Cursor | None = None
    for _ in range(MOST // 50 + 2):
        _, cursor = board.poll(cursor)
    assert cursor is not None
    assert set(cursor["known"]) == {str(n) for n in range(MOST)}
    assert not board.poll(cursor, NOW + timedelta(days=2))[1]["known"]


def test_one_that_cannot_be_had_does_not_keep_the_others() -> None:
    there = Item("b", "words", NOW)

    def ask(external_id: str) -> Item | None:
        if external_id == "a":
            raise RetryLater("500")
        return there if external_id == "b" else None

    items, rejects = one_by_one({"a": NOW, "b": NOW, "c": NOW}, ask)
    assert list(items) == [there, Item("c", "", NOW, removed=True)]
    assert [reject.external_id for reject in rejects] == ["a"]


def test_what_cannot_be_had_together_is_asked_for_one_by_one() -> None:
    def look_up(ids: tuple[str, ...]) -> tuple[Item, ...]:
        if "b" in ids:
            raise RetryLater("500")
        return tuple(gone(each) for each in ids if each != "d")

    items, rejects = gently("abcd", look_up)
    assert [item.external_id for item in items] == ["a", "c"]
    assert [reject.external_id for reject in rejects] == ["b"]
    assert gently("ac", look_up) == ((gone("a"), gone("c")), ())


def test_where_the_service_asks_to_wait_we_do() -> None:
    def ask(external_id: str) -> Item | None:
        raise RetryLater("429", timedelta(seconds=9))

    with pytest.raises(RetryLater):
        one_by_one({"a": NOW}, ask)
