"""The search box, and the interface's search."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import word_index
from monitor.web import searching
from tests.web import town
from tests.web.serving import Desk
from tests.web.test_desk_pages import HOSTILE, Seen


@pytest.fixture
def town_desk(desk: Desk) -> Desk:
    town.settle(desk.db, desk.clock.now())
    word_index.anew(desk.db)
    word_index.fill(desk.db)
    return desk


def asked(desk: Desk, **wanted: Any) -> dict[str, Any]:
    answer = desk.http.get("/api/v1/search", params=wanted)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def every_word(desk: Desk) -> list[str]:
    texts = [row["text"] for row in desk.http.get("/api/v1/mentions", params={"limit": 200}).json()["mentions"]]
    return re.findall(r"[a-z]{5,}", " ".join(texts).lower())


def test_the_page_shows_what_has_the_words_and_keeps_them_in_the_box(town_desk: Desk) -> None:
    word = every_word(town_desk)[0]
    page = town_desk.http.get("/mentions", params={"q": word}).text
    assert f'value="{word}"' in page
    said = re.findall(r'<p class="said"[^>]*>(.*?)</p>', page, re.S)
    assert said
    assert all(word in text.lower() for text in said)


def test_a_page_without_a_hit_says_what_to_try(town_desk: Desk) -> None:
    assert "deliver*" in town_desk.http.get("/mentions?q=xyzzy").text


def test_the_desk_has_a_box_that_leads_to_the_mentions(town_desk: Desk) -> None:
    assert '<form class="search" action="/mentions"' in town_desk.http.get("/").text


def test_what_is_typed_is_never_run_nor_refused_by_the_page(town_desk: Desk) -> None:
    answer = town_desk.http.get("/mentions", params={"q": HOSTILE})
    assert answer.status_code == 200
    assert not any(tag == "img" for tag, _ in Seen(answer.text).tags)

    @given(typed=st.text(max_size=80))
    def typing(typed: str) -> None:
        assert town_desk.http.get("/mentions", params={"q": typed}).status_code == 200

    typing()


def test_the_interface_pages_through_all_that_fits_the_filters(
    town_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "AT_ONCE", 2)
    monkeypatch.setattr(searching, "LOOKED", 2)
    everything = town_desk.http.get("/api/v1/mentions", params={"limit": 200, "complaint": True}).json()["mentions"]
    word = every_word(town_desk)[0]
    fit = sorted((row["id"] for row in everything if word in row["text"].lower().split()), reverse=True)
    rows: list[int] = []
    cursor: dict[str, Any] = {}
    while True:
        page = asked(town_desk, q=word, complaint=True, limit=1, **cursor)
        rows += [row["id"] for row in page["mentions"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert set(fit) <= set(rows)
    assert rows == sorted(set(rows), reverse=True)


def test_the_interface_says_how_much_cannot_be_found_yet(town_desk: Desk) -> None:
    assert asked(town_desk, q="acme")["unread"] == 0
    word_index.anew(town_desk.db)
    assert asked(town_desk, q="acme")["unread"] > 0
    assert "still being read" in town_desk.http.get("/mentions?q=acme").text


def test_a_question_of_nothing_finds_nothing_and_an_empty_one_is_refused(town_desk: Desk) -> None:
    assert asked(town_desk, q='-"" *')["mentions"] == []
    assert town_desk.http.get("/api/v1/search").status_code == 422
    assert town_desk.http.get("/api/v1/search", params={"q": "x", "cursor": "made-up"}).status_code == 422
