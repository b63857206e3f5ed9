from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from monitor.sources.base import Cursor, Item
from monitor.sources.walk import Batch, StaleTokenError, walk

PAGE = 3


def item(mark: int, number: int) -> Item:
    return Item(f"{mark}:{number}", "acme", datetime.fromtimestamp(mark, UTC))


class Lists:
    """Some lists in memory: newest first, three on a page, tokens that a test may make stale."""

    def __init__(self) -> None:
        self.items: dict[str, list[tuple[int, Item]]] = {"a": [], "b": []}
        self.stale = False
        self.number = 0

    def add(self, name: str, mark: int) -> str:
        self.number += 1
        self.items[name].append((mark, item(mark, self.number)))
        return f"{mark}:{self.number}"

    def read(self, name: str, mark: int, token: Any) -> Batch:
        if token is not None and self.stale:
            raise StaleTokenError
        known = sorted(self.items[name], key=lambda pair: (pair[0], pair[1].external_id), reverse=True)
        if token is not None:
            known = [pair for pair in known if [pair[0], pair[1].external_id] < token]
        shown = known[:PAGE]
        older = [shown[-1][0], shown[-1][1].external_id] if len(known) > PAGE and shown[-1][0] >= mark else None
        return Batch(tuple(each for _, each in shown), shown[0][0] if shown else None, older)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from(["a", "b"]), st.integers(0, 3)),
        st.tuples(st.just("fetch"), st.integers(1, 4)),
        st.tuples(st.just("crash"), st.just(0)),
        st.tuples(st.just("stale"), st.booleans()),
        st.tuples(st.just("lists"), st.sampled_from([["a", "b"], ["b", "a"]])),
    ),
    max_size=60,
)


@given(steps)
def test_whatever_happens_every_item_is_read_in_the_end(steps: list[Any]) -> None:
    """Items arrive in order of their marks, several with the same one; pages are lost before they are stored; tokens go
    stale; the lists change places."""
    lists, names, time = Lists(), ["a", "b"], 10
    posted: set[str] = set()
    seen: set[str] = set()
    cursor: Cursor | None = None
    for step in steps:
        match step:
            case ["add", name, later]:
                time += later
                posted.add(lists.add(name, time))
            case ["fetch", times]:
                for _ in range(times):
                    page = walk(cursor, names, 0, time, lists.read)
                    seen |= {each.external_id for each in page.items}
                    cursor = json.loads(json.dumps(page.cursor))
            case ["crash", _]:
                walk(cursor, names, 0, time, lists.read)
            case ["stale", stale]:
                lists.stale = stale
            case ["lists", order]:
                names = order
    lists.stale = False
    for _ in range(2):  # an interrupted walk, then a whole one
        more = True
        while more:
            page = walk(cursor, names, 0, time, lists.read)
            seen |= {each.external_id for each in page.items}
            cursor, more = json.loads(json.dumps(page.cursor)), page.more
    assert seen == posted


def test_a_list_added_later_begins_where_the_slowest_stands() -> None:
    lists = Lists()
    lists.add("a", 50)
    cursor = walk(None, ["a"], 0, 100, lists.read).cursor
    asked = []

    def read(name: str, mark: int, token: Any) -> Batch:
        asked.append((name, mark))
        return Batch((), None)

    cursor = walk(cursor, ["b", "a"], 0, 100, read).cursor
    cursor = walk(cursor, ["b", "a"], 0, 100, read).cursor
    assert asked == [("b", 50), ("a", 50)]


def test_a_list_whose_tokens_go_stale_does_not_starve_the_next() -> None:
    lists = Lists()
    for mark in range(10):
        lists.add("a", mark)
        lists.add("b", mark)
    lists.stale = True
    page = walk(None, ["a", "b"], 0, 100, lists.read)
    page = walk(page.cursor, ["a", "b"], 0, 100, lists.read)
    assert page.more
    page = walk(page.cursor, ["a", "b"], 0, 100, lists.read)
    assert {each.external_id for each in page.items} <= {each.external_id for _, each in lists.items["b"]}
    assert page.items


def test_nothing_to_read_is_no_error() -> None:
    page = walk(None, [], 0, 100, Lists().read)
    assert (page.items, page.more) == ((), False)


def test_a_mark_from_the_future_does_not_move_the_cursor_beyond_now() -> None:
    lists = Lists()
    lists.add("a", 4_000)
    assert walk(None, ["a"], 0, 100, lists.read).cursor["marks"] == {"a": 100}
