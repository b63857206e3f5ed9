"""The overview: what it says of a small world, and of what cannot be shown."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.clock import ManualClock
from monitor.database import Database
from monitor.models import RollupRow
from monitor.rollups import hour_of
from monitor.trend_figures import FIGURES
from tests.web import town
from tests.web.serving import Desk
from tests.web.test_desk_pages import HOSTILE, Seen, heading

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FORMULA = "=cmd()"


def heard(db: Database, at: datetime, mentions: int, sentiment: str = "negative", **more: Any) -> None:
    """So many mentions of one hour, alike."""
    given: dict[str, Any] = {"brand": "Acme", "source": "x", "language": "en", "topic": "delivery"}
    given |= {"complaint": sentiment == "negative", "rated": 0, "stars": 0} | more
    with db.write() as session:
        session.merge(RollupRow(hour=hour_of(at), sentiment=sentiment, mentions=mentions, **given))


def two_months(desk: Desk) -> None:
    """A quiet month, and one with a storm about delivery on x three days ago."""
    now = desk.clock.now()
    for days in range(56):
        heard(desk.db, now - days * DAY - HOUR, 6, "positive", topic="other", rated=6, stars=2700)
        heard(desk.db, now - days * DAY - HOUR, 2, "negative", topic="billing", source="reddit", language="de")
    heard(desk.db, now - 3 * DAY, 60)


def test_titles_say_what_moved_and_of_what_it_is_most(desk: Desk) -> None:
    two_months(desk)
    town.settle(desk.db, desk.clock.now())
    page = Seen(desk.http.get("/overview").text)
    assert "Complaints up 107 % on the 28 days before, mostly delivery on x" in page.text
    assert "Net sentiment fell from +50 to +18 on the 28 days before" in page.text
    assert "1 late and 2 due within 20 minutes, of 6 open cases with a clock" in page.text
    assert "Today so far, nothing differs beyond chance from a week ago" in page.text
    assert "Acme, 2026-10-24 to 2026-11-20, UTC" in page.text
    for figure in FIGURES.values():
        assert figure.title in page.text
        assert figure.meaning in page.text
    assert ("a", {"href": "/overview", "aria-current": "page"}) in page.tags


def test_what_is_unusual_today_is_said_and_leads_to_it(desk: Desk) -> None:
    two_months(desk)
    heard(desk.db, desk.clock.now() - 2 * HOUR, 40, topic="outage")
    page = Seen(desk.http.get("/overview").text)
    assert "Unusual: 40 mentions about outage, 0 a week ago, and 3 more" in page.text
    assert any("topic=outage" in (attrs.get("href") or "") for tag, attrs in page.tags if tag == "a")


def test_nothing_is_compared_with_a_time_in_which_nobody_listened(desk: Desk) -> None:
    for days in range(35):
        heard(desk.db, desk.clock.now() - days * DAY - HOUR, 5)
    page = desk.http.get("/overview").text
    assert "140 complaints; nothing is known of the period before" in page
    assert "There is no whole period before to compare with." in page
    assert "before:" not in page
    week = desk.http.get("/overview?from=2026-11-14").text
    assert "Complaints moved within chance: 35, after 35 in the 7 days before" in week
    assert desk.http.get("/api/v1/trends").json()["before"] is None


def test_the_running_hour_is_shown_and_not_compared(desk: Desk, clock: ManualClock) -> None:
    clock.move(timedelta(minutes=30))
    heard(desk.db, clock.now(), 50)
    heard(desk.db, clock.now() - 28 * DAY, 70)
    heard(desk.db, clock.now() - 60 * DAY, 1)
    page = desk.http.get("/overview").text
    assert "No complaints, as in the 28 days before" in page
    assert "<b>50</b>" in page


@pytest.mark.parametrize(
    ("query", "why", "instead"),
    [
        ("from=2026-11-20&to=2026-11-01", "exchange the two days", "2026-11-01 to 2026-11-20 by the day"),
        ("from=2021-11-20&to=2026-11-20&grain=hour", "43,848 hours, and 1,000 can be drawn", "by the week"),
        (
            "from=2026-10-20&to=2026-11-20&grain=hour&source=reddit",
            "768 hours, and 672 can be drawn of one source, language or topic",
            "by the day",
        ),
        ("brand=Acmee", "did you mean &#34;Acme&#34;?", "2026-10-24 to 2026-11-20"),
        ("source=usenet&language=klingon", "There is no source", "by the day"),
        ("topic=weather", "There is no topic", "by the day"),
        ("sentiment=furious", "There is no sentiment", "by the day"),
        ("grain=fortnight", "it can be hour, day, week, month", "by the day"),
        ("from=2027-01-01", "nothing was heard yet", "2026-10-24 to 2026-11-20"),
        ("from=yesterday", "write it as 2026-11-20", "by the day"),
        ("complaint=perhaps", "it can be yes or no", "by the day"),
    ],
)
def test_what_cannot_be_shown_is_explained_with_the_nearest_that_can(
    desk: Desk, query: str, why: str, instead: str
) -> None:
    two_months(desk)
    answer = desk.http.get(f"/overview?{query}")
    assert answer.status_code == 422
    assert why in answer.text
    assert instead in answer.text
    assert heading(answer.text) == "What is said, and how it sounds"
    refused = desk.http.get(f"/api/v1/charts/overview/volume?{query}")
    assert refused.status_code == 422
    assert why.replace("&#34;", '"') in refused.json()["detail"]


def test_nothing_to_show_says_what_to_do(desk: Desk) -> None:
    assert "Choose a longer period" in desk.http.get("/overview").text
    assert "drop them" in desk.http.get("/overview?language=et").text


def test_filters_stand_in_the_address_and_narrow_everything(desk: Desk) -> None:
    two_months(desk)
    page = desk.http.get("/overview?from=2026-11-01&to=2026-11-20&source=reddit&language=de&grain=week").text
    assert "Acme on reddit in German, 2026-10-26 to 2026-11-20, UTC" in page
    assert "<b>52</b>" in page  # 26 days of 2
    assert '<option value="reddit" selected>' in page
    assert (
        "/api/v1/charts/overview/volume.csv?from=2026-10-26&amp;to=2026-11-20&amp;grain=week&amp;source=reddit" in page
    )


@pytest.mark.parametrize("grain", ["hour", "day", "week", "month"])
def test_the_period_before_is_as_long_and_ends_at_the_same_hour(desk: Desk, grain: str) -> None:
    now = desk.clock.now()
    for back in range(0, 100):
        heard(desk.db, now - back * DAY - HOUR, 1)
        heard(desk.db, now - back * DAY + HOUR, 1)  # of today: not over
    found = desk.http.get(f"/api/v1/charts/overview/volume?from=2026-11-01&to=2026-11-20&grain={grain}").json()
    columns = [column["name"] for column in found["columns"]]
    rows = [dict(zip(columns, row, strict=True)) for row in found["rows"]]
    # both up to noon of the last day: its second mention is later
    assert {"hour": 39, "day": 39, "week": 51, "month": 39}[grain] == sum(row["Mentions"] for row in rows)
    assert {"hour": 39, "day": 39, "week": 51, "month": 39}[grain] == sum(
        row["Mentions, period before"] or 0 for row in rows
    )


def test_charts_come_as_csv_without_formulas_as_pictures_and_as_json(desk: Desk) -> None:
    heard(desk.db, desk.clock.now() - HOUR, 30, source=FORMULA, language="en")
    answer = desk.http.get("/api/v1/charts/overview/today.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'filename="overview-today.csv"' in answer.headers["content-disposition"]
    head, *rows = csv.reader(io.StringIO(answer.text, newline=""))
    assert head == ["Mentions", "Today", "A week ago", "Surprise, in standard deviations"]
    assert [cell for row in rows for cell in row if cell.startswith("=")] == []
    picture = desk.http.get("/api/v1/charts/overview/volume.png")
    assert picture.headers["content-type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")
    found = desk.http.get("/api/v1/charts/overview/net_sentiment").json()
    assert found["columns"][1] == {"name": "Net sentiment", "kind": "points"}
    assert found["spec"]["layer"]
    assert desk.http.get("/api/v1/charts/overview/none").status_code == 404
    assert desk.http.get("/api/v1/charts/nowhere/volume.csv").status_code == 404


def test_hostile_names_stay_text(desk: Desk) -> None:
    name = HOSTILE.replace("\u0000", "")[:90]
    heard(desk.db, desk.clock.now() - HOUR, 30, source=name, language="<b>")
    page = Seen(desk.http.get("/overview", params={"source": name}).text)
    assert "img" not in {tag for tag, _ in page.tags}
    scripts = [attrs for tag, attrs in page.tags if tag == "script"]
    assert {attrs.get("src") for attrs in scripts} == {
        *(None, "/static/htmx.min.js", "/static/live.js", "/static/charts.js")
    }
    assert all(attrs["type"] == "application/json" for attrs in scripts if "src" not in attrs)
    assert not any(key.startswith("on") or key == "style" for _, attrs in page.tags for key in attrs)
    assert "\u202e" not in page.text
    refused = Seen(desk.http.get("/overview", params={"brand": "<script>alert(1)</script>"}).text)
    assert "<script>alert(1)</script>" in refused.text


def test_the_specs_on_the_page_are_those_for_programs(desk: Desk) -> None:
    two_months(desk)
    page = desk.http.get("/overview").text
    drawn = [json.loads(text) for text in re.findall(r'<script type="application/json">(.*?)</script>', page, re.S)]
    assert drawn[0] == desk.http.get("/api/v1/charts/overview/volume").json()["spec"]
    assert len(drawn) == 4


def test_a_day_is_the_teams_and_not_utcs(open_desk: Callable[..., Desk], clock: ManualClock) -> None:
    desk = open_desk(clock, clock={"timezone": "Asia/Tokyo"})
    heard(desk.db, clock.now() - 20 * HOUR, 7)  # 16:00 UTC on the 19th, 01:00 on the 20th
    assert "<b>7</b>" in desk.http.get("/overview?from=2026-11-20&to=2026-11-20").text
    assert "Nothing was said" in desk.http.get("/overview?from=2026-11-19&to=2026-11-19").text


def test_a_long_table_ends_with_the_latest_and_the_csv_has_all(desk: Desk) -> None:
    two_months(desk)
    page = desk.http.get("/overview?grain=hour").text
    assert "The last 400 of 661 rows; the CSV has all." in page
    assert page.count('<tr><th scope="row"><a href="/trends/mentions') == 800  # of two charts
    assert "since=2026-11-20T12:00Z&amp;until=2026-11-20T13:00Z" in page
    assert desk.http.get("/api/v1/charts/overview/volume.csv?grain=hour").text.count("\n") == 662
