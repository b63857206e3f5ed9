"""The desk in a browser: it lives, it can be used by keyboard and on a phone, and everybody can read it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from monitor.clock import SystemClock
from monitor.models import MentionRow
from tests.web import town
from tests.web.serving import Desk
from tests.web.test_desk_pages import HOSTILE

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Open = Callable[..., BrowserContext]
PHONE = {"viewport": {"width": 360, "height": 780}, "has_touch": True, "is_mobile": True}


def live(page: Page) -> None:
    """Wait until the page has heard from the service, so that what follows is seen by it."""
    expect(page.locator(".who")).to_be_visible()
    page.wait_for_function("document.querySelector('#main') && window.htmx")


@pytest.mark.parametrize("together", [True, False], ids=["tabs of one browser", "two browsers"])
def test_a_case_taken_in_one_tab_changes_in_the_other(desk: Desk, open_context: Open, together: bool) -> None:
    ids = town.settle(desk.db, desk.clock.now())
    first = open_context(desk, "Mari")
    mine, other = first.new_page(), (first if together else open_context(desk, "Jaan")).new_page()
    mine.goto(f"/cases/{ids['ayse_k']}")
    other.goto(f"/cases/{ids['ayse_k']}")
    live(other)
    mine.get_by_role("button", name="Take it", exact=True).click()
    expect(mine.locator("#case .flash")).to_have_text("It is yours now.")
    expect(other.locator(".history")).to_contain_text("Mari took it")
    expect(other.locator(f"[data-case='{ids['ayse_k']}'] .owner")).to_contain_text("Mari has it")


def test_what_another_person_does_in_slack_shows_without_touching_what_i_type(desk: Desk, open_context: Open) -> None:
    ids = town.settle(desk.db, desk.clock.now())
    page = open_context(desk, "Mari").new_page()
    page.goto(f"/cases/{ids['kuldnokk']}")
    page.locator(".note textarea").press_sequentially("half a sen")
    desk.cases.act(ids["kuldnokk"], "note", "Liis", "slack", desk.clock.now(), text="I know the hub's manager.")
    expect(page.locator(".history")).to_contain_text("I know the hub's manager.")
    page.keyboard.type("tence")
    expect(page.locator(".note textarea")).to_have_value("half a sentence")
    page.get_by_role("button", name="Save note").click()
    expect(page.locator(".history")).to_contain_text("half a sentence")
    expect(page.locator(".note textarea")).to_have_value("")


def test_clocks_run_down_between_events_and_turn_late_by_themselves(
    open_desk: Callable[..., Desk], open_context: Open
) -> None:
    clock = SystemClock(speed=30)
    fast = open_desk(clock)
    with fast.db.write() as session:
        row = town.case(session, town.AYSE, clock.now() - timedelta(minutes=57))
        case_id = row.id
    page = open_context(fast).new_page()
    page.goto(f"/cases/{case_id}")
    expect(page.locator(".fast")).to_have_text("clock × 30")
    figure = page.locator(f"[data-case='{case_id}'] .figure")
    first = figure.inner_text()
    expect(figure).not_to_have_text(first)
    expect(page.locator(f"[data-case='{case_id}'] .time")).to_have_class(re.compile("late"), timeout=20_000)
    expect(page.locator("h1")).to_have_text("1 is late, answer it now", timeout=20_000)
    expect(page.locator("#case .big b")).to_contain_text("late")


def test_new_mentions_and_cases_arrive_by_themselves(desk: Desk, open_context: Open) -> None:
    page = open_context(desk).new_page()
    page.goto("/")
    expect(page.locator("h1")).to_have_text("Nobody is waiting for an answer")
    languages = (town.AYSE, town.KADRI, town.JUN, town.SLOBODAN, town.NOURA, town.MEENA, *town.OTHERS[:3])
    for said in languages:
        with desk.db.write() as session:
            (town.case if said.complaint > 0.5 else town.mention)(session, said, desk.clock.now())  # type: ignore[operator]
    expect(page.locator("#heard .item")).to_have_count(len(languages))
    expect(page.locator("#heard h2")).to_contain_text("in 9 languages")
    expect(page.locator("#waiting .row")).to_have_count(6)
    expect(page).to_have_title("(6) firsthour")


def test_the_keyboard_is_enough(desk: Desk, open_context: Open) -> None:
    ids = town.settle(desk.db, desk.clock.now())
    page = open_context(desk, "Mari").new_page()
    page.goto("/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(f"#row-{ids['noura.q8']}")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#case")).to_have_attribute("data-open", str(ids["noura.q8"]))
    expect(page).to_have_url(re.compile(f"/cases/{ids['noura.q8']}$"))
    page.keyboard.press("t")
    expect(page.locator("#case .flash")).to_have_text("It is yours now.")
    page.keyboard.press("n")
    expect(page.locator(".note textarea")).to_be_focused()
    page.keyboard.type("jt?")
    expect(page.locator(".note textarea")).to_have_value("jt?")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.locator("#keys-on").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    expect(page.locator(".note textarea")).not_to_be_focused()
    page.go_back()
    expect(page.locator("#case")).to_be_hidden()


def test_everything_works_without_scripts(desk: Desk, open_context: Open) -> None:
    ids = town.settle(desk.db, desk.clock.now())
    page = open_context(desk, java_script_enabled=False).new_page()
    page.goto("/")
    page.locator(f"#row-{ids['meena_tvl']}").click()
    page.locator("#act-name").fill("Mari Ööbik")
    page.get_by_role("button", name="Take it", exact=True).click()
    expect(page.locator(".who summary")).to_contain_text("Mari Ööbik")
    expect(page.locator(".history")).to_contain_text("Mari Ööbik took it")


def test_hostile_text_does_nothing(desk: Desk, open_context: Open) -> None:
    said = town.Said(HOSTILE, "x", "en", HOSTILE, 0.9, town.BAD)
    with desk.db.write() as session:
        row = town.case(session, said, desk.clock.now())
        first = session.get_one(MentionRow, row.mention_id)
        first.url = first.author_url = "javascript:alert(3)"
        town.case(session, town.Said("big", "x", "en", "W" * 1_000_000, 0.9), desk.clock.now())
    page = open_context(desk, "Mari").new_page()
    for path in ("/", "/cases/1", "/cases/2", "/mentions"):
        page.goto(path)
        live(page)
        assert page.locator("img").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1400, 1920])
def test_no_width_needs_scrolling_sideways(desk: Desk, open_context: Open, width: int) -> None:
    ids = town.settle(desk.db, desk.clock.now())
    page = open_context(desk, "Mari", viewport={"width": width, "height": 800}).new_page()
    for path in ("/", f"/cases/{ids['ayse_k']}", "/mentions"):
        page.goto(path)
        live(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_on_a_phone_a_case_fills_the_screen_and_leads_back(desk: Desk, open_context: Open) -> None:
    ids = town.settle(desk.db, desk.clock.now())
    page = open_context(desk, "Mari", **PHONE).new_page()
    page.goto("/")
    page.locator(f"#row-{ids['noura.q8']}").tap()
    expect(page.locator("#case")).to_be_visible()
    expect(page.locator("#main")).to_be_hidden()
    page.get_by_role("link", name="All cases").tap()
    expect(page.locator("#main")).to_be_visible()
    expect(page.locator("#case")).to_be_hidden()


def test_when_the_service_is_gone_the_page_says_so(desk: Desk, open_context: Open) -> None:
    page = open_context(desk).new_page()
    page.goto("/")
    live(page)
    expect(page.locator("#offline")).to_be_hidden()
    desk.server.stop()
    expect(page.locator("#offline")).to_be_visible(timeout=20_000)


UNREADABLE = Path(__file__).with_name("unreadable.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("me", ["Mari", None], ids=["known", "unknown"])
def test_everything_can_be_read_and_has_a_name(desk: Desk, open_context: Open, scheme: str, me: str | None) -> None:
    ids = town.settle(desk.db, desk.clock.now())
    page = open_context(desk, me, color_scheme=scheme, viewport={"width": 1680, "height": 945}).new_page()
    for path in ("/", f"/cases/{ids['ayse_k']}", f"/cases/{ids['kuldnokk']}", "/mentions", "/?show=mine"):
        page.goto(path)
        live(page)
        page.emulate_media(reduced_motion="reduce")
        assert page.evaluate(UNREADABLE) == [], path
