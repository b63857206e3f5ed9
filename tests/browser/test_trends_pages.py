"""The pages of trends in a browser: drawn under the strict policy, readable in both schemes and on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.looked_at import all_drawn
from tests.web import town
from tests.web.serving import Desk
from tests.web.test_overview_page import HOUR, heard, two_months

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

UNREADABLE = Path(__file__).with_name("unreadable.js").read_text(encoding="utf-8")
PHONE = {"viewport": {"width": 360, "height": 780}, "has_touch": True, "is_mobile": True}


def drawn(page: Page, address: str) -> None:
    page.goto(address)
    all_drawn(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_chart_is_drawn_and_everything_can_be_read_also_on_a_phone(
    desk: Desk, open_context: Callable[..., BrowserContext], scheme: str
) -> None:
    town.settle(desk.db, desk.clock.now())
    two_months(desk)
    heard(desk.db, desk.clock.now() - HOUR, 60, "positive", brand="Beta", topic="other")
    page = open_context(desk, color_scheme=scheme, **PHONE).new_page()
    for address in ("/overview", "/overview?language=cy", "/topics", "/competitors?rival=Beta", "/competitors"):
        drawn(page, address)
        assert page.evaluate(UNREADABLE) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_chart_takes_the_colours_of_the_scheme_and_prints_in_the_light_ones(
    desk: Desk, open_context: Callable[..., BrowserContext]
) -> None:
    two_months(desk)
    page = open_context(desk, color_scheme="dark").new_page()
    drawn(page, "/overview")
    bar = page.locator("#volume .mark-rect path").first
    dark = bar.get_attribute("fill") or ""
    page.emulate_media(color_scheme="light")
    expect(bar).not_to_have_attribute("fill", dark)
    light = bar.get_attribute("fill") or ""
    page.emulate_media(color_scheme="dark")
    expect(bar).to_have_attribute("fill", dark)
    page.emulate_media(color_scheme="dark", media="print")
    expect(bar).to_have_attribute("fill", light)


def test_what_is_written_can_be_read_while_the_library_of_charts_is_on_its_way(
    desk: Desk, open_context: Callable[..., BrowserContext]
) -> None:
    two_months(desk)
    page = open_context(desk).new_page()
    held: list[Route] = []
    page.route("**/vega.min.js", lambda route: held.append(route))
    page.goto("/overview", wait_until="domcontentloaded")
    page.locator("#volume summary").press("Enter")
    expect(page.locator("#volume table")).to_be_visible()
    expect(page.locator(".drawing[data-drawn]")).to_have_count(0)
    for route in held:
        route.continue_()
    all_drawn(page)


def test_a_point_tells_its_figures_and_the_table_opens_by_keyboard(
    desk: Desk, open_context: Callable[..., BrowserContext]
) -> None:
    two_months(desk)
    page = open_context(desk).new_page()
    drawn(page, "/overview")
    page.locator("#volume .mark-rect path").nth(60).hover()
    expect(page.locator(".tip")).to_contain_text("Negative")
    summary = page.locator("#volume summary")
    summary.press("Enter")
    expect(page.locator("#volume table")).to_be_visible()
    page.get_by_role("combobox", name="Source").select_option("reddit")
    page.get_by_role("button", name="Show").press("Enter")
    expect(page).to_have_url(re.compile("source=reddit"))
