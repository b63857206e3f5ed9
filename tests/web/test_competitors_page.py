"""The page of the competitors: a small world reckoned by hand, bad input, nothing to compare, hostile names."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest

from monitor.clock import ManualClock
from tests.web.serving import Desk
from tests.web.test_desk_pages import HOSTILE, Seen, heading
from tests.web.test_overview_page import DAY, HOUR, heard

BRANDS = [
    {"name": "Acme", "match": "acme"},
    {"name": "Beta", "match": "beta", "competitor": True},
    {"name": "Gamma", "match": "gamma", "competitor": True},
]


@pytest.fixture
def rivals(open_desk: Callable[..., Desk], clock: ManualClock) -> Desk:
    """Acme: 200 mentions, 100 complaints, 60 of them about delivery; Beta: 300 and 60; Gamma: 100 and 20. The month
    before Acme had 60 of 260."""
    desk = open_desk(clock, brands=BRANDS)
    now = clock.now() - HOUR
    heard(desk.db, now, 100, "positive", topic="other")
    heard(desk.db, now, 60, topic="delivery")
    heard(desk.db, now, 40, topic="billing")
    heard(desk.db, now, 240, "positive", brand="Beta", topic="other")
    heard(desk.db, now, 15, brand="Beta", topic="delivery")
    heard(desk.db, now, 45, brand="Beta", topic="price")
    heard(desk.db, now, 80, "neutral", brand="Gamma", topic="other")
    heard(desk.db, now, 20, brand="Gamma", topic="delivery")
    heard(desk.db, now - 55 * DAY, 60, "positive", topic="other")
    heard(desk.db, now - 55 * DAY, 200, "positive", brand="Beta", topic="other")
    return desk


def test_titles_say_who_is_spoken_of_who_is_complained_of_and_for_what(rivals: Desk) -> None:
    page = Seen(rivals.http.get("/competitors").text)
    assert heading(rivals.http.get("/competitors").text) == "Acme and its competitors"
    assert "Acme has 33 % of what is said of all brands, after 23 % in the 28 days before" in page.text
    assert "Acme has 56 % of the complaints, more than its 33 % of what is said" in page.text
    # 200 positive less 80 negative of 400: Beta and Gamma together
    assert "Net sentiment of Acme, 0, is below that of its competitors, +40" in page.text
    assert (
        "Acme is weaker in delivery (+21.2) and 1 more and stronger in price (−11.2) than its competitors" in page.text
    )
    assert ("a", {"href": "/competitors", "aria-current": "page"}) in page.tags
    assert "Share of voice" in page.text


def test_one_rival_can_be_chosen_and_another_brand_compared(rivals: Desk) -> None:
    answer = rivals.http.get("/competitors?rival=Gamma").text
    assert "Net sentiment of Acme, 0, is above that of Gamma, −20" in Seen(answer).text
    assert "/competitors/voice.csv?from=2026-10-24&amp;to=2026-11-20&amp;grain=day&amp;rival=Gamma" in answer
    page = Seen(rivals.http.get("/competitors?brand=Beta").text)
    assert "Net sentiment of Beta, +60, is above that of Acme, 0" in page.text


def test_programs_get_shares_rates_and_intervals(rivals: Desk) -> None:
    found = rivals.http.get("/api/v1/trends/competitors").json()
    assert [(each["name"], each["ours"]) for each in found["brands"]] == [
        ("Beta", False), ("Acme", True), ("Gamma", False),
    ]  # fmt: skip
    acme = found["brands"][1]
    assert (acme["voice"], acme["complaint"]) == (pytest.approx(200 / 600), pytest.approx(100 / 180))
    assert acme["figures"]["mentions"] == 200
    assert acme["before"]["mentions"] == 60
    assert acme["net_sentiment"]["low"] < 0 < acme["net_sentiment"]["high"]
    assert found["theirs"]["mentions"] == 400
    delivery = found["topics"][0]
    assert (delivery["topic"], delivery["ours"], delivery["theirs"], delivery["finding"]) == (
        "delivery", 60, 35, "weakness",
    )  # fmt: skip
    assert delivery["difference"]["value"] == pytest.approx(60 / 200 - 35 / 400)
    assert 0 < delivery["difference"]["low"] < delivery["difference"]["value"] < delivery["difference"]["high"]
    assert rivals.http.get("/api/v1/trends/competitors?rival=Betta").status_code == 422


def test_every_chart_has_its_figures_as_csv_and_as_a_picture(rivals: Desk) -> None:
    page = rivals.http.get("/competitors").text
    names = re.findall(r'<figure class="chart" id="(\w+)"', page)
    assert names == ["voice", "complaints", "net_sentiment", "strengths"]
    for name in names:
        table = rivals.http.get(f"/api/v1/charts/competitors/{name}.csv")
        assert table.status_code == 200
    assert rivals.http.get("/api/v1/charts/competitors/strengths.png", timeout=60).content.startswith(b"\x89PNG")
    rows = list(csv.reader(io.StringIO(rivals.http.get("/api/v1/charts/competitors/voice.csv").text)))
    assert rows[0] == [
        "Day from", "Acme", "Beta", "Gamma", "Acme, count", "Beta, count", "Gamma, count", "All",
    ]  # fmt: skip
    assert rows[-1][1:] == [str(1 / 3), "0.5", str(1 / 6), "200", "300", "100", "600"]


def test_what_differs_by_chance_is_said_to(open_desk: Callable[..., Desk], clock: ManualClock) -> None:
    desk = open_desk(clock, brands=BRANDS)
    for days in (0, 55):
        for brand, count in (("Acme", 20), ("Beta", 21)):
            at = clock.now() - HOUR - days * DAY
            heard(desk.db, at, count, "positive", brand=brand, topic="other")
            heard(desk.db, at, count // 2, brand=brand, topic="delivery")
    page = Seen(desk.http.get("/competitors").text).text
    assert "Acme has 49 % of what is said of all brands: within chance as in the 28 days before (49 %)" in page
    assert "Acme has 50 % of the complaints and 49 % of what is said: the difference is within chance" in page
    assert "Net sentiment of Acme, +33, differs within chance from that of its competitors, +35" in page
    assert "In no topic does Acme differ from its competitors beyond chance" in page


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("rival=Betta", "did you mean &#34;Beta&#34;?"),
        ("rival=Acme", "There is no rival"),
        ("brand=Nobody", "There is no brand"),
        ("from=2026-11-20&to=2026-11-01", "exchange the two days"),
        ("from=2021-11-20&to=2026-11-20&grain=hour", "1,000 can be drawn"),
    ],
)
def test_what_cannot_be_compared_is_explained(rivals: Desk, query: str, why: str) -> None:
    answer = rivals.http.get(f"/competitors?{query}")
    assert answer.status_code == 422
    assert why in answer.text
    assert 'id="voice"' in answer.text


def test_without_a_competitor_it_says_how_to_name_one(desk: Desk) -> None:
    heard(desk.db, desk.clock.now() - HOUR, 5)
    assert "competitor = true" in desk.http.get("/competitors").text


def test_with_nothing_said_it_says_what_to_do(open_desk: Callable[..., Desk], clock: ManualClock) -> None:
    desk = open_desk(clock, brands=BRANDS)
    assert "Choose a longer period" in desk.http.get("/competitors").text
    heard(desk.db, clock.now() - HOUR, 5)
    page = desk.http.get("/competitors").text
    assert "Of its competitors nothing is said to compare the sentiment with" in page
    assert "both sides need mentions" in page


def test_of_complaints_alone_there_are_no_strengths(rivals: Desk) -> None:
    page = rivals.http.get("/competitors?topic=delivery").text
    assert 'id="strengths"' not in page
    assert "choose all topics" in page


def test_hostile_brands_stay_text(rivals: Desk) -> None:
    for name in ("=cmd()", "<script>alert(1)</script>", HOSTILE.replace("\u0000", "")[:90]):
        given: dict[str, Any] = {"brand": name, "topic": "delivery"}
        heard(rivals.db, rivals.clock.now() - HOUR, 30, **given)
    for query in ({}, {"rival": "<script>alert(1)</script>"}, {"brand": "<script>alert(1)</script>"}):
        page = Seen(rivals.http.get("/competitors", params=query).text)
        assert "img" not in {tag for tag, _ in page.tags}
        assert not any(key.startswith("on") or key == "style" for _, attrs in page.tags for key in attrs)
        assert all(
            attrs.get("type") == "application/json"
            for tag, attrs in page.tags
            if tag == "script" and "src" not in attrs
        )
        assert "\u202e" not in page.text
    rows = csv.reader(io.StringIO(rivals.http.get("/api/v1/charts/competitors/net_sentiment.csv").text))
    assert not [cell for row in rows for cell in row if cell.startswith("=")]
