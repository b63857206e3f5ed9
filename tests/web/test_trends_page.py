"""The page of the trends: apart by what, the mentions behind a point, and what people note."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from urllib.parse import parse_qs, urlsplit

import pytest

from monitor import rollups
from monitor.annotations import annotate, noted, take_away
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.errors import Refused
from tests.conftest import NOON
from tests.web import town
from tests.web.serving import Desk
from tests.web.test_desk_pages import HOSTILE, Seen, heading
from tests.web.test_overview_page import DAY, HOUR, heard, two_months


def listed(page: str) -> list[str]:
    return re.findall(r'<li class="item" data-key="(\d+)"', page)


def addresses(page: str) -> list[str]:
    return [attrs["href"] or "" for tag, attrs in Seen(page).tags if tag == "a" and "href" in attrs]


def test_it_opens_with_complaints_by_topic_and_says_which_moved(desk: Desk) -> None:
    two_months(desk)
    page = Seen(desk.http.get("/trends").text)
    assert "Complaints about delivery: 60" not in page.text
    assert "60 complaints about delivery, after none in the 28 days before" in page.text
    assert "What each was in the 28 days before: the short lines of the next chart." in page.text
    assert "Most complaints: 60 about delivery" in page.text
    assert "52 % of complaints are about delivery, after 0 % in the 28 days before" in page.text
    assert ("a", {"href": "/trends", "aria-current": "page"}) in page.tags


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("by=source&figure=mentions", "Mentions on x up 36 % on the 28 days before"),
        ("by=language&figure=complaints", "60 complaints in English, after none in the 28 days before"),
        ("by=topic&figure=stars", "By topic, stars moved within chance on the 28 days before"),
        ("by=sentiment&figure=negative", "Negative mentions negative up 107 % on the 28 days before"),
        ("by=none&figure=net_sentiment", "Net sentiment fell from +50 to +18 on the 28 days before"),
        ("by=none&figure=complaint_rate", "Complaint rate rose from 25 % to 41 % on the 28 days before"),
        ("by=brand&figure=mentions", "Mentions of Beta up from 1 to 40 on the 28 days before"),
    ],
)
def test_any_figure_apart_by_anything(desk: Desk, query: str, title: str) -> None:
    two_months(desk)
    heard(desk.db, desk.clock.now() - DAY, 40, "positive", brand="Beta")
    heard(desk.db, desk.clock.now() - 40 * DAY, 1, "positive", brand="Beta")
    assert title in desk.http.get(f"/trends?{query}").text


def test_what_is_left_over_is_one_line_and_every_name_is_in_the_table(desk: Desk) -> None:
    for n in range(10):
        heard(desk.db, desk.clock.now() - HOUR, 20 - n, source=f"source {n}")
    table = desk.http.get("/api/v1/charts/trends/ranking.csv?by=source&figure=mentions").text
    assert len(list(csv.reader(io.StringIO(table)))) == 11
    found = desk.http.get("/api/v1/charts/trends/series?by=source&figure=mentions").json()
    assert [column["name"] for column in found["columns"]][-2:] == ["source 5", "all others"]
    assert found["rows"][-1][-1] == 14 + 13 + 12 + 11


@pytest.mark.parametrize(
    ("query", "why"),
    [("by=weather", "it can be brand, source"), ("figure=luck", "it can be mentions"), ("brand=Acmee", "did you mean")],
)
def test_what_cannot_be_shown_is_explained(desk: Desk, query: str, why: str) -> None:
    answer = desk.http.get(f"/trends?{query}")
    assert answer.status_code == 422
    assert why in answer.text
    assert heading(answer.text) == "Trends"


def test_nothing_to_show_says_what_to_do(desk: Desk) -> None:
    assert "Choose a longer period" in desk.http.get("/trends").text
    assert "drop them" in desk.http.get("/trends?topic=price").text


def judged(desk: Desk, count: int) -> None:
    """So many mentions about the past hours, each counted."""
    now = desk.clock.now()
    with desk.db.write() as session:
        rows = [town.mention(session, (town.AYSE, town.OTHERS[0])[n % 2], now - n * HOUR / 7) for n in range(count)]
        rollups.count(session, [row.id for row in rows])


def test_behind_each_point_are_as_many_mentions_as_it_counts(desk: Desk) -> None:
    judged(desk, 30)
    page = desk.http.get("/api/v1/charts/overview/volume?grain=hour&from=2026-11-20").json()
    counts = [row[1] for row in page["rows"]]
    links = [href for href in addresses(desk.http.get("/overview?grain=hour&from=2026-11-20").text) if "since=" in href]
    assert len(counts) == 13
    found = [len(listed(desk.http.get(link).text)) for link in links[:13]]
    assert found == counts
    assert sum(found) == 30


def test_the_mentions_come_page_by_page_under_the_same_filters(desk: Desk) -> None:
    judged(desk, 130)
    address = "/trends/mentions?since=2026-11-19T00:00Z&until=2026-11-21T00:00Z&complaint=yes&source=app-store"
    seen: list[str] = []
    pages = 0
    while address:
        page = desk.http.get(address).text
        assert "65 mentions of Acme on app-store, only complaints" in page
        seen += listed(page)
        older = [href for href in addresses(page) if "after=" in href]
        address = older[0] if older else ""
        pages += 1
    assert (len(seen), len(set(seen)), pages) == (65, 65, 2)


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("since=yesterday", "write it as 2026-11-20T12:00Z"),
        ("since=2026-11-20T12:00", "no time with a time zone"),
        ("since=2026-11-20T12:00Z&until=2026-11-19T12:00Z", "exchange since and until"),
        ("since=2027-11-20T12:00Z", "in the future"),
        ("after=1", "begin again"),
        ("after=20261120T120000.000000-99999999999999999999999", "begin again"),
        ("topic=weather", "There is no topic"),
    ],
)
def test_what_is_not_behind_anything_is_explained(desk: Desk, query: str, why: str) -> None:
    answer = desk.http.get(f"/trends/mentions?{query}")
    assert answer.status_code == 422
    assert why in answer.text


def test_nothing_behind_a_point_says_what_to_do(desk: Desk) -> None:
    assert "all that was heard under" in desk.http.get("/trends/mentions").text
    assert "drop the filters" in desk.http.get("/trends/mentions?source=x").text


def test_hostile_words_behind_a_point_stay_text(desk: Desk) -> None:
    said = replace(town.AYSE, text=HOSTILE.replace("\u0000", ""), author="<b>", source="<i>")
    with desk.db.write() as session:
        row = town.mention(session, said, desk.clock.now() - HOUR, url="javascript:alert(1)")
        rollups.count(session, [row.id])
    for address in ("/trends/mentions", "/trends?by=source", "/overview"):
        page = Seen(desk.http.get(address).text)
        assert "img" not in {tag for tag, _ in page.tags}
        assert not any(key.startswith("on") or key == "style" for _, attrs in page.tags for key in attrs)
        assert not any((attrs.get("href") or "").startswith("javascript") for _, attrs in page.tags)
        assert "\u202e" not in page.text


def test_what_happened_is_noted_drawn_and_removed(desk: Desk) -> None:
    two_months(desk)
    mari = desk.as_somebody("Mari")
    form = {"text": "Autumn  campaign", "at": "2026-11-10T09:30", "until": "2026-11-12T10:00", "brand": "Acme"}
    answer = mari.post("/trends/annotations", data=form | {"back": "/trends?by=source&figure=mentions"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/trends?by=source&figure=mentions#notes"
    page = desk.http.get("/trends").text
    assert "Autumn campaign" in Seen(page).text
    assert "noted by" in page
    for address in ("trends/series", "overview/volume"):
        assert "Autumn campaign" in desk.http.get(f"/api/v1/charts/{address}").text
    assert "Autumn campaign" not in desk.http.get("/trends?from=2026-11-13").text
    number = re.search(r"/trends/annotations/(\d+)/remove", page)
    assert number
    assert mari.post(f"/trends/annotations/{number[1]}/remove", data={"back": "/trends"}).status_code == 303
    assert "Autumn campaign" not in desk.http.get("/trends").text
    assert mari.post(f"/trends/annotations/{number[1]}/remove").status_code == 404
    mari.close()


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({"text": " ", "at": "2026-11-10T09:30"}, "the text is empty"),
        ({"text": "x" * 201, "at": "2026-11-10T09:30"}, "200 fit"),
        ({"text": "x", "at": "soon"}, "which is no time"),
        ({"text": "x", "at": "2026-11-10T09:30", "until": "2026-11-09T09:30"}, "exchange the two times"),
    ],
)
def test_what_cannot_be_noted_is_refused_with_the_mend(desk: Desk, form: dict[str, str], why: str) -> None:
    mari = desk.as_somebody("Mari")
    answer = mari.post("/trends/annotations", data=form)
    assert answer.status_code == 422
    assert why in answer.text
    mari.close()
    assert "say who you are" in desk.http.post("/trends/annotations", data=form).text.lower()


@pytest.mark.parametrize(
    "back", ["https://evil.example/?x=1", "//evil.example/?x=1", "/\\evil?x=1", "", "javascript:1"]
)
def test_the_way_back_stays_here(desk: Desk, back: str) -> None:
    mari = desk.as_somebody("Mari")
    answer = mari.post("/trends/annotations", data={"text": "x", "at": "2026-11-10T09:30", "back": back})
    parts = urlsplit(answer.headers["location"])
    assert (parts.scheme, parts.netloc, parts.path) == ("", "", "/trends")
    mari.close()


def test_times_are_noted_on_the_teams_clock(open_desk: Callable[..., Desk], clock: ManualClock) -> None:
    desk = open_desk(clock, clock={"timezone": "Asia/Tokyo"})
    mari = desk.as_somebody("Mari")
    mari.post("/trends/annotations", data={"text": "x", "at": "2026-11-10T09:30"})
    mari.close()
    with desk.db.read() as session:
        (found,) = noted(session, NOON - 30 * DAY, NOON)
    assert found.at.astimezone(UTC).isoformat() == "2026-11-10T00:30:00+00:00"


def test_notes_are_found_by_span_and_brand(any_db: Database) -> None:
    with any_db.write() as session:
        for at, until, text, brand in (
            (NOON - 9 * DAY, NOON - 5 * DAY, "long", None),
            (NOON, None, "Acme's", "Acme"),
            (NOON + HOUR, None, "Beta's", "Beta"),
        ):
            annotate(session, at, until, text, brand, "Mari", NOON)
        with pytest.raises(Refused):
            annotate(session, NOON, NOON - HOUR, "backwards", None, "Mari", NOON)
        with pytest.raises(ValueError, match="has no time zone"):
            annotate(session, NOON.replace(tzinfo=None), None, "naive", None, "Mari", NOON)
    with any_db.read() as session:
        assert [each.text for each in noted(session, NOON - 5 * DAY, NOON + DAY)] == ["long", "Acme's", "Beta's"]
        assert [each.text for each in noted(session, NOON, NOON + DAY, ("Acme",))] == ["Acme's"]
        last = noted(session, NOON, NOON + DAY)[-1]
    with any_db.write() as session:
        assert take_away(session, last.id)
        assert not take_away(session, last.id)


def test_every_link_of_a_chart_leads_somewhere(desk: Desk) -> None:
    two_months(desk)
    page = desk.http.get("/trends?by=source&figure=complaint_rate").text
    links = [href for href in addresses(page) if href.startswith(("/trends", "/api/v1/charts"))]
    assert {urlsplit(link).path for link in links} >= {
        "/trends",
        "/trends/mentions",
        "/api/v1/charts/trends/series.csv",
    }
    ranked = next(link for link in links if "by=none" in link)
    assert parse_qs(urlsplit(ranked).query)["figure"] == ["complaint_rate"]
    for link in {urlsplit(link).path: link for link in links}.values():
        assert desk.http.get(link).status_code == 200


def test_programs_get_the_figures_with_their_definitions(desk: Desk) -> None:
    two_months(desk)
    with desk.db.write() as session:
        annotate(session, NOON - DAY, None, "strike", None, "Mari", NOON)
    found = desk.http.get("/api/v1/trends?by=topic").json()
    assert found["scope"]["from"] == "2026-10-24"
    assert found["scope"]["compared_until"] == "2026-11-20T12:00:00Z"
    assert found["all"] == {
        "mentions": 284, "complaints": 116, "complaint_rate": pytest.approx(116 / 284), "stars": 4.5,
        "net_sentiment": pytest.approx(52 / 284), "negative": 116, "positive": 168,
    }  # fmt: skip
    assert set(found["all"]) == set(found["definitions"])
    assert sum(point["figures"]["mentions"] for point in found["points"]) == 284
    assert [group["name"] for group in found["groups"]] == ["other", "delivery", "billing"]
    assert found["groups"][1]["surprise"]["complaints"] == pytest.approx(7.75)
    assert [each["text"] for each in found["annotations"]] == ["strike"]
    assert desk.http.get("/api/v1/trends?by=weather").status_code == 422
