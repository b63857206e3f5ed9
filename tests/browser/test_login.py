"""Signing in and out in a browser, by keyboard, and a session that ends in the middle of a word."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from monitor.access.roles import Role
from monitor.access.tokens import Tokens
from monitor.clock import ManualClock
from monitor.sources.base import Capabilities
from tests.web.people import PASSWORD, US, person
from tests.web.serving import Desk
from tests.web.town import AYSE, case, settle

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Open = Callable[..., BrowserContext]
UNREADABLE = Path(__file__).with_name("unreadable.js").read_text(encoding="utf-8")
PHONE = {"viewport": {"width": 360, "height": 780}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def desk(open_desk: Callable[..., Desk], clock: ManualClock) -> Desk:
    desk = open_desk(clock, login={"local": True, "idle": "1h"})
    desk.square.capabilities = Capabilities(reply=True, reply_limit=400, place="the Square")
    return desk


@pytest.fixture
def case_id(desk: Desk) -> int:
    with desk.db.write() as session:
        return case(session, AYSE, desk.clock.now() - timedelta(minutes=10)).id


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.get_by_label("Name or e-mail address").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_the_whole_way_in_and_out_by_keyboard(desk: Desk, open_context: Open, case_id: int) -> None:
    person(desk, "Mari")
    page = open_context(desk, refused=["/login"]).new_page()
    page.goto(f"/cases/{case_id}")
    expect(page.get_by_label("Name or e-mail address")).to_be_focused()
    page.keyboard.type("mari")
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("That name and password do not belong together.")
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{desk.address}/cases/{case_id}")
    expect(page.locator("html.runs")).to_be_attached()
    page.keyboard.press("t")
    expect(page.locator("#case .flash")).to_have_text("It is yours now.")
    page.locator(".who summary").press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Your account and sessions")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
    page.go_back()
    expect(page.get_by_label("Password")).to_be_visible()


def test_a_page_whose_session_ends_keeps_what_was_typed_and_goes_on_after_signing_in_elsewhere(
    desk: Desk, open_context: Open, clock: ManualClock, case_id: int
) -> None:
    person(desk, "Mari")
    context = open_context(desk)
    page = context.new_page()
    page.goto(f"/cases/{case_id}")
    sign_in(page, "Mari")
    expect(page.locator("html.runs")).to_be_attached()
    clock.move(timedelta(hours=2))
    page.locator(".reply-text").press_sequentially("Your money is on its way")
    expect(page.locator("#signedout")).to_be_visible()
    expect(page.locator(".reply-text")).to_have_value("Your money is on its way")
    with context.expect_page() as opened:
        page.get_by_role("link", name="Sign in again").click()
    sign_in(opened.value, "Mari")
    expect(opened.value.locator("h1")).to_be_visible()
    opened.value.close()
    page.locator(".reply-text").press_sequentially("!")
    expect(page.locator("#weighed .count")).to_have_text("25 of 400", timeout=30_000)  # the languages are loaded
    expect(page.locator("#signedout")).to_be_hidden()
    page.locator("#reply-send").click()
    expect(page.locator("#case .flash")).to_have_text("It goes out now.")


def test_a_reply_sent_with_an_ended_session_is_in_its_form_after_signing_in(
    desk: Desk, open_context: Open, clock: ManualClock, case_id: int
) -> None:
    person(desk, "Mari")
    page = open_context(desk).new_page()
    page.goto(f"/cases/{case_id}")
    sign_in(page, "Mari")
    expect(page.locator("html.runs")).to_be_attached()
    clock.move(timedelta(hours=2))
    page.locator(".reply-text").fill("Your money is on its way")
    page.locator("#reply-send").click()
    expect(page.get_by_role("status").filter(has_text="What you wrote is kept")).to_be_visible()
    sign_in(page, "Mari")
    expect(page).to_have_url(f"{desk.address}/cases/{case_id}")
    expect(page.locator(".reply-text")).to_have_value("Your money is on its way")


def test_an_admin_gives_a_role_and_reads_of_it(desk: Desk, open_context: Open) -> None:
    person(desk, "Boss", Role.ADMIN)
    person(desk, "Vera", Role.VIEWER)
    page = open_context(desk).new_page()
    page.goto("/people")
    sign_in(page, "Boss")
    page.get_by_label("Role of Vera").select_option("agent")
    page.get_by_role("button", name="Give Vera this role").click()
    expect(page.get_by_label("Role of Vera")).to_have_value("agent")
    page.locator(".who summary").click()
    page.get_by_role("link", name="Audit log").click()
    expect(page.get_by_role("row", name=re.compile("changed a role")).first).to_contain_text("user: Vera")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read_also_on_a_phone(desk: Desk, open_context: Open, scheme: str) -> None:
    settle(desk.db, desk.clock.now())
    person(desk, "Mari Maasikas-Tamm", Role.ADMIN, email="mari.maasikas-tamm@customer-care.acme.example")
    person(desk, "Vera", Role.VIEWER)
    Tokens(desk.db).add("Grafana in the office", ["read", "export", "personal"], US, desk.clock.now())
    page = open_context(desk, refused=["/login", "/people/role", "/people"], color_scheme=scheme, **PHONE).new_page()
    page.goto("/login?kept=1")
    assert page.evaluate(UNREADABLE) == []
    sign_in(page, "Mari Maasikas-Tamm", "wrong")
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.evaluate(UNREADABLE) == []
    sign_in(page, "Mari Maasikas-Tamm")
    expect(page.locator(".who")).to_be_visible()
    for address in ("/account", "/people", "/audit", "/audit?actor=nobody", "/signed-out", "/"):
        page.goto(address)
        if page.locator(".who summary").count():
            page.locator(".who summary").click()
        assert page.evaluate(UNREADABLE) == [], address
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    page.goto("/people")
    page.get_by_label("Role of Vera").select_option("admin")
    page.get_by_role("button", name="Give Vera this role").click()
    page.get_by_label("Role of Mari").select_option("viewer")
    page.get_by_role("button", name="Give Mari").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("That takes the role admin")
    assert page.evaluate(UNREADABLE) == []
