"""What hostile customers write, on every page: no script runs, nothing breaks out of its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

import pytest

from monitor import rollups
from monitor.access.roles import Role
from monitor.access.tokens import Tokens
from monitor.annotations import annotate
from monitor.database import Database
from monitor.models import MentionRow, RejectRow, SourceState
from tests.browser.city import DAY, HOUR, SECTIONS
from tests.browser.looked_at import FOR_ADMINS, PAGES, Looker
from tests.web import town
from tests.web.people import US, person
from tests.web.serving import Desk

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

RUN = "window.ran=true"
WRITTEN = (
    f"<script>{RUN}</script>the parcel is late",
    f"</script><script>{RUN}</script>the parcel is late",
    f'"><img src=x onerror="{RUN}">the parcel is late',
    f"' onmouseover='{RUN}' autofocus onfocus='{RUN}' x='",
    f"<svg/onload={RUN}><style>*{{display:none}}</style>",
    f"</textarea></title></style><iframe srcdoc='<script>parent.{RUN}</script>'>",
    f"{{{{ 7*7 }}}} {{% raw %}} ${{{RUN}}} #{{{RUN}}} the parcel is late",
    f"javascript:{RUN}//the parcel is late",
    "\u202egnp.exe\u202c \u2066the parcel\u2069 \u200f\u061cis late",
    '=HYPERLINK("https://evil.example","the parcel is late")',
    "W" * 10_000,
    "Z" + "\u0301" * 500 + " the parcel is late",
    json.dumps({"a": "]]><!--the parcel is late"}) + "<!--",
)
CASES = tuple(f"/cases/{n + 1}" for n in range(len(WRITTEN)))
# what no page may have after it was drawn, whoever wrote what
BROKEN_OUT = """
() => [...document.querySelectorAll("*")].flatMap((element) => {
  const bad = element.matches("img, iframe, object, embed, body style, script:not([src], [type='application/json'])");
  const runs = [...element.attributes].filter(({ name, value }) =>
    name.startsWith("on") || /^(href|src|action)$/.test(name) && /^\\s*(javascript|data|vbscript):/i.test(value));
  return bad || runs.length ? [element.outerHTML.slice(0, 200)] : [];
})
"""
TURNED = "() => /[\\u202a-\\u202e\\u2066-\\u2069]/.test(document.body.innerText)"


@pytest.fixture(scope="module")
def hostile(open_world: Callable[..., Desk]) -> Desk:
    """Where customers, colleagues and sources all write such things."""
    templates = [{"name": words[:60], "text": "Sorry"} for words in WRITTEN]
    desk = open_world(**SECTIONS | {"templates": templates})
    write(desk.db, desk.clock.now())
    person(desk, "Mari", Role.ADMIN)
    person(desk, "Vera", Role.VIEWER)
    for words in WRITTEN[:4]:
        person(desk, words[:60])
        Tokens(desk.db).add(words[:60], ["read"], US, desk.clock.now())
    return desk


@pytest.fixture(scope="module")
def victim(hostile: Desk, look: Callable[..., Looker]) -> Looker:
    return look(hostile, "Mari")


@pytest.fixture(scope="module")
def viewer(hostile: Desk, look: Callable[..., Looker]) -> Looker:
    """Who sees the same with the customers masked."""
    return look(hostile, "Vera")


def write(db: Database, now: datetime) -> None:
    with db.write() as session:
        ids = []
        for n, words in enumerate(WRITTEN * 4):
            said = town.Said(words[:300], words[:90], "en", words, 0.9, town.BAD, "high", "other")
            case = town.case(session, said, now - n * HOUR / 4, brand="Acme")
            first = session.get_one(MentionRow, case.mention_id)
            first.author_name, first.url, first.author_url = words[:400], f"javascript:{RUN}", "data:text/html,x"
            first.media = [f"javascript:{RUN}", words]
            case.owner, case.state = (words[:60], "taken") if n % 2 else (None, "open")
            for kind in ("note", "hand_over", "reply"):
                town.happened(session, case, kind, words[:90], now, "web", text=words, to=words, reply_id=1)
            ids.append(first.id)
        rollups.count(session, ids)
        for n, words in enumerate(WRITTEN):
            short = words.replace("\u202e", "")[:150]
            annotate(session, now - n * DAY, None, short, None, "Mari", now)
            session.add(RejectRow(source=words[:90], external_id=f"{n}", reason=words, raw=words, at=now))
        for name, words in zip(("app-store", "reddit", "x"), WRITTEN, strict=False):
            session.add(SourceState(name=name, failing_since=now - HOUR, failures=9, error=words))


@pytest.mark.parametrize("path", [*PAGES, *CASES])
def test_nothing_that_is_written_does_anything(victim: Looker, path: str) -> None:
    harmless(victim, path)


@pytest.mark.parametrize("path", [*(path for path in PAGES if path not in FOR_ADMINS), *CASES])
def test_nor_does_it_where_customers_are_masked(viewer: Looker, path: str) -> None:
    harmless(viewer, path)


def harmless(looker: Looker, path: str) -> None:
    page = looker.open(path)
    for drawing in page.locator(".drawing").all():
        drawing.hover()  # its tip tells names, too
    assert page.evaluate(BROKEN_OUT) == []
    assert not page.evaluate(TURNED)
    assert looker.complaints() == []


def test_what_is_written_is_there_to_be_read(victim: Looker) -> None:
    page = victim.open("/mentions")
    for words in (WRITTEN[0], WRITTEN[2], WRITTEN[6]):
        assert page.get_by_text(words).first.is_visible()
