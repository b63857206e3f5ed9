"""The customer's page in a browser: readable in both schemes and on a phone, in every language, without a script."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from monitor.clock import ManualClock
from monitor.settings import Settings
from monitor.survey import Survey
from tests.web import town
from tests.web.serving import Desk

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

UNREADABLE = Path(__file__).with_name("unreadable.js").read_text(encoding="utf-8")
SECTIONS: dict[str, Any] = {"after": {"survey": True, "survey_secret": "0123456789abcdef" * 4}}
PHONE = {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_can_be_read_before_and_after_the_answer(
    open_desk: Callable[..., Desk],
    open_context: Callable[..., BrowserContext],
    clock: ManualClock,
    make_settings: Callable[..., Settings],
    scheme: str,
) -> None:
    desk = open_desk(clock, **SECTIONS)
    ids = town.settle(desk.db, clock.now())
    survey = Survey(desk.db, desk.cases, make_settings(**SECTIONS))
    page = open_context(desk, color_scheme=scheme, **PHONE).new_page()
    page.emulate_media(reduced_motion="reduce")
    for author in ("ayse_k", "kuldnokk"):
        page.goto(f"/s/{survey.token(ids[author], clock.now())}")
        expect(page.locator("body")).to_have_css("margin", "0px")  # the style has come
        assert page.evaluate(UNREADABLE) == [], author
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.locator("button[value='4']").click()
        expect(page.locator(".said")).to_be_visible()
        expect(page.locator("body")).to_have_css("margin", "0px")
        assert page.evaluate(UNREADABLE) == [], author
