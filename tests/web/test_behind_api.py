"""The mentions behind a point of the trends, for programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from monitor.clock import ManualClock
from tests.web.serving import Desk
from tests.web.test_tokens import program
from tests.web.test_trends_page import judged

ADDRESS = "/api/v1/trends/mentions"


def all_of(desk: Desk, **asked: Any) -> list[dict[str, Any]]:
    """The mentions of every page; each page says the same count."""
    found: list[dict[str, Any]] = []
    counts: set[int] = set()
    cursor: str | None = ""
    while cursor is not None:
        answer = desk.http.get(ADDRESS, params=asked | ({"cursor": cursor} if cursor else {})).json()
        found += answer["mentions"]
        counts.add(answer["count"])
        cursor = answer["next"]
    assert counts == {len(found)}
    return found


def test_behind_each_point_are_as_many_as_it_counts_page_by_page(desk: Desk) -> None:
    judged(desk, 130)
    told = desk.http.get("/api/v1/trends?from=2026-11-19&by=source&grain=day").json()
    for point in told["points"]:
        ids = [each["id"] for each in all_of(desk, since=point["start"], until=point["end"], limit=7)]
        assert len(set(ids)) == len(ids) == point["figures"]["mentions"]
    span = {"since": told["points"][0]["start"], "until": told["points"][-1]["end"]}
    for group in told["groups"]:
        found = all_of(desk, **span, source=group["name"], complaint="yes")
        assert {(each["source"], each["complaint"]) for each in found} <= {(group["name"], True)}
        assert len(found) == group["figures"]["complaints"]


def test_they_are_those_of_the_page_the_newest_first(desk: Desk) -> None:
    judged(desk, 30)
    answer = desk.http.get(ADDRESS, params={"limit": 3}).json()  # without a time: the past day
    assert answer["until"] == "2026-11-20T12:00:00Z"
    assert answer["since"] == "2026-11-19T12:00:00Z"
    posted = [each["posted_at"] for each in answer["mentions"]]
    assert posted == sorted(posted, reverse=True)
    page = desk.http.get(f"/trends/mentions?since={answer['since']}&until={answer['until']}").text
    assert all(f'data-key="{each["id"]}"' in page for each in answer["mentions"])


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("since=yesterday", "is no time"),
        ("since=2026-11-20T12:00Z&until=2026-11-19T12:00Z", "exchange since and until"),
        ("since=2027-11-20T12:00Z", "in the future"),
        ("since=0001-01-01", "which is no time"),
        ("cursor=bW9vbg", "not one that this list gave"),
        ("topic=weather", "There is no topic"),
        ("limit=1000", "limit"),
        ("after=1", "no such parameter"),
    ],
)
def test_what_cannot_be_behind_a_point_is_refused_with_the_mend(desk: Desk, query: str, why: str) -> None:
    answer = desk.http.get(f"{ADDRESS}?{query}")
    assert answer.status_code == 422
    assert why in answer.json()["detail"]


def test_customers_are_masked_for_tokens_that_may_not_see_them(
    open_desk: Callable[..., Desk], clock: ManualClock
) -> None:
    desk = open_desk(clock, login={"local": True})
    judged(desk, 4)
    assert desk.http.get(ADDRESS).status_code == 401
    masked, open_to = (program(desk, *scopes).get(ADDRESS).json() for scopes in (("read",), ("read", "personal")))
    assert {(each["author"], each["url"]) for each in masked["mentions"]} == {(None, None)}
    assert all(each["author"] and each["url"] for each in open_to["mentions"])
    assert masked["count"] == open_to["count"] == 3
