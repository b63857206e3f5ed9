"""A real Chromium: the machine's own, or the one that `playwright install chromium` fetched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, sync_playwright

from tests.web.serving import Desk, desk, open_desk

__all__ = ["desk", "open_desk"]

NAMES = ("chromium", "chromium-browser", "google-chrome")


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
        if message.type == "error" and "ERR_" not in message.text and not said_no:
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
