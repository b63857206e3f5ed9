"""The page of the response, and the same for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from monitor.clock import ManualClock
from monitor.response import DEFINITIONS
from tests.web import town
from tests.web.serving import Desk
from tests.web.test_desk_pages import HOSTILE, Seen, heading

FORMULA = '=HYPERLINK("https://example.com","pay")'


def answered(desk: Desk, said: town.Said, ago: timedelta, after: timedelta, by: str = "Mari", **more: Any) -> int:
    """A case whose customer posted `ago` and was answered `after` that."""
    at = desk.clock.now() - ago
    given = {
        "state": "replied",
        "clock": "stopped",
        "first_response_at": at + after,
        "met": after <= timedelta(hours=1),
    }
    given |= {"calendar_seconds": after.total_seconds(), "business_seconds": after.total_seconds() / 2}
    with desk.db.write() as session:
        row = town.case(session, said, at, **(given | more))
        town.happened(session, row, "reply", by, at + after, "slack", reply_id=1)
        return row.id


def test_the_title_says_the_finding_and_every_figure_stands_beside_its_definition(desk: Desk) -> None:
    town.settle(desk.db, desk.clock.now())
    page = Seen(desk.http.get("/response").text)
    # five answered within 31 minutes, six wait
    assert "45 % of 11 cases were answered within one hour, 6 still wait" in page.text
    for title, meaning in DEFINITIONS.values():
        assert title in page.text
        assert meaning in page.text
    assert ("a", {"href": "/response", "aria-current": "page"}) in page.tags


def test_filters_stand_in_the_address_and_narrow_every_table(desk: Desk) -> None:
    answered(desk, town.AYSE, timedelta(days=1), timedelta(minutes=10))
    answered(desk, town.JUN, timedelta(days=2), timedelta(minutes=90))
    page = desk.http.get("/response?from=2026-11-01&to=2026-11-20&source=x&language=fil&minutes=business").text
    assert "The only case was answered within one business hour" in page
    assert '<option value="x" selected>' in page
    assert "source=x&amp;language=fil&amp;minutes=business&amp;table=distribution" in page
    assert "app-store</bdi>" not in page


def test_breaches_are_listed_with_their_reason_and_lead_to_the_case(desk: Desk) -> None:
    at = desk.clock.now() - timedelta(hours=3)
    due = at + timedelta(hours=1)
    late = answered(desk, town.AYSE, timedelta(hours=3), timedelta(hours=2), breached_at=due)
    page = Seen(desk.http.get("/response").text)
    assert "Nobody took it" in page.text
    assert "60 min late" in page.text
    assert any(attrs.get("href") == f"/cases/{late}" for _, attrs in page.tags)


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("from=2026-11-20&to=2026-11-01", "exchange the two days"),
        ("brand=Acmee", "did you mean &#34;Acme&#34;?"),
        ("source=usenet", "There is no source"),
        ("language=klingon", "There is no language"),
        ("from=2019-01-01", "choose a shorter period"),
    ],
)
def test_what_cannot_be_shown_is_explained_on_a_page_that_goes_on_working(desk: Desk, query: str, why: str) -> None:
    town.settle(desk.db, desk.clock.now())
    answer = desk.http.get(f"/response?{query}")
    assert answer.status_code == 422
    assert why in answer.text
    assert heading(answer.text) == "How soon customers are answered"
    refused = desk.http.get(f"/api/v1/response?{query}")
    assert refused.status_code == 422
    assert why.replace("&#34;", '"') in refused.json()["detail"]


def test_nothing_to_show_says_what_to_do(desk: Desk) -> None:
    assert "Choose a longer period" in desk.http.get("/response").text
    filtered = desk.http.get("/response?language=et").text
    assert "that fit" in filtered
    assert "drop them" in filtered


def test_a_day_is_the_teams_and_not_utcs(open_desk: Callable[..., Desk], clock: ManualClock) -> None:
    desk = open_desk(clock, clock={"timezone": "Asia/Tokyo"})
    answered(desk, town.AYSE, timedelta(hours=20), timedelta(minutes=1))  # 16:00 UTC on the 19th, 01:00 on the 20th
    assert desk.http.get("/api/v1/response?from=2026-11-19&to=2026-11-19").json()["all"]["cases"] == 0
    found = desk.http.get("/api/v1/response?from=2026-11-20&to=2026-11-20").json()
    assert found["scope"]["timezone"] == "Asia/Tokyo"
    assert [hour["name"] for hour in found["groups"]["hour"]] == ["01"]


def test_programs_get_the_figures_with_their_definitions(desk: Desk) -> None:
    answered(desk, town.AYSE, timedelta(days=1), timedelta(minutes=10), satisfaction=5)
    answered(desk, town.JUN, timedelta(days=2), timedelta(minutes=30))
    found = desk.http.get("/api/v1/response").json()
    assert found["scope"]["from"] == "2026-10-22"
    assert found["all"]["median_seconds"] == 1200
    assert found["all"]["within_20"] == 0.5
    assert set(found["all"]) <= set(found["definitions"])
    assert [(row["name"], row["figures"]["cases"]) for row in found["groups"]["person"]] == [("Mari", 2)]
    assert sum(bar["cases"] for bar in found["distribution"]) == 2


@pytest.mark.parametrize(("table", "rows"), [("figures", 5), ("distribution", 11), ("breaches", 1)])
def test_each_table_comes_as_csv_in_which_no_cell_is_a_formula(desk: Desk, table: str, rows: int) -> None:
    due = desk.clock.now() - timedelta(hours=1)
    said = replace(town.AYSE, source=FORMULA)
    answered(desk, said, timedelta(hours=2), timedelta(minutes=90), by=FORMULA, breached_at=due)
    answer = desk.http.get("/api/v1/response.csv", params={"table": table})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert f"response-{table}-2026-10-22-2026-11-20.csv" in answer.headers["content-disposition"]
    heading, *found = csv.reader(io.StringIO(answer.text, newline=""))
    assert len(found) == rows
    assert {len(row) for row in found} == {len(heading)}
    cells = [cell for row in found for cell in row]
    assert [cell for cell in cells if cell.startswith("=")] == []
    assert ("'" + FORMULA in cells) == (table != "distribution")


def test_hostile_names_stay_text(desk: Desk) -> None:
    due = desk.clock.now() - timedelta(hours=1)
    name = HOSTILE.replace("\u0000", "")[:90]
    said = replace(town.AYSE, source=name, language="<b>")
    answered(desk, said, timedelta(hours=2), timedelta(minutes=90), by=name, brand="<b>", breached_at=due)
    page = Seen(desk.http.get("/response", params={"source": name}).text)
    assert "img" not in {tag for tag, _ in page.tags}
    assert [attrs["src"] for tag, attrs in page.tags if tag == "script"] == ["/static/htmx.min.js", "/static/live.js"]
    assert not any(key.startswith("on") or key == "style" for _, attrs in page.tags for key in attrs)
    assert page.text.count("<script>alert(1)</script><img src=x oner…") == 4  # filter, two tables, breach
    assert "\u202e" not in page.text
    refused = Seen(desk.http.get("/response", params={"brand": "<script>alert(1)</script>"}).text)
    assert "<script>alert(1)</script>" in refused.text
