"""Staffing, sources and corrections in a browser: drawn, readable in both schemes and on a phone; keys answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import BrowserContext, expect
from sqlalchemy import select

from monitor.models import CorrectionRow
from tests.browser.test_trends_pages import PHONE, UNREADABLE, drawn
from tests.web import town
from tests.web.serving import Desk
from tests.web.test_corrections_page import heard, small_world
from tests.web.test_sources_page import unread
from tests.web.test_staffing_page import eight_weeks

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_chart_is_drawn_and_everything_can_be_read_also_on_a_phone(
    desk: Desk, open_context: Callable[..., BrowserContext], scheme: str
) -> None:
    eight_weeks(desk)
    small_world(desk)
    unread(desk.db, 2)
    page = open_context(desk, color_scheme=scheme, **PHONE).new_page()
    for address in ("/staffing", "/sources", "/corrections"):
        drawn(page, address)
        assert page.evaluate(UNREADABLE) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_doubtful_verdicts_are_answered_by_keyboard(desk: Desk, open_context: Callable[..., BrowserContext]) -> None:
    scores = (0.49, 0.47, 0.45, 0.43)
    first, second, third, fourth = (
        heard(desk, replace(town.OTHERS[0], complaint=score, author=f"a{score}"), MINUTE) for score in scores
    )
    page = open_context(desk, me="Mari").new_page()
    page.goto("/corrections")
    page.keyboard.press("n")
    expect(page.locator(f'.doubt.said[data-key="{first}"]')).to_contain_text("Noted: not a complaint.")
    expect(page.locator(f'.doubt[data-key="{second}"]')).to_be_focused()
    page.keyboard.press("s")
    expect(page.locator(f'.doubt[data-key="{third}"]')).to_be_focused()
    page.keyboard.press("y")
    expect(page.locator(f'.doubt.said[data-key="{third}"]')).to_contain_text("is open now")
    expect(page.locator(f'.doubt[data-key="{fourth}"]')).to_be_focused()
    page.get_by_role("button", name="No, it is none").click()
    expect(page.locator(f'.doubt.said[data-key="{third}"]')).to_contain_text("is dismissed")
    with desk.db.read() as session:
        words = [(word.mention_id, word.complaint, word.actor) for word in session.scalars(select(CorrectionRow))]
    assert words == [(first, False, "Mari"), (third, True, "Mari"), (third, False, "Mari")]
