"""The JSON interface."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from tests.web import town
from tests.web.serving import Desk

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def test_every_case_is_read_once_page_by_page_even_while_new_ones_come(desk: Desk) -> None:
    now = desk.clock.now()
    with desk.db.write() as session:
        for number in range(25):
            town.case(session, town.AYSE, now - timedelta(minutes=number))
    seen: list[int] = []
    cursor: str | None = None
    while True:
        answer = desk.http.get("/api/v1/cases", params={"limit": 10} | ({"cursor": cursor} if cursor else {})).json()
        seen += [case["id"] for case in answer["cases"]]
        cursor = answer["next"]
        if cursor is None:
            break
        with desk.db.write() as session:
            town.case(session, town.JUN, now)
    assert seen == list(range(25, 0, -1))


def test_cases_are_filtered_by_state_and_brand(desk: Desk) -> None:
    ids = town.settle(desk.db, desk.clock.now())
    taken = desk.http.get("/api/v1/cases", params={"state": "taken"}).json()["cases"]
    assert {case["id"] for case in taken} == {ids["kuldnokk"], ids["jun_dlc"]}
    both = desk.http.get("/api/v1/cases", params={"state": ["taken", "open"]}).json()["cases"]
    assert len(both) == 6
    severe = desk.http.get("/api/v1/cases", params={"severity": "critical", "source": "app-store"}).json()["cases"]
    assert [case["id"] for case in severe] == [ids["ayse_k"]]


def test_one_case_comes_with_its_mentions_history_and_other_cases(desk: Desk) -> None:
    ids = town.settle(desk.db, desk.clock.now())
    case = desk.http.get(f"/api/v1/cases/{ids['kuldnokk']}").json()
    assert case["due_at"] == "2026-11-20T12:18:50Z"
    assert [m["text"] for m in case["mentions"]] == [town.KADRI.text]
    assert [e["kind"] for e in case["history"]] == ["opened", "remind", "take", "note"]
    assert len(case["others"]) == 2


def test_mentions_carry_their_verdicts_and_can_be_filtered(desk: Desk) -> None:
    town.settle(desk.db, desk.clock.now())
    mentions = desk.http.get("/api/v1/mentions", params={"limit": 200}).json()["mentions"]
    assert len({m["language"] for m in mentions if m["language"]}) >= 8
    waiting = [m for m in mentions if m["judging"] == "waiting"]
    assert [m["sentiment"] for m in waiting] == [None]
    complaints = desk.http.get("/api/v1/mentions", params={"complaint": "true", "language": "ta"}).json()["mentions"]
    assert [m["author"] for m in complaints] == ["meena_tvl"]


@pytest.mark.parametrize("cursor", ["rubbish", "LTE", "!!!", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "äö"])
def test_a_cursor_that_was_never_given_is_refused_with_the_mend(desk: Desk, cursor: str) -> None:
    answer = desk.http.get("/api/v1/cases", params={"cursor": cursor})
    assert answer.status_code == 422
    assert "leave it out to begin again" in answer.json()["detail"]


@pytest.mark.parametrize("limit", ["0", "201", "many"])
def test_a_limit_out_of_range_is_refused(desk: Desk, limit: str) -> None:
    assert desk.http.get("/api/v1/mentions", params={"limit": limit}).status_code == 422


@pytest.mark.parametrize("query", ["state=gone", "brand=%00", "brand=" + "x" * 101])
def test_filters_that_can_match_nothing_are_refused(desk: Desk, query: str) -> None:
    assert desk.http.get(f"/api/v1/cases?{query}").status_code == 422


def test_a_case_that_is_not_there_is_404_in_json(desk: Desk) -> None:
    for case_id in (5, -1, 2**70):
        answer = desk.http.get(f"/api/v1/cases/{case_id}")
        assert answer.status_code == 404
        assert answer.json()["detail"] == f"there is no case {case_id}: /api/v1/cases lists those there are"


def test_the_interface_describes_itself_and_nothing_else(desk: Desk) -> None:
    paths = desk.http.get("/api/openapi.json").json()["paths"]
    told = set(re.findall(r"`(/api/v1/[^`]+)`", PAGE.read_text(encoding="utf-8")))
    assert set(paths) - {"/healthz", "/readyz", "/metrics"} == told
    posts = set(re.findall(r"^\| `([^`]+)` \| takes a `POST`", PAGE.read_text(encoding="utf-8"), re.M))
    assert {path for path, methods in paths.items() if set(methods) != {"get"}} == posts


def test_every_error_is_described_as_a_problem_and_every_address_says_who_may_ask(desk: Desk) -> None:
    described = desk.http.get("/api/openapi.json").json()
    for path, operations in described["paths"].items():
        for operation in operations.values():
            errors = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
            if path.startswith("/api/"):
                assert {"401", "403", "422", "503"} <= set(errors)
                assert operation["security"][0]["token"] in (["read"], ["act"], ["export"])
                assert all(list(answer["content"]) == ["application/problem+json"] for answer in errors.values())
    assert set(described["components"]["securitySchemes"]) == {"token", "session"}
