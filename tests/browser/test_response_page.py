"""The page of the response in a browser: readable in both schemes and on a phone, and usable by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.web import town
from tests.web.serving import Desk

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

UNREADABLE = Path(__file__).with_name("unreadable.js").read_text(encoding="utf-8")
PHONE = {"viewport": {"width": 360, "height": 780}, "has_touch": True, "is_mobile": True}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read_also_on_a_phone(
    desk: Desk, open_context: Callable[..., BrowserContext], scheme: str
) -> None:
    town.settle(desk.db, desk.clock.now())
    page = open_context(desk, color_scheme=scheme, **PHONE).new_page()
    for address in ("/response", "/response?language=cy"):
        page.goto(address)
        assert page.evaluate(UNREADABLE) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_filter_is_chosen_by_keyboard_and_stands_in_the_address(
    desk: Desk, open_context: Callable[..., BrowserContext]
) -> None:
    town.settle(desk.db, desk.clock.now())
    page = open_context(desk).new_page()
    page.goto("/")
    page.get_by_role("link", name="Response", exact=True).press("Enter")
    page.get_by_role("combobox", name="Source").select_option("reddit")
    page.get_by_role("button", name="Show").press("Enter")
    expect(page).to_have_url(re.compile("source=reddit"))
    expect(page.locator("#distribution h2")).to_contain_text("of 4 cases")


def test_a_click_on_a_bar_leads_to_its_cases(desk: Desk, open_context: Callable[..., BrowserContext]) -> None:
    town.settle(desk.db, desk.clock.now())
    page = open_context(desk).new_page()
    page.goto("/response")
    page.locator("#distribution .mark-rect path").nth(9).click()  # the five before the hour, and four after it
    expect(page.locator("h1")).to_have_text("6 cases: still waiting")
    page.get_by_role("link", name="Response of this time").click()
    expect(page.locator("h1")).to_have_text("How soon customers are answered")
