"""Writing a reply on the desk in a browser: by keyboard alone, and without losing a word."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import BrowserContext, expect

from monitor.sources.base import Capabilities
from tests.web.serving import Desk
from tests.web.town import AYSE, case

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Open = Callable[..., BrowserContext]


@pytest.fixture
def case_id(desk: Desk) -> int:
    desk.square.capabilities = Capabilities(reply=True, reply_limit=40, place="the Square")
    with desk.db.write() as session:
        return case(session, AYSE, desk.clock.now() - timedelta(minutes=10)).id


def test_a_reply_is_counted_while_it_is_typed_and_sent_by_keyboard(
    desk: Desk, open_context: Open, case_id: int
) -> None:
    page = open_context(desk, "Mari").new_page()
    page.goto(f"/cases/{case_id}")
    page.wait_for_function("document.documentElement.classList.contains('runs')")
    page.keyboard.press("r")
    expect(page.locator(".reply-text")).to_be_focused()
    page.keyboard.type("We can't do that, says our policy, sorry.")
    expect(page.locator("#weighed .count")).to_have_text("41 of 40", timeout=30_000)  # the languages are loaded
    expect(page.locator("#weighed")).to_contain_text("1 too many")
    expect(page.locator("#weighed li")).to_have_count(3)  # can't, policy, and not in Turkish
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("Hemen bakıyoruz!")
    expect(page.locator("#weighed .count")).to_have_text("16 of 40")
    page.keyboard.press("Tab")
    expect(page.locator("#reply-send")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#case .flash")).to_have_text("It goes out now.")
    expect(page.locator(".under-way")).to_contain_text("Hemen bakıyoruz!")
    expect(page.locator(".reply-text")).to_have_value("")


def test_the_whole_path_by_keyboard_from_the_queue_to_the_next_case(
    desk: Desk, open_context: Open, case_id: int
) -> None:
    with desk.db.write() as session:
        following = case(session, AYSE, desk.clock.now()).id
    page = open_context(desk, "Mari").new_page()
    page.goto("/")
    page.wait_for_function("document.documentElement.classList.contains('runs')")
    page.keyboard.press("j")
    expect(page.locator(f"#row-{case_id}")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#case")).to_have_attribute("data-open", str(case_id))
    page.keyboard.press("t")
    expect(page.locator("#case .flash")).to_have_text("It is yours now.")
    page.keyboard.press("r")
    expect(page.locator(".reply-text")).to_be_focused()
    page.keyboard.type("Hemen bakıyoruz!")
    expect(page.locator("#weighed .count")).to_have_text("16 of 40", timeout=30_000)
    page.keyboard.press("Tab")
    expect(page.locator("#reply-send")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#case .flash")).to_have_text("It goes out now.")
    page.keyboard.press("j")
    expect(page.locator(f"#row-{following}")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#case")).to_have_attribute("data-open", str(following))


def test_what_a_colleague_does_meanwhile_takes_no_letter_from_a_reply_and_no_case_gets_anothers(
    desk: Desk, open_context: Open, case_id: int
) -> None:
    with desk.db.write() as session:
        other = case(session, AYSE, desk.clock.now()).id
    page = open_context(desk, "Mari").new_page()
    page.goto(f"/cases/{case_id}")
    page.wait_for_function("document.documentElement.classList.contains('runs')")
    page.locator(".reply-text").press_sequentially("half a sen")
    desk.cases.act(case_id, "note", "Liis", "slack", desk.clock.now(), text="I know her.")
    expect(page.locator(".history")).to_contain_text("I know her.")
    page.keyboard.type("tence")
    expect(page.locator(".reply-text")).to_have_value("half a sentence")
    expect(page.locator("#weighed .count")).to_have_text("15 of 40")
    page.locator(f"#row-{other}").click()
    expect(page.locator("#case")).to_have_attribute("data-open", str(other))
    expect(page.locator(".reply-text")).to_have_value("")
    page.locator(f"#row-{case_id}").click()
    expect(page.locator(".reply-text")).to_have_value("half a sentence")


def test_where_no_reply_can_be_sent_its_words_are_copied_and_the_place_is_opened(
    desk: Desk, open_context: Open, case_id: int
) -> None:
    desk.square.wall = "Only who mentioned us can be answered from here."
    context = open_context(desk, "Mari", permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"/cases/{case_id}")
    page.locator(".reply-text").fill("Hemen bakıyoruz!")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "Hemen bakıyoruz!"
    expect(page.get_by_role("link", name=re.compile("Open on the Square"))).to_have_attribute("target", "_blank")
    page.get_by_role("button", name="I have posted it").click()
    expect(page.locator("#case .flash")).to_have_text("Noted as answered.")


def test_a_reply_goes_out_without_scripts(desk: Desk, open_context: Open, case_id: int) -> None:
    page = open_context(desk, "Mari", java_script_enabled=False).new_page()
    page.goto(f"/cases/{case_id}")
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    page.locator(".reply-text").fill("Hemen bakıyoruz, söz veriyoruz, bugün içinde")
    page.get_by_role("button", name="Count and check").click()
    expect(page.locator("#weighed")).to_contain_text("44 of 40")
    page.locator(".reply-text").fill("Hemen bakıyoruz!")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".under-way")).to_contain_text("Hemen bakıyoruz!")
