from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor.classify.windows import LIMIT, SIZE, ends, windows


def by_letter(texts: list[str]) -> list[list[int]]:
    return [[ord(c) for c in text] for text in texts]


def cut(text: str) -> list[list[int]]:
    return windows(text, by_letter, str.strip)


def test_the_last_sentence_is_a_window_of_its_own() -> None:
    found = cut("All was fine here today. " * 30 + "It broke!")
    assert "It broke!" in "".join(map(chr, found[-1]))
    assert len(found[-1]) < 40


def test_first_and_last_windows_of_a_very_long_text_are_read() -> None:
    found = cut("First words. " + "Middle words here. " * 2000 + "Last words.")
    assert "".join(map(chr, found[0])).startswith("First words.")
    assert "".join(map(chr, found[-1])).endswith("Last words.")


@given(st.text(alphabet="ab .!\n", min_size=SIZE, max_size=3000))
def test_windows_fit_and_are_few(text: str) -> None:
    found = cut(text)
    assert 1 <= len(found) <= LIMIT + 1
    assert all(len(window) <= SIZE for window in found)


def test_a_sentence_longer_than_a_window_is_cut() -> None:
    found = cut("a" * (3 * SIZE) + "z")
    assert found[-1][-1] == ord("z")


def test_the_middle_of_a_huge_text_is_left_out() -> None:
    assert len(ends("x" * 100_000)) < 13_000
    assert ends("short") == "short"
