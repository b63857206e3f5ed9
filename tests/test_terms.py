"""Which words rise, counted by hand."""

from __future__ import annotations

import pytest

from monitor.terms import rising, terms


def test_what_is_said_more_than_before_rises_and_what_always_was_does_not() -> None:
    before = ["the parcel came late", "the app is fine", "nice shop"] * 20
    now = ["the app crashes on login", "app crashes again", "the app crashes", "nice shop"] * 5
    found = [term.text for term in rising(now, before)]
    assert found[0] == "app crashes"
    assert "the" not in found
    assert "nice shop" not in found


def test_one_thing_is_told_once() -> None:
    found = [term.text for term in rising(["the strike again"] * 10, ["all is well"] * 50)]
    assert [text for text in found if "strike" in text] == found[: len([t for t in found if "strike" in t])]
    assert len([text for text in found if "strike" in text]) == 1


def test_a_word_of_two_texts_never_rises() -> None:
    assert rising(["strike"] * 2 + ["fine"] * 50, ["fine"] * 50) == []


def test_nothing_said_rises_from_nothing() -> None:
    assert rising([], []) == []
    assert rising([], ["late"]) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Don't STOP", {"don't", "stop", "don't stop"}),
        ("see https://x.example/abc now", {"see", "now"}),
        ("ask @ann or ann@x.example: 3kg", {"ask"}),
        ("太慢了", {"太慢", "慢了"}),
        ("naïve café", {"naïve", "café", "naïve café"}),
        ("x\u202ey \ud800 <b>", set()),
        ("", set()),
    ],
)
def test_the_terms_of_a_text(text: str, found: set[str]) -> None:
    assert terms(text) == found


def test_a_text_without_end_takes_no_time() -> None:
    assert terms("a" * 2_000_000) == {"a" * 20_000}
