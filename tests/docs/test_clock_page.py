"""docs/clock.md shows the table of transitions that the code has."""

from __future__ import annotations

from pathlib import Path

from monitor.transitions import table

PAGE = Path(__file__).parents[2] / "docs" / "clock.md"


def test_the_table_of_transitions_is_the_codes_own() -> None:
    shown = (
        PAGE.read_text(encoding="utf-8").partition("<!-- transitions")[2].partition("-->")[2].partition("<!-- end")[0]
    )
    assert shown.strip() == table().strip(), "print it with: python -m monitor.transitions"
