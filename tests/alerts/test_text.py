"""Hostile text is inert in Slack: nobody is pinged, nothing is disguised, nothing leaves its quote."""

from __future__ import annotations

import regex
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.text import address, cut, line, link, quote, visible

UNSEEN = regex.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\x00-\x08\ud800-\udfff]")
anything = st.text(st.characters(), max_size=400) | st.text("<>&!@#|`\n\r\u2028\u200d\u202eäக்👩", max_size=400)


def test_mentions_and_links_are_plain_letters() -> None:
    assert cut("<!channel> <@U123> <http://evil|bank> &lt;", 100) == (
        "&lt;!channel&gt; &lt;@U123&gt; &lt;http://evil|bank&gt; &amp;lt;"
    )


def test_a_quote_is_not_left_by_any_kind_of_line_break_or_by_a_code_fence() -> None:
    assert quote("one\r\ntwo\u2028three\x85```four\n\n*Resolved by the boss*", 500).split("\n") == [
        ">one",
        ">two",
        ">three",
        ">\u02cb\u02cb\u02cbfour",
        ">*Resolved by the boss*",
    ]


def test_direction_overrides_and_invisible_letters_go() -> None:
    assert visible("a\u202eb\u200bc\u2066d\ufeffe\u00adf\x00g\ud800") == "abcdefg"


def test_joiners_stay_where_a_script_or_an_emoji_needs_them() -> None:
    family, persian, sinhala = "👩\u200d👩\u200d👧", "می\u200cخواهم", "ශ්\u200dරී"
    assert visible(f"{family} {persian} {sinhala}") == f"{family} {persian} {sinhala}"
    assert visible("pay\u200dpal \u200cx") == "paypal x"


def test_a_cut_never_splits_what_a_reader_sees_as_one_letter() -> None:
    assert cut("👩\u200d👩\u200d👧" * 10, 12) == "👩\u200d👩\u200d👧" * 2 + "…"
    assert cut("கொ" * 10, 6) == "கொ" * 2 + "…"


def test_a_tower_of_accents_is_cut_down() -> None:
    assert len(cut("Z" + "\u0301" * 100_000, 500)) < 20


def test_a_megabyte_of_one_letter_is_cut() -> None:
    assert cut("a" * 1_000_000, 50) == "a" * 49 + "…"


@given(anything, st.integers(30, 200))
def test_whatever_comes_in_is_short_and_harmless(text: str, limit: int) -> None:
    out = cut(text, limit)
    assert len(out) <= limit
    assert not UNSEEN.search(out)
    assert not set(out) & set("<>`")
    assert not regex.search(r"&(?!amp;|lt;|gt;)", out)


@given(anything, st.integers(100, 400))
def test_every_line_of_a_quote_is_quoted(text: str, limit: int) -> None:
    out = quote(text, limit)
    assert len(out) <= limit
    assert all(regex.fullmatch(r">[^\s<>].*", row) for row in out.split("\n"))


@given(anything)
def test_a_line_is_one_line(text: str) -> None:
    assert "\n" not in line(text, 80)


def test_only_web_addresses_become_links() -> None:
    assert link("https://example.com/?a=1&b=2", "here") == "<https://example.com/?a=1&amp;b=2|here>"
    assert link("https://example.com", "a|b") == "<https://example.com|a/b>"
    for bad in (None, "javascript:alert(1)", "https://x|y", "https://a b", "https://a>b", "https://a\u202eb", "//x"):
        assert address(bad) is None
        assert link(bad, "here") == "here"
