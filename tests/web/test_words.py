"""How the desk says things."""

from __future__ import annotations

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from monitor.web import words

anything = st.text(st.characters(codec="utf-8"), max_size=200) | st.text(
    "a\u0301👨\u200d👩🇪🇪\u202e\r\n்தமி", max_size=80
)


@given(anything, st.integers(1, 50))
def test_a_shortened_text_is_a_beginning_of_whole_graphemes(text: str, limit: int) -> None:
    short = words.shortened(text, limit)
    whole = words.harmless(text)
    assert len(regex.findall(r"\X", short)) <= limit + 1
    if not short.endswith("…") or whole == short:
        assert short == whole
    else:
        kept = regex.findall(r"\X", short[:-1])
        assert kept == regex.findall(r"\X", whole)[: len(kept)]


@given(anything)
def test_nothing_unseen_is_left_and_doing_it_twice_changes_nothing(text: str) -> None:
    once = words.harmless(text)
    assert not regex.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f\x00-\x08]", once)
    assert words.harmless(once) == once


def test_joined_emoji_stay_joined() -> None:
    assert words.shortened("👨‍👩‍👧‍👦 ok", 1) == "👨‍👩‍👧‍👦…"


def test_a_tower_of_accents_is_cut_down() -> None:
    assert len(words.harmless("e" + "\u0301" * 500)) == 4


def test_times_are_rounded_down_and_never_up() -> None:
    assert [words.span(s) for s in (0, 59.9, 60, 3599, 7199, 7200, 86399, 86400, 259199)] == [
        "0s", "59s", "1m", "59m", "119m", "2h", "23h", "1d", "2d"
    ]  # fmt: skip
    assert words.long_span(60) == "1 minute"


def test_headlines() -> None:
    assert words.headline(0, 0, 0) == "Nobody is waiting for an answer"
    assert words.headline(5, 0, 0) == "5 people are waiting, all with more than 20 minutes left"
    assert words.headline(1, 0, 0) == "1 person is waiting, with more than 20 minutes left"
    assert words.headline(9, 0, 3) == "3 need an answer within 20 minutes"
    assert words.headline(9, 1, 3) == "1 is late, 3 more need an answer within 20 minutes"
    assert words.headline(9, 2, 1) == "2 are late, 1 more needs an answer within 20 minutes"
    assert words.headline(9, 2, 0) == "9 people are waiting, 2 of them late"
    assert words.headline(2, 2, 0) == "2 are late, answer them now"


@given(st.text(max_size=60))
def test_only_web_addresses_become_links(url: str) -> None:
    address = words.web_address(url)
    assert address is None or address.startswith(("http://", "https://"))


def test_dangerous_addresses_are_none() -> None:
    for url in (
        "javascript:alert(1)",
        " JaVaScript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "http:///x",
        "http://[",
        None,
    ):
        assert words.web_address(url) is None


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0 Safari/537.36",
            "Chrome on Linux",
        ),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari on an iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/143.0 Safari/537.36 Edg/143.0", "Edge on Windows"),
        ("curl/8.5", "curl/8.5"),
        (None, "unknown"),
    ],
)
def test_browsers_are_called_as_people_call_them(agent: str | None, said: str) -> None:
    assert words.browser(agent) == said


def test_figures_for_people() -> None:
    assert [words.people(n) for n in (7, 9_999, 12_400, 2_500_000)] == ["7", "9 999", "12k", "2.5M"]
    assert [words.ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 102, 111)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th"
    ]  # fmt: skip
    assert [words.initials(n) for n in ("Mari", "Jaan Tamm", "jun_dlc", "", "😀 x")] == ["M", "JT", "JD", "?", "😀X"]
    assert words.stars(3) == "★★★☆☆"
