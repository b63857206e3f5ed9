"""The page of the topics: a small world reckoned by hand, bad input, nothing to show, hostile words."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from monitor import rollups
from monitor.access.roles import Role
from monitor.clock import ManualClock
from monitor.database import Database
from tests.web import town
from tests.web.people import signed_in
from tests.web.serving import Desk
from tests.web.test_desk_pages import HOSTILE, Seen, heading
from tests.web.test_overview_page import DAY, HOUR

LATE = replace(town.PETRA, language="en", text="My parcel is late", topic="delivery", source="x")
VOUCHER = replace(LATE, text="The voucher is refused at the checkout", topic="billing", source="reddit")
MUSIC = replace(LATE, text="The loud music in the store hurts", topic="other")
_people = itertools.count()
PRAISE = replace(town.OTHERS[0], language="en", text="The voucher is lovely")


def said(db: Database, at: datetime, count: int, what: town.Said) -> None:
    """So many people within the hour before."""
    with db.write() as session:
        rows = [
            town.mention(session, replace(what, author=f"a{next(_people)}"), at - HOUR / 60 - n * HOUR / 999)
            for n in range(count)
        ]
        rollups.count(session, [row.id for row in rows])


@pytest.fixture
def world(desk: Desk) -> Desk:
    """60 complaints: 24 about delivery, 30 about billing that name a voucher, 6 about something other. Before: 40, 39
    of them about delivery. Praise does not count."""
    now = desk.clock.now()
    said(desk.db, now, 24, LATE)
    said(desk.db, now, 30, VOUCHER)
    said(desk.db, now - DAY, 6, MUSIC)
    said(desk.db, now, 50, PRAISE)
    said(desk.db, now - 55 * DAY, 39, LATE)
    said(desk.db, now - 40 * DAY, 1, MUSIC)
    return desk


def test_titles_say_what_complaints_are_made_of_what_rises_and_what_no_topic_covers(world: Desk) -> None:
    answer = world.http.get("/topics").text
    page = Seen(answer)
    assert heading(answer) == "What complaints are about"
    # 24 of 60 after 39 of 40: the greatest difference
    assert "40 % of complaints are about delivery, after 98 % in the 28 days before, and 1 more moved" in page.text
    assert "Rising: complaints about billing, 30, after none in the 28 days before" in page.text
    assert "is said by 30 of 60 who complain in English, after 0 of 40 in the 28 days before" in page.text
    assert re.search(
        r"No topic covers “[\w ·]*music[\w ·]*”: 6 of 6 people, after 1 of 1 in the 28 days before, within chance",
        page.text,
    )
    assert page.text.count(VOUCHER.text) == 1  # one example, since all say the same
    assert "Acme, only complaints, 2026-10-24 to 2026-11-20, UTC" in page.text
    assert "Read: 60 of 60 complaints, and 40 of 40 before" in page.text
    assert ("a", {"href": "/topics", "aria-current": "page"}) in page.tags


def test_programs_get_shares_terms_and_clusters_with_examples(world: Desk) -> None:
    found = world.http.get("/api/v1/trends/topics").json()
    assert [(each["name"], each["complaints"], each["before"], each["share"]) for each in found["topics"]] == [
        ("billing", 30, 0, 0.5), ("delivery", 24, 39, 0.4), ("other", 6, 1, 0.1),
    ]  # fmt: skip
    assert found["topics"][0]["surprise"] == pytest.approx(5.48)
    term = found["terms"][0]
    assert (term["count"], term["of"], term["before"], term["of_before"], term["topic"]) == (30, 60, 0, 40, "billing")
    assert term["examples"][0]["text"] == VOUCHER.text
    assert (found["clusters"][0]["count"], found["clusters"][0]["before"]) == (6, 1)
    assert found["read"] == [{"read": 60, "of": 60}, {"read": 40, "of": 40}]
    assert world.http.get("/api/v1/trends/topics?complaint=no").status_code == 422


def test_every_chart_has_its_figures_as_csv(world: Desk) -> None:
    page = world.http.get("/topics").text
    names = re.findall(r'<figure class="chart" id="(\w+)"', page)
    assert names == ["composition", "rising", "terms", "uncovered"]
    tables = {name: world.http.get(f"/api/v1/charts/topics/{name}.csv").text for name in names}
    rows = list(csv.reader(io.StringIO(tables["composition"])))
    assert rows[0] == [
        "Day from", "billing", "delivery", "other", "billing, count", "delivery, count", "other, count", "All",
    ]  # fmt: skip
    assert rows[-1][4:] == ["30", "24", "0", "54"]
    assert list(csv.reader(io.StringIO(tables["terms"])))[1][1:6] == ["English", "30", "60", "0", "40"]


def test_filters_narrow_everything(world: Desk) -> None:
    page = Seen(world.http.get("/topics?source=x").text)
    assert "30 of 60" not in page.text
    assert "no term rises beyond chance, among the 30 people" in page.text.lower()
    page = Seen(world.http.get("/topics?topic=billing").text)
    assert not {"composition", "rising", "uncovered"} & {attrs.get("id") for _, attrs in page.tags}


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("complaint=no", "This page is about complaints"),
        ("topic=weather", "There is no topic"),
        ("from=2026-11-20&to=2026-11-01", "exchange the two days"),
        ("from=2021-11-20&to=2026-11-20&grain=hour", "1,000 can be drawn"),
    ],
)
def test_what_cannot_be_shown_is_explained(world: Desk, query: str, why: str) -> None:
    answer = world.http.get(f"/topics?{query}")
    assert answer.status_code == 422
    assert why in answer.text
    assert '<figure class="chart"' in answer.text


def test_nothing_to_show_says_what_to_do_and_an_unknown_past_is_said(desk: Desk) -> None:
    assert "Nobody complained from" in desk.http.get("/topics").text
    assert "Choose a longer period" in desk.http.get("/topics").text
    said(desk.db, desk.clock.now(), 4, LATE)
    page = Seen(desk.http.get("/topics").text).text
    assert "Of 4 complaints most are about delivery (100 %); nothing is known of the period before" in page
    assert "Which terms rise cannot be said" in page
    assert "Every complaint has a topic of its own" in page
    assert "drop them" in desk.http.get("/topics?language=et").text


def test_hostile_words_stay_text(world: Desk) -> None:
    words = HOSTILE.replace("\u0000", "")
    for text in (words, "=cmd() \u202eevil formula", "<b>bold</b> " + "x" * 30_000):
        said(world.db, world.clock.now() - 2 * HOUR, 30, replace(MUSIC, text=text, source="<i>"))
    page = Seen(world.http.get("/topics").text)
    assert "script" in page.text
    assert not {"img", "i"} & {tag for tag, _ in page.tags}
    assert not any(key.startswith("on") or key == "style" for _, attrs in page.tags for key in attrs)
    assert {attrs["type"] for tag, attrs in page.tags if tag == "script" and "src" not in attrs} == {"application/json"}
    assert "\u202e" not in page.text
    for name in ("terms", "uncovered"):
        rows = csv.reader(io.StringIO(world.http.get(f"/api/v1/charts/topics/{name}.csv").text))
        assert not [cell for row in rows for cell in row if cell.startswith("=") or "\u202e" in cell]


def test_viewers_see_what_is_said_and_not_by_whom(open_desk: Callable[..., Desk], clock: ManualClock) -> None:
    desk = open_desk(clock, login={"local": True})
    said(desk.db, clock.now(), 5, replace(MUSIC, text="The loud music hurts, call 5123 4567 or kadri@kask.example"))
    page = signed_in(desk, "Vera", Role.VIEWER).http.get("/topics").text
    assert "The loud music hurts, call [number] or [e-mail]" in page
    assert "<bdi>a" not in page  # the author
    assert "<bdi>a" in signed_in(desk, "Ann", Role.AGENT).http.get("/topics").text
