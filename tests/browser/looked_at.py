"""What is looked for on a page that a browser has opened: what broke, and what somebody could not use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, expect

from tests.peers.npm import installed
from tests.web.serving import Desk

AXE = "axe-core@4.14.1"
# each that has the menu, and most that lead on from there
PAGES = (
    "/",
    "/mentions",
    "/overview",
    "/trends",
    "/topics",
    "/competitors",
    "/response",
    "/staffing",
    "/sources",
    "/corrections",
    "/?show=mine",
    "/trends?by=source&figure=net_sentiment",
    "/trends?by=none&figure=complaint_rate&grain=week",
    "/trends/mentions?since=2026-11-15T00:00Z&until=2026-11-17T00:00Z",
    "/response?language=en&minutes=business",
    "/response?from=2026-11-20&to=2026-11-20",
    "/response/cases?answer=later&since=2026-11-15T00:00Z&until=2026-11-17T00:00Z",
    "/competitors?rival=Beta",
    "/account",
    "/people",
    "/audit",
)
FOR_ADMINS = ("/people", "/audit")
DESKTOP, PHONE = {"width": 1400, "height": 900}, {"width": 360, "height": 780}
UNREADABLE = Path(__file__).with_name("unreadable.js").read_text(encoding="utf-8")
_WATCH = """
window.ran = false; // whatever a hostile text starts sets this
window.broken = [];
addEventListener("securitypolicyviolation", (event) => {
  window.broken.push(`${event.violatedDirective} ${event.blockedURI}`);
});
"""
_JUDGE = """
async (only) => {
  const { violations } = await axe.run(document, {
    resultTypes: ["violations"], ...(only && { runOnly: { type: "rule", values: only } }),
  });
  const bad = violations.filter((each) => ["serious", "critical"].includes(each.impact));
  return bad.flatMap((each) => each.nodes.map((node) => `${each.id}: ${node.target.join(" ")}: ${node.html}`));
}
"""


def all_drawn(page: Page) -> None:
    """Wait until every chart of the page is."""
    count = page.locator(".drawing").count()
    expect(page.locator(".drawing[data-drawn] svg")).to_have_count(count, timeout=30_000)


class Looker:
    """One browser of one person at one desk, in which page after page is opened."""

    def __init__(self, browser: Browser, desk: Desk, cookie: str | None = None, **options: Any) -> None:
        shape = {"viewport": DESKTOP, "locale": "en-GB", "timezone_id": "UTC", "reduced_motion": "reduce"}
        self.context: BrowserContext = browser.new_context(base_url=desk.address, **shape | options)
        self.context.add_init_script(_WATCH)
        if cookie is not None:
            self.context.add_cookies([{"name": "firsthour_session", "value": cookie, "url": desk.address}])
        self.page: Page = self.context.new_page()
        self.wrong: list[str] = []
        self._expected = 200
        self._address = ""
        self.page.on("console", self._logged)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        self.page.on("requestfailed", lambda request: self._failed(request.url, request.failure or ""))
        self.page.on("response", self._answered)

    def open(self, path: str, status: int = 200) -> Page:
        """Open a page, and wait until its charts are drawn. It has a heading and fits, and nothing went wrong."""
        self._expected, self._address = status, path
        self.wrong.clear()
        self.page.emulate_media(color_scheme="light", reduced_motion="reduce")
        self.page.set_viewport_size(DESKTOP)
        answer = self.page.goto(path)
        assert answer is not None
        assert answer.status == status, path
        expect(self.page.locator("h1")).to_have_count(1)
        expect(self.page.locator("h1")).not_to_be_empty()
        all_drawn(self.page)
        return self.page

    def complaints(self) -> list[str]:
        """What went wrong since the page was opened, and what does not fit a phone."""
        self.page.set_viewport_size(PHONE)
        width = self.page.evaluate("document.documentElement.scrollWidth")
        wide = [f"{width} px wide on a phone"] if width > PHONE["width"] else []
        if self.page.evaluate("window.ran"):
            wide.append("a script of a customer ran")
        return self.wrong + self.page.evaluate("window.broken") + wide

    def unusable(self, axe: str) -> list[str]:
        """What axe-core calls serious or critical, and what unreadable.js finds: on a desktop and a phone, each in the
        light and in the dark."""
        found = []
        self.page.evaluate(axe)
        for shape in (DESKTOP, PHONE):
            self.page.set_viewport_size(shape)
            for scheme in ("light", "dark"):
                self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
                only = None if scheme == "light" else ["color-contrast"]
                judged = self.page.evaluate(_JUDGE, only) + self.page.evaluate(UNREADABLE)
                found += [f"{shape['width']} px, {scheme}: {each}" for each in judged]
        return found

    def _logged(self, message: ConsoleMessage) -> None:
        refused = "responded with a status of" in message.text  # judged by its answer
        if message.type in ("error", "warning") and not refused:
            self.wrong.append(f"{message.text} ({message.location['url']})")

    def _failed(self, url: str, why: str) -> None:
        if "ERR_ABORTED" not in why:  # the page was left, and its stream of events with it
            self.wrong.append(f"{url}: {why}")

    def _answered(self, response: Response) -> None:
        page = response.request.is_navigation_request()
        if response.status >= 400 and not (page and response.status == self._expected):
            self.wrong.append(f"{response.url}: {response.status}")


def axe_core(cache: pytest.Cache) -> str:
    """axe-core, of npm. Skips where it cannot be had."""
    return (installed(cache, AXE) / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
