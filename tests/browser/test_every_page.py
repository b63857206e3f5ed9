"""Every page in a browser, with data, without, and broken: it opens, fits a phone, can be used by everybody,
and nothing goes wrong on it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text

from monitor.access.roles import Role
from tests.browser.looked_at import FOR_ADMINS, PAGES, Looker, axe_core
from tests.web.people import person
from tests.web.serving import Desk

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

CASES = ("ayse_k", "kuldnokk", "jun_dlc")
STRANGERS = ("/signed-out", "/login", "/login?kept=1")
REFUSED = {
    "/nowhere": 404,
    "/cases/99999999": 404,
    "/cases/x": 422,
    "/mentions?before=-1": 422,
    "/overview?from=2026-11-20&to=2026-11-01": 422,
    "/overview?from=2021-01-01&to=2026-11-20&grain=hour": 422,
    "/trends?brand=Nobody": 422,
    "/trends?figure=luck&by=moon": 422,
    "/trends/mentions?since=yesterday": 422,
    "/topics?from=9999-12-31": 422,
    "/competitors?rival=Nobody": 422,
    "/response?from=then": 422,
    "/response/cases?answer=soon": 422,
    "/staffing?handling=-3": 422,
    "/sources?source=nobody": 422,
    "/overview?language=cy": 200,
    "/audit?actor=nobody": 200,
}


@pytest.fixture(scope="module")
def axe(request: pytest.FixtureRequest) -> str:
    return axe_core(request.config.cache)


@pytest.fixture(scope="module")
def new(open_world: Callable[..., Desk], look: Callable[..., Looker]) -> Looker:
    """Where nothing was heard yet."""
    desk = open_world(login={"local": True})
    person(desk, "Mari", Role.ADMIN)
    return look(desk, "Mari")


@pytest.fixture(scope="module")
def vera(full: Desk, look: Callable[..., Looker]) -> Looker:
    """A viewer: customers are masked, and nothing can be pressed."""
    return look(full, "Vera")


@pytest.fixture(scope="module")
def nobody(full: Desk, look: Callable[..., Looker]) -> Looker:
    return look(full)


@pytest.fixture(scope="module")
def failing(open_world: Callable[..., Desk], look: Callable[..., Looker]) -> Looker:
    """Where the database has lost its tables."""
    desk = open_world(login={"local": True})
    person(desk, "Mari")
    looker = look(desk, "Mari")
    with desk.db.write() as session:
        session.execute(text("PRAGMA defer_foreign_keys = on"))
        for name in ("mentions", "cases", "rollups", "sessions", "sources"):
            session.execute(text(f"ALTER TABLE {name} RENAME TO lost_{name}"))
    return looker


def test_every_page_of_the_menu_is_looked_at(mari: Looker) -> None:
    page = mari.open("/")
    menu = [link.get_attribute("href") for link in page.locator(".top nav a, .menu a").all()]
    assert set(menu) <= set(PAGES)


@pytest.mark.parametrize("path", [*PAGES, *CASES])
def test_a_page_with_data(mari: Looker, ids: dict[str, int], axe: str, path: str) -> None:
    mari.open(f"/cases/{ids[path]}" if path in CASES else path)
    assert mari.complaints() == []
    assert mari.unusable(axe) == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_without_data(new: Looker, axe: str, path: str) -> None:
    new.open(path, 422 if "rival=" in path else 200)
    assert new.complaints() == []
    assert new.unusable(axe) == []


@pytest.mark.parametrize("path", [*PAGES, *CASES])
def test_a_page_for_viewers(vera: Looker, ids: dict[str, int], axe: str, path: str) -> None:
    page = vera.open(f"/cases/{ids[path]}" if path in CASES else path, 403 if path in FOR_ADMINS else 200)
    shown = page.content()
    assert [author for author in ids if author in shown] == []
    assert "customer_" not in shown
    assert vera.complaints() == []
    assert vera.unusable(axe) == []


@pytest.mark.parametrize("path", STRANGERS)
def test_a_page_for_strangers(nobody: Looker, axe: str, path: str) -> None:
    nobody.open(path)
    assert nobody.complaints() == []
    assert nobody.unusable(axe) == []


@pytest.mark.parametrize("path", REFUSED)
def test_what_cannot_be_shown_is_explained(mari: Looker, path: str) -> None:
    mari.open(path, REFUSED[path])
    assert mari.complaints() == []


@pytest.mark.parametrize("path", ["/nowhere", "/overview?language=cy", "/trends/mentions?since=yesterday"])
def test_an_explanation_can_be_read_by_everybody(mari: Looker, axe: str, path: str) -> None:
    mari.open(path, REFUSED[path])
    assert mari.unusable(axe) == []


@pytest.mark.parametrize("path", ["/", "/cases/1", *PAGES[1:9], "/account", "/people"])
def test_a_page_over_a_database_that_fails(failing: Looker, path: str) -> None:
    page = failing.open(path, 503)
    assert page.locator("h1").inner_text() == "The database does not answer"
    assert failing.complaints() == []
