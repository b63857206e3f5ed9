from __future__ import annotations

from datetime import timedelta

from monitor.sources.base import Item
from monitor.sources.contract import NOW
from monitor.sources.own_replies import OwnReplies


def reply(number: int, to: str | None = "1") -> Item:
    return Item(f"r{number}", "sorry", NOW + timedelta(minutes=number), parent=to)


def test_the_first_reply_counts_however_late_it_is_read() -> None:
    replies = OwnReplies(timedelta(minutes=5))
    replies.read("acmehelp", lambda older: ([reply(3), reply(2), reply(1, None)], None))
    assert replies.firsts(("1", "2"), frozenset())["1"].external_id == "r2"
    replies.read("acmehelp", lambda older: ([reply(3), reply(0)], None))
    assert replies.firsts(("1",), frozenset())["1"].external_id == "r0"
    assert replies.firsts(("1",), frozenset({"r0"}))["1"].external_id == "r2"


def test_only_what_is_new_is_read_again() -> None:
    replies, asked = OwnReplies(timedelta(minutes=5)), []

    def page(older: str | None) -> tuple[list[Item], str | None]:
        asked.append(older)
        newest = 100 - 10 * int(older or 0)
        return [reply(newest - step) for step in range(10)], str(int(older or 0) + 1)

    replies.read("acmehelp", page)
    assert asked == [None, "1", "2", "3", "4"]
    replies.read("acmehelp", page)
    assert asked[5:] == [None]


def test_a_page_of_which_nothing_can_be_shown_does_not_hide_the_one_behind_it() -> None:
    replies = OwnReplies(timedelta(minutes=5))
    replies.read("acmehelp", lambda older: ([reply(1)], None) if older else ([], "behind"))
    assert replies.firsts(("1",), frozenset()).keys() == {"1"}
