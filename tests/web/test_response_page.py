"""The page of the response, and the same for programs."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from monitor.annotations import annotate
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
    assert "source=x&amp;language=fil&amp;minutes=business&amp;table=figures" in page
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
    scripts = [attrs for tag, attrs in page.tags if tag == "script"]
    assert all(each.get("src", "").startswith("/static/") or each["type"] == "application/json" for each in scripts)
    assert not any(key.startswith("on") or key == "style" for _, attrs in page.tags for key in attrs)
    assert page.text.count("<script>alert(1)</script><img src=x oner…") == 4  # filter, two tables, breach
    assert "\u202e" not in page.text
    refused = Seen(desk.http.get("/response", params={"brand": "<script>alert(1)</script>"}).text)
    assert "<script>alert(1)</script>" in refused.text


CHARTS = ("first_response", "met", "distribution", "hours")


def test_charts_are_on_the_page_and_come_as_files(desk: Desk) -> None:
    town.settle(desk.db, desk.clock.now())
    page = Seen(desk.http.get("/response?source=x").text)
    for name in CHARTS:
        links = [attrs.get("href", "") for _, attrs in page.tags]
        for ending in ("csv", "png"):
            (link,) = (each for each in links if each.startswith(f"/api/v1/charts/response/{name}.{ending}?"))
            assert "source=x" in link
            assert desk.http.get(link).status_code == 200
        assert any(link.startswith("?") and "source=x" in link and link.endswith(f"#{name}") for link in links)
    assert list(figures_of(desk, "met", "source=reddit")[-1][1:]) != list(figures_of(desk, "met")[-1][1:])
    assert desk.http.get("/api/v1/charts/response/nothing").status_code == 404
    refused = desk.http.get("/api/v1/charts/response/met?minutes=long")
    assert (refused.status_code, "calendar or business" in refused.json()["detail"]) == (422, True)


def figures_of(desk: Desk, chart: str, query: str = "") -> list[list[Any]]:
    rows: list[list[Any]] = desk.http.get(f"/api/v1/charts/response/{chart}?{query}").json()["rows"]
    return rows


def test_a_chart_counts_who_still_waits_as_of_now_and_stands_beside_the_period_before(desk: Desk) -> None:
    """Yesterday: answered after 10 and after 40 minutes, and one that waits since noon, 24 hours ago. The day before:
    answered after 30 minutes."""
    answered(desk, town.AYSE, timedelta(hours=30), timedelta(minutes=10))
    answered(desk, town.JUN, timedelta(hours=28), timedelta(minutes=40))
    answered(desk, town.JUN, timedelta(days=3), timedelta(minutes=30))
    with desk.db.write() as session:
        town.case(session, town.KADRI, desk.clock.now() - timedelta(days=1))
    rows = figures_of(desk, "first_response", "from=2026-11-18&to=2026-11-20")
    waited = [(day[:10], *figures) for day, *figures in rows]
    assert waited == [
        ("2026-11-18", None, None, None, 0, 0),
        ("2026-11-19", 40.0, 24 * 60.0, None, 3, 1),
        ("2026-11-20", None, None, 30.0, 0, 0),  # three days before is the 17th
    ]
    met = figures_of(desk, "met", "from=2026-11-19&to=2026-11-20")
    by_hour = {start[11:16]: figures[4:] for start, *figures in met if figures[-1] and start.startswith("2026-11-19")}
    assert by_hour == {"06:00": [1, 0, 0, 0, 1], "08:00": [0, 1, 0, 0, 1], "12:00": [0, 0, 0, 1, 1]}


def test_what_is_noted_beside_the_trends_is_noted_here_too(desk: Desk) -> None:
    town.settle(desk.db, desk.clock.now())
    with desk.db.write() as session:
        annotate(session, desk.clock.now() - timedelta(days=2), None, "Courier strike", None, "Mari", desk.clock.now())
    for name in ("first_response", "met"):
        assert "Courier strike" in desk.http.get(f"/api/v1/charts/response/{name}").text


def test_every_figure_leads_to_its_cases(desk: Desk) -> None:
    town.settle(desk.db, desk.clock.now())
    for label, cases, *_ in figures_of(desk, "distribution"):
        page = desk.http.get("/response/cases", params={"bar": label} | PERIOD).text
        assert heading(page) == f"{cases} case{'' if cases == 1 else 's'}: {label}"
    for hour, cases, *_ in figures_of(desk, "hours"):
        page = desk.http.get("/response/cases", params={"hour": hour[:2]} | PERIOD).text
        assert heading(page).startswith(f"{cases} case")
        assert page.count('class="to-case"') == cases
    for answer, cases in zip(("within_20", "within_60", "later", "unanswered"), _parts(desk), strict=True):
        page = desk.http.get("/response/cases", params={"answer": answer} | PERIOD).text
        assert heading(page).startswith(f"{cases} case")


PERIOD = {"since": "2026-10-22T00:00Z", "until": "2026-11-21T00:00Z"}


def _parts(desk: Desk) -> list[int]:
    return [sum(each) for each in zip(*(row[5:9] for row in figures_of(desk, "met")), strict=True)]


def test_cases_behind_a_figure_come_fifty_at_a_time_the_newest_first(desk: Desk) -> None:
    for number in range(52):
        answered(desk, town.AYSE, timedelta(hours=30 + number), timedelta(minutes=10), by="Mari" if number else "Jaan")
    first = desk.http.get("/response/cases", params={"person": "Mari"} | PERIOD).text
    assert heading(first) == "51 cases: Mari"
    older = re.search(r'href="(/response/cases[^"]*page=2)"', first)
    assert older is not None
    second = desk.http.get(html.unescape(older[1])).text
    assert (first.count('class="to-case"'), second.count('class="to-case"')) == (50, 1)
    assert "Older ones" not in second
    assert "answered after 10 min" in second


@pytest.mark.parametrize(("query", "why"), [
    ("answer=soon", "it can be within_20"),
    ("bar=5", "it can be up to 5 min"),
    ("hour=24", "it can be 00"),
    ("page=0", "begin again"),
    ("since=now", "no time with a time zone"),
    ("since=2026-11-20T00:00Z&until=2026-11-19T00:00Z", "choose another end"),
    ("since=2020-11-20T00:00Z&until=2026-11-19T00:00Z", "choose another end"),
    ("since=2036-11-20T00:00Z", "in the future"),
])  # fmt: skip
def test_cases_that_cannot_be_shown_are_explained(desk: Desk, query: str, why: str) -> None:
    answer = desk.http.get(f"/response/cases?{query}")
    assert answer.status_code == 422
    assert why in answer.text


def test_a_team_is_whom_the_route_calls_else_who_was_on_call_when_the_customer_posted(
    open_desk: Callable[..., Desk], clock: ManualClock
) -> None:
    """It is Friday, 12:00 UTC; the rota has somebody on Thursdays and Fridays from 8 to 11."""
    desk = open_desk(
        clock,
        oncall=[
            {"who": "U0MARI", "hours": ["thu 08:00-11:00"]},
            {"who": "S0FRIDAY", "name": "Fridays", "hours": ["fri 08:00-11:00"]},
        ],
        slack={
            "channel": "C0MAIN",
            "routes": [
                {"source": ["x"], "channel": "C0X", "name": "Posts"},
                {"topic": ["outage"], "channel": "C0OUT", "oncall": "S0FRIDAY"},
                {"language": ["et"], "channel": "C0ET"},
            ],
        },
    )
    for said, hours in (
        (town.JUN, 3),
        (town.MEENA, 40),
        (town.AYSE, 2),
        (town.AYSE, 26),
        (town.KADRI, 27),
        (town.AYSE, 6),
    ):
        answered(desk, said, timedelta(hours=hours), timedelta(minutes=10))
    found = desk.http.get("/api/v1/response").json()["groups"]["team"]
    assert [(team["name"], team["figures"]["cases"]) for team in found] == [
        ("Fridays", 2),  # about an outage, by its route; two hours ago, by the rota
        ("Posts", 1),
        ("U0MARI", 2),  # both of yesterday morning: a route that calls nobody leaves it to the rota
        ("nobody on call", 1),
    ]
    page = desk.http.get("/response").text
    assert "By team" in page
    assert heading(desk.http.get("/response/cases", params={"team": "Fridays"} | PERIOD).text) == "2 cases: Fridays"
    assert "team,Posts,1," in desk.http.get("/api/v1/response.csv").text


def test_without_teams_there_is_no_table_of_them(desk: Desk) -> None:
    town.settle(desk.db, desk.clock.now())
    assert "By team" not in desk.http.get("/response").text
