"""A real Chromium: the machine's own, or the one that `playwright install chromium` fetched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, sync_playwright

from monitor.clock import ManualClock
from monitor.database import Database
from monitor.settings import Settings
from tests.browser import city
from tests.browser.looked_at import Looker
from tests.conftest import NOON
from tests.web.people import browser as browser_of
from tests.web.serving import Desk, desk, open_desk, served

__all__ = ["desk", "open_desk"]

NAMES = ("chromium", "chromium-browser", "google-chrome")
UNREACHABLE = ("ERR_", "htmx:sendError", "htmx:afterRequest")
"""What a page logs when its server does not answer at all: tests stop servers, and leave pages in mid-request."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = next((path for name in NAMES if (path := shutil.which(name))), playwright.chromium.executable_path)
        if not Path(found).exists():
            pytest.skip("there is no Chromium: install the package chromium, or run `playwright install chromium`")
        try:
            browser = playwright.chromium.launch(executable_path=found, chromium_sandbox=os.getuid() != 0)
        except Error as error:
            pytest.skip(f"{found} does not start here: {error.message.splitlines()[0]}")
        yield browser
        browser.close()


@pytest.fixture
def open_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """A browser of one person: `open_context(desk, me="Mari", refused=paths, **options of Playwright)`. The test fails
    in the end if a page logged an error, broke its own content policy, or opened a dialog. A page under `refused` may
    be answered with a status that says no."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []
    expected: list[str] = []

    def logged(message: ConsoleMessage) -> None:
        said_no = "responded with a status of 4" in message.text and message.location["url"].endswith(tuple(expected))
        if message.type == "error" and not said_no and not any(sign in message.text for sign in UNREACHABLE):
            complaints.append(f"{message.text} ({message.location['url']})")

    def watch(page: Page) -> None:
        page.on("console", logged)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))

    def start(desk: Desk, me: str | None = None, refused: Sequence[str] = (), **options: Any) -> BrowserContext:
        expected.extend(refused)
        shape = {"viewport": {"width": 1400, "height": 900}, "locale": "en-GB", "timezone_id": "UTC"}
        context = browser.new_context(base_url=desk.address, **shape | options)
        context.on("page", watch)
        if me is not None:
            context.add_cookies([{"name": "firsthour_me", "value": me, "url": desk.address}])
        contexts.append(context)
        return context

    yield start
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="module")
def open_world(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Desk]]:
    """Opens desks at noon over databases of their own: `open_world(**sections)`."""
    with ExitStack() as opened:

        def start(**sections: Any) -> Desk:
            path = tmp_path_factory.mktemp("world") / "firsthour.sqlite"
            shutil.copyfile(migrated, path)
            settings = Settings.model_validate({"database": {"url": f"sqlite:///{path}"}} | sections)
            db = Database(settings.database.url)
            opened.callback(db.close)
            return opened.enter_context(served(db, ManualClock(NOON), settings))

        yield start


@pytest.fixture(scope="module")
def look(browser: Browser) -> Iterator[Callable[..., Looker]]:
    """Opens browsers: `look(desk, "Mari")`, for nobody without a name."""
    lookers = []

    def start(desk: Desk, name: str | None = None) -> Looker:
        cookie = None
        if name is not None:
            visitor = browser_of(desk)
            visitor.sign_in(name)
            cookie = visitor.http.cookies["firsthour_session"]
        lookers.append(Looker(browser, desk, cookie))
        return lookers[-1]

    yield start
    for looker in lookers:
        looker.context.close()


@pytest.fixture(scope="module")
def ids() -> dict[str, int]:
    """Cases of the city, by author."""
    return {}


@pytest.fixture(scope="module")
def full(open_world: Callable[..., Desk], ids: dict[str, int]) -> Desk:
    desk = open_world(**city.SECTIONS)
    ids.update(city.settle(desk))
    return desk


@pytest.fixture(scope="module")
def mari(full: Desk, look: Callable[..., Looker]) -> Looker:
    return look(full, "Mari")
