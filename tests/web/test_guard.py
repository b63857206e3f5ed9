"""The desk has no passwords: what it refuses, and what its pages may do."""

from __future__ import annotations

import re

import pytest

from tests.web.serving import Desk
from tests.web.town import settle


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil", "", "["]
)
def test_a_foreign_name_that_points_here_is_refused(desk: Desk, host: str) -> None:
    for path in ("/", "/api/v1/cases", "/metrics", "/static/desk.css"):
        assert desk.http.get(path, headers={"Host": host}).status_code in (400, 421)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9000", "127.0.0.1", "[::1]:8080"])
def test_loopback_names_are_answered_on_any_port_so_that_tunnels_work(desk: Desk, host: str) -> None:
    assert desk.http.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": ""},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_a_change_asked_for_by_another_page_is_refused_and_changes_nothing(desk: Desk, headers: dict[str, str]) -> None:
    case_id = settle(desk.db, desk.clock.now())["ayse_k"]
    answer = desk.http.post(f"/cases/{case_id}/act", data={"event": "take", "actor": "Eve"}, headers=headers)
    assert answer.status_code == 403
    with desk.db.read() as session:
        assert desk.cases.get(session, case_id).owner is None


def test_a_change_without_any_origin_is_refused(desk: Desk) -> None:
    del desk.http.headers["Origin"]
    assert desk.http.post("/me", data={"actor": "Eve"}).status_code == 403


def test_a_browser_that_says_same_origin_is_believed_behind_a_proxy_with_another_name(desk: Desk) -> None:
    headers = {"Origin": "https://desk.acme.example", "Sec-Fetch-Site": "same-origin"}
    assert desk.http.post("/me", data={"actor": "Mari"}, headers=headers).status_code == 303


def test_a_huge_form_is_refused_before_it_is_read(desk: Desk) -> None:
    assert desk.http.post("/me", data={"actor": "x" * 300_000}).status_code == 413


def test_every_answer_forbids_inline_code_framing_and_sniffing(desk: Desk) -> None:
    settle(desk.db, desk.clock.now())
    answers = [
        desk.http.get(path) for path in ("/", "/mentions", "/cases/999", "/api/v1/cases", "/static/live.js", "/nothing")
    ]
    answers.append(desk.http.post("/me", headers={"Sec-Fetch-Site": "cross-site"}))
    for answer in answers:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_pages_hold_no_inline_script_style_or_handler(desk: Desk) -> None:
    ids = settle(desk.db, desk.clock.now())
    for path in ("/", f"/cases/{ids['kuldnokk']}", "/mentions", "/cases/999"):
        page = desk.http.get(path).text
        assert not re.search(r"<script(?![^>]*\ssrc=)", page)
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|hx-on", page)
        assert not re.search(r'(?:src|href)="(?:https?:)?//(?!example\.com)', page)  # all of it comes from here
