"""What a reader waits for, in Chromium: until each page of figures shows something and its last chart is drawn, with
nothing in the browser's cache and with all of it; from a click on a point to its mentions; and until a case taken in
one tab changes in another. The desk serves on loopback, in this process. Pages are asked once before they are timed.

python -m benchmarks.paint [MENTIONS [URL]]: over the past of benchmarks.past
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from sqlalchemy import select

from benchmarks.pages import desk
from benchmarks.past import Row, asked
from monitor.database import Database
from monitor.models import CaseRow
from monitor.web import DeskServer

PAGES = ("/overview", "/trends", "/topics", "/competitors", "/response", "/staffing", "/corrections", "/sources")
OTHERS = ("/", "/mentions", "/mentions?q=acme+late")
RUNS = 5
POINTS = 10
TAKES = 20
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
# Notes when the last chart was drawn, when somebody clicked, and when the open case was taken or given back, by a clock
# that all tabs share, in milliseconds.
_NOTES = """
const now = () => performance.timeOrigin + performance.now();
window.noted = { drawn: 0, taken: null, changed: 0 };
new MutationObserver((changes) => {
  if (changes.some((change) => change.attributeName === "data-drawn")) noted.drawn = now();
  const taken = document.querySelector("#case .state")?.textContent.includes("taken");
  if (taken !== undefined && taken !== noted.taken) Object.assign(noted, { taken, changed: now() });
}).observe(document, { attributes: true, attributeFilter: ["data-drawn"], childList: true, subtree: true });
addEventListener("click", () => sessionStorage.setItem("clicked", now()), { capture: true });
"""
# as functions: the pages' own policy forbids to evaluate words again and again
_DRAWN = "() => document.querySelectorAll('.drawing:not([data-drawn])').length === 0"
_PAINTED = "() => performance.getEntriesByName('first-contentful-paint').length > 0"
_TOOK = """() => {
  const { requestStart, responseStart } = performance.getEntriesByType("navigation")[0];
  const began = performance.timeOrigin;
  const first = performance.getEntriesByName("first-contentful-paint")[0].startTime;
  const clicked = began - Number(sessionStorage.getItem("clicked") ?? began);
  return { server: responseStart - requestStart, first, last: Math.max(first, noted.drawn - began), clicked };
}"""


@dataclass(frozen=True, slots=True)
class Seen:
    """Milliseconds: from the request to the answer's first byte, and from the beginning of the navigation to the first
    text and to the last chart. `clicked` is how long before that somebody clicked."""

    server: float
    first: float
    last: float
    clicked: float


def answers(db: Database) -> Iterator[Row]:
    server = DeskServer(desk(db), port=0)
    server.start()
    try:
        with _chromium() as browser:
            for address in (*PAGES, *OTHERS):
                yield from _page(browser, server.address, address)
            yield _behind_points(browser, server.address)
            yield _two_tabs(db, browser, server.address)
    finally:
        server.stop()
    yield "load of the machine, 1 and 15 minutes", "{:.1f}, {:.1f}".format(*os.getloadavg()[::2]), ""


@contextmanager
def _chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = next((path for name in _CHROMIUM if (path := shutil.which(name))), None)
        browser = playwright.chromium.launch(executable_path=found, chromium_sandbox=os.getuid() != 0)
        yield browser
        browser.close()


@contextmanager
def _tabs(browser: Browser, server: str) -> Iterator[BrowserContext]:
    """A browser with an empty cache."""
    context = browser.new_context(base_url=server, viewport={"width": 1400, "height": 900}, timezone_id="UTC")
    context.set_default_timeout(120_000)
    context.add_init_script(_NOTES)
    context.add_cookies([{"name": "firsthour_me", "value": "Mari", "url": server}])
    yield context
    context.close()


def _page(browser: Browser, server: str, address: str) -> Iterator[Row]:
    cold, warm = [], []
    for run in range(RUNS + 1):
        with _tabs(browser, server) as context:
            times = [_opened(context.new_page(), address) for _ in range(2)]
            if run:  # the first pays for what only the first one needs
                cold.append(times[0])
                warm.append(times[1])
    for name, seen in (("nothing cached", cold), ("cached", warm)):
        last = f", last chart {_p95(each.last for each in seen)}" if address in PAGES else ""
        figure = f"{_p95(each.first for each in seen)}{last}, of it the server {_p95(each.server for each in seen)}"
        yield f"paint: {address}, {name}", figure, "first paint 1,000 ms"


def _opened(page: Page, address: str) -> Seen:
    page.goto(address)
    return _seen(page)


def _seen(page: Page) -> Seen:
    page.wait_for_function(_DRAWN)
    page.wait_for_function(_PAINTED)
    return Seen(**page.evaluate(_TOOK))


def _behind_points(browser: Browser, server: str) -> Row:
    seen = []
    with _tabs(browser, server) as context:
        page = context.new_page()
        for day in range(POINTS + 1):
            _opened(page, "/overview")
            page.locator("#volume .mark-rect path").nth(3 * day).click()
            page.wait_for_url("**/trends/mentions**")
            seen.append(_seen(page))
    del seen[0]
    figure = (
        f"{_p95(each.clicked + each.first for each in seen)}, of it the server {_p95(each.server for each in seen)}"
    )
    return f"paint: from a click on a point to its mentions, {len(seen)} points", figure, "server 300 ms"


def _two_tabs(db: Database, browser: Browser, server: str) -> Row:
    """Somebody takes a case, and gives it back, so that the past stays as it is."""
    with db.read() as session:
        case = session.scalar(select(CaseRow.id).where(CaseRow.state == "open").limit(1))
    assert case is not None, "no case is open: give a database with more mentions"
    took = []
    with _tabs(browser, server) as context:
        mine, other = context.new_page(), context.new_page()
        for page in (mine, other):
            _opened(page, f"/cases/{case}")
        for _ in range(TAKES + 1):
            clicked = _pressed("take", mine, other)
            took.append(other.evaluate("noted.changed") - clicked)
            _pressed("release", mine, other)
    return f"paint: a case taken in one tab, seen in another, {TAKES} times", _p95(took[1:]), "1,000 ms"


def _pressed(button: str, mine: Page, other: Page) -> float:
    """When, by the clock of the pages."""
    mine.locator(f"#act-{button}").click()
    for page in (mine, other):
        page.wait_for_function(f"() => noted.taken === {'true' if button == 'take' else 'false'}", polling=20)
    return float(mine.evaluate("Number(sessionStorage.getItem('clicked'))"))


def _p95(times: Iterable[float]) -> str:
    ordered = sorted(times)
    return f"half in {median(ordered):,.0f}, 19 of 20 in {ordered[-(-95 * len(ordered) // 100) - 1]:,.0f} ms"


if __name__ == "__main__":
    asked(answers)
