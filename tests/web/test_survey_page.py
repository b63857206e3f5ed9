"""The customer's page: what it asks, in which language, what it stores, and what it never shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from monitor.cases import Cases
from monitor.clock import ManualClock
from monitor.settings import Settings
from monitor.survey import Survey
from tests.web.serving import Desk
from tests.web.town import settle

SECTIONS: dict[str, Any] = {
    "after": {"survey": True, "survey_secret": "0123456789abcdef" * 4},
    "web": {"public_url": "https://help.acme.example"},
}
PUBLIC = {"Host": "help.acme.example"}


@dataclass
class Page:
    desk: Desk
    survey: Survey
    clock: ManualClock
    ids: dict[str, int]

    def path(self, author: str) -> str:
        return f"/s/{self.survey.token(self.ids[author], self.clock.now())}"

    def score(self, author: str) -> int | None:
        with self.desk.db.read() as session:
            return self.desk.cases.get(session, self.ids[author]).satisfaction


@pytest.fixture
def page(clock: ManualClock, open_desk: Callable[..., Desk], make_settings: Callable[..., Settings]) -> Page:
    desk = open_desk(clock, **SECTIONS)
    settings = make_settings(**SECTIONS)
    return Page(desk, Survey(desk.db, Cases(desk.db, settings), settings), clock, settle(desk.db, clock.now()))


def test_looking_at_the_page_stores_nothing_and_a_press_stores_the_score(page: Page) -> None:
    path = page.path("ayse_k")
    shown = page.desk.http.get(path, headers=PUBLIC)
    assert (shown.status_code, page.score("ayse_k")) == (200, None)
    assert re.findall(r'name="score" value="(\d)"', shown.text) == ["5", "4", "3", "2", "1"]
    thanked = page.desk.http.post(path, data={"score": "4"}, headers=PUBLIC)
    assert (thanked.status_code, page.score("ayse_k")) == (200, 4)
    assert 'role="status">Teşekkür ederiz' in thanked.text


def test_a_phones_browser_within_an_app_says_no_origin_and_may_answer_all_the_same(page: Page) -> None:
    del page.desk.http.headers["Origin"]
    headers = PUBLIC | {"Sec-Fetch-Site": "cross-site"}
    assert page.desk.http.post(page.path("ayse_k"), data={"score": "1"}, headers=headers).status_code == 200
    assert page.score("ayse_k") == 1


def test_after_an_hour_the_answer_is_shown_without_buttons(page: Page, clock: ManualClock) -> None:
    path = page.path("kuldnokk")
    page.desk.http.post(path, data={"score": "2"})
    assert "muuta" in page.desk.http.get(path).text
    clock.move(timedelta(minutes=61))
    shown = page.desk.http.get(path).text
    assert ("<button" in shown, "2 – Pigem ei ole rahul" in shown) == (False, True)
    assert page.desk.http.post(path, data={"score": "5"}).status_code == 409
    assert page.score("kuldnokk") == 2


@pytest.mark.parametrize("chosen", ["", "0", "6", "5.0", "five", " 5", "५"])
def test_what_is_no_score_is_asked_for_again(page: Page, chosen: str) -> None:
    answer = page.desk.http.post(page.path("ayse_k"), data={"score": chosen})
    assert (answer.status_code, page.score("ayse_k")) == (422, None)
    assert "Lütfen beş yanıttan birini seçin." in answer.text


def test_a_form_that_cannot_be_read_gets_a_page_for_customers(page: Page) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Accept-Language": "et"}
    answer = page.desk.http.post(page.path("ayse_k"), content=b"--y\r\n\x00", headers=headers)
    assert (answer.status_code // 100, "firsthour" in answer.text) == (4, False)


@pytest.mark.parametrize(
    "path", ["/s/x", "/s/1.2.aaaaaaaaaaaaaaaaaaaaaa", "/s/%00", "/s/" + "9" * 3000, "/s/", "/s/a/b"]
)
def test_a_link_that_is_none_says_so_in_the_readers_language_and_shows_no_desk(page: Page, path: str) -> None:
    answer = page.desk.http.get(path, headers=PUBLIC | {"Accept-Language": "de, et-EE;q=0.8, en;q=0.2"})
    assert answer.status_code == 404
    assert "See link ei kehti" in answer.text
    assert "Desk" not in answer.text


def test_a_case_that_is_gone_is_a_link_that_is_none(page: Page) -> None:
    token = page.survey.token(999_999, page.clock.now())
    assert page.desk.http.get(f"/s/{token}").status_code == 404


@pytest.mark.parametrize("path", ["/", "/mentions", "/cases/1", "/api/v1/cases", "/metrics", "/static/desk.css"])
def test_under_the_public_name_there_is_no_desk(page: Page, path: str) -> None:
    assert page.desk.http.get(path, headers=PUBLIC).status_code == 421


def test_the_pages_style_lies_beside_it_and_nothing_runs_on_it(page: Page) -> None:
    answer = page.desk.http.get(page.path("ayse_k"), headers=PUBLIC)
    (style,) = re.findall(r'stylesheet" href="([^"]+)"', answer.text)
    assert page.desk.http.get(f"/s/{style}", headers=PUBLIC).headers["content-type"].startswith("text/css")
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", answer.text)
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert "form-action 'self'" in answer.headers["Content-Security-Policy"]
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("language", "tag", "question"),
    [
        ("en", "en", "How satisfied are you with our help?"),
        ("tr", "tr", "Yardımımızdan ne kadar memnunsunuz?"),
        ("ta", "ta", "எங்கள் உதவியில்"),
        ("tl", "fil", "Gaano kayo nasiyahan"),
        ("et", "et", "Kui rahul te meie abiga olete?"),
        ("sr", "sr-Latn", "Kako ocenjujete našu pomoć?"),
        ("de", "en", "How satisfied are you with our help?"),
    ],
)
def test_the_page_speaks_the_customers_language(page: Page, language: str, tag: str, question: str) -> None:
    from monitor.models import CaseRow

    with page.desk.db.write() as session:
        session.get_one(CaseRow, page.ids["ayse_k"]).language = language
    shown = page.desk.http.get(page.path("ayse_k")).text
    assert f'<html lang="{tag}">' in shown
    assert question in shown


def test_the_desk_shows_the_answer_on_the_case_and_in_its_history(page: Page) -> None:
    page.survey.answer(page.ids["ayse_k"], 2, page.clock.now())
    shown = page.desk.http.get(f"/cases/{page.ids['ayse_k']}").text
    assert "rates our help 2 of 5" in shown
    assert "The customer rates our help 2 of 5" in shown
    rows = page.desk.http.get("/api/v1/cases").json()["cases"]
    assert [row["satisfaction"] for row in rows if row["id"] == page.ids["ayse_k"]] == [2]
