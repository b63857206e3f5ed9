"""The pictures of the pages in the documentation: drawn anew with FIRSTHOUR_PICTURES=1, or where one is missing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.looked_at import Looker

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

DRAW = "FIRSTHOUR_PICTURES" in os.environ  # before the tests take the service's variables away
FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
WIDTH = 1180
# page and height of each; `{case}` is one that can be answered
PICTURES = {
    "desk": ("/cases/{case}", 800),
    "overview": ("/overview", 1010),
    "trends": ("/trends?by=topic&figure=complaints", 940),
    "topics": ("/topics", 1010),
    "competitors": ("/competitors", 1010),
    "response": ("/response", 1010),
    "staffing": ("/staffing", 1110),
    "sources": ("/sources", 900),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_in_the_documentation(mari: Looker, ids: dict[str, int], tmp_path: Path, name: str) -> None:
    address, height = PICTURES[name]
    page = mari.open(address.format(case=ids["ayse_k"]))
    page.set_viewport_size({"width": 1620 if name == "desk" else WIDTH, "height": height})
    page.evaluate("document.fonts.ready")
    expect(page.locator("h1")).to_be_in_viewport()
    kept = FOLDER / f"{name}.png"
    path = kept if DRAW or not kept.exists() else tmp_path / kept.name
    page.screenshot(path=path)
    assert 20_000 < path.stat().st_size < 300_000
    assert any(f"pictures/{name}.png" in text.read_text(encoding="utf-8") for text in FOLDER.parent.glob("*.md"))
