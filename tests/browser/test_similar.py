"""Answered cases beside the open one in a browser, and their words in the reply."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, expect

from monitor.classify.likeness import pack
from monitor.models import FeaturesRow
from tests.web import town
from tests.web.serving import Desk

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Open = Callable[..., BrowserContext]


@pytest.fixture
def case_id(desk: Desk) -> int:
    """An open case that is like two answered ones."""
    now, found = desk.clock.now(), town.settle(desk.db, desk.clock.now())
    with desk.db.write() as session:
        for author, off in (("ayse_k", 0.0), ("noura.q8", 0.1), ("kuldnokk", 0.2)):
            seen = pack(np.array((1.0, off), np.float32))
            session.merge(FeaturesRow(case_id=found[author], features=seen, at=now))
    for author, said in (("noura.q8", "It comes on Monday."), ("kuldnokk", "We send another.")):
        desk.cases.act(found[author], "reply", "Mari", "web", now, text=said)
    return found["ayse_k"]


def test_use_these_words_puts_an_answer_above_what_was_typed_or_in_the_place_of_another(
    desk: Desk, open_context: Open, case_id: int
) -> None:
    page = open_context(desk, "Mari").new_page()
    page.goto(f"/cases/{case_id}")
    field = page.locator(".reply-text")
    answered = page.locator(".similar li")
    expect(answered).to_have_count(2)
    expect(answered.first).to_contain_text("It comes on Monday.")
    use = page.get_by_role("button", name="Use these words")
    use.first.click()
    expect(field).to_have_value("It comes on Monday.", timeout=30_000)  # the languages are loaded
    use.nth(1).click()
    expect(field).to_have_value("We send another.")
    field.fill("Typed by hand.")
    use.first.click()
    expect(field).to_have_value("It comes on Monday.\n\nTyped by hand.")
    expect(page.locator("#weighed .count")).to_contain_text("35 of")


def test_without_scripts_the_words_are_used_as_well(desk: Desk, open_context: Open, case_id: int) -> None:
    page = open_context(desk, "Mari", java_script_enabled=False).new_page()
    page.goto(f"/cases/{case_id}/similar")
    page.get_by_role("button", name="Use these words").first.click()
    expect(page.locator(".reply-text")).to_have_value("It comes on Monday.")
