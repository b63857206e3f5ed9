from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sources.length import length


def test_bytes_are_those_of_utf_8() -> None:
    assert [length(text, "bytes") for text in ("abc", "ää", "நன்றி", "😡", "\ud800")] == [3, 4, 15, 4, 3]


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("", 0),
        ("hello", 5),
        ("Ünïcödé", 7),
        ("Доставка", 8),
        ("返金して", 8),
        ("ขอบคุณ", 6),
        ("👩‍👩‍👧‍👦", 2),
        ("🇪🇪", 2),
        ("1️⃣", 2),
        ("e\u0301", 1),
        ("see https://example.com/a/very/long/path?with=many&parameters=in+it now", 3 + 1 + 23 + 4),
        ("(https://example.com/x).", 1 + 23 + 2),
        ("go to example.com", 6 + 23),
        ("mail ann@example.com", 20),
        ("version 1.2.3 of e.g. this", 26),
        ("“so”…", 6),
    ],
)
def test_x_counts_links_as_23_and_wide_letters_twice(text: str, weight: int) -> None:
    assert length(text, "x") == weight


def test_a_family_is_one_grapheme_and_seven_characters() -> None:
    assert length("👩‍👩‍👧‍👦", "graphemes") == 1
    assert length("👩‍👩‍👧‍👦", "characters") == 7


@given(st.text(), st.text())
def test_two_lines_are_as_long_as_both_together(one: str, two: str) -> None:
    assert length(f"{one}\n{two}", "characters") == length(one, "characters") + 1 + length(two, "characters")
    assert length(one, "graphemes") <= length(one, "characters")
    assert length(one, "x") <= 23 * max(1, length(one, "characters"))
