"""The bar at the top leads to every page, in few steps."""

from __future__ import annotations

from monitor.web.areas import AREAS
from tests.web.serving import Desk
from tests.web.test_desk_pages import Seen


def test_every_page_is_at_most_two_links_away(desk: Desk) -> None:
    for area in AREAS:
        first = Seen(desk.http.get("/").text)
        assert any(tag == "a" and given.get("href") == area[0].path for tag, given in first.tags)
        there = Seen(desk.http.get(area[0].path).text)
        for place in area:
            assert any(tag == "a" and given.get("href") == place.path for tag, given in there.tags)


def test_a_page_says_where_it_stands(desk: Desk) -> None:
    marked = [
        (given["href"], given["aria-current"])
        for tag, given in Seen(desk.http.get("/topics").text).tags
        if tag == "a" and "aria-current" in given
    ]
    assert marked == [("/overview", "true"), ("/topics", "page")]
