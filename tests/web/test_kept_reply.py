"""A session that ends while somebody writes: their words come back to them, and to nobody else."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest

from monitor.access.roles import Role
from monitor.clock import ManualClock
from monitor.models import ReplyRow
from tests.web.people import US, Browser, signed_in, users
from tests.web.serving import Desk
from tests.web.town import AYSE, case

WORDS = "Hello Ayşe,\r\nyour money is on its way."
PART = {"HX-Request": "true"}


@pytest.fixture
def desk(open_desk: Callable[..., Desk], clock: ManualClock) -> Desk:
    return open_desk(clock, login={"local": True, "idle": "1h"})


@pytest.fixture
def case_id(desk: Desk) -> int:
    with desk.db.write() as session:
        return case(session, AYSE, desk.clock.now()).id


def field(opened: Browser, case_id: int) -> str:
    found = re.search(
        r'<textarea[^>]*class="reply-text"[^>]*>\n(.*?)</textarea>', opened.http.get(f"/cases/{case_id}").text, re.S
    )
    assert found is not None
    return unescape(found[1])


def stored(desk: Desk) -> list[str]:
    with desk.db.read() as session:
        return [row.text for row in session.query(ReplyRow)]


def test_a_reply_sent_too_late_is_in_its_form_again_after_signing_in(
    desk: Desk, clock: ManualClock, case_id: int
) -> None:
    mari = signed_in(desk, "Mari")
    csrf = mari.csrf(f"/cases/{case_id}")
    clock.move(timedelta(hours=2))
    answer = mari.post(f"/cases/{case_id}/reply", csrf, reply=WORDS, do="send")
    assert answer.status_code == 303
    page = mari.http.get(answer.headers["Location"]).text
    assert "What you wrote is kept" in page
    assert "money" not in answer.headers["Location"] + page  # the words are nowhere on the way
    back = mari.sign_in("Mari", back=f"/cases/{case_id}")
    assert back.headers["Location"] == f"/cases/{case_id}"
    assert field(mari, case_id) == WORDS.replace("\r\n", "\n")
    with desk.db.read() as session:
        assert [row.state for row in session.query(ReplyRow)] == ["draft"]  # nothing was sent


def test_the_same_in_a_page_with_scripts_leads_to_the_way_in(desk: Desk, clock: ManualClock, case_id: int) -> None:
    mari = signed_in(desk, "Mari")
    headers = PART | {"X-CSRF": mari.csrf(), "HX-Current-URL": f"{desk.address}/cases/{case_id}"}
    clock.move(timedelta(hours=2))
    answer = mari.http.post(f"/cases/{case_id}/reply", data={"reply": WORDS, "do": "send"}, headers=headers)
    assert (answer.status_code, answer.text) == (204, "")
    assert answer.headers["HX-Redirect"] == f"/login?back=%2Fcases%2F{case_id}&kept=1"


def test_while_somebody_types_the_page_stays_and_says_so(desk: Desk, clock: ManualClock, case_id: int) -> None:
    mari = signed_in(desk, "Mari")
    headers = PART | {"X-CSRF": mari.csrf()}
    clock.move(timedelta(hours=2))
    answer = mari.http.post(f"/cases/{case_id}/reply/weigh", data={"reply": WORDS}, headers=headers)
    assert (answer.status_code, answer.headers["HX-Trigger"]) == (204, "signedout")
    assert "HX-Redirect" not in answer.headers


def test_whoever_signs_in_next_at_that_computer_does_not_see_it(desk: Desk, clock: ManualClock, case_id: int) -> None:
    mari = signed_in(desk, "Mari")
    csrf = mari.csrf(f"/cases/{case_id}")
    signed_in(desk, "Eve")
    clock.move(timedelta(hours=2))
    mari.post(f"/cases/{case_id}/reply", csrf, reply=WORDS, do="send")
    mari.sign_in("Eve")
    assert field(mari, case_id) == ""
    assert "money" not in mari.http.get(f"/cases/{case_id}").text


def test_a_page_that_stayed_open_goes_on_after_signing_in_in_another_tab(
    desk: Desk, clock: ManualClock, case_id: int
) -> None:
    mari = signed_in(desk, "Mari")
    csrf = mari.csrf(f"/cases/{case_id}")
    clock.move(timedelta(hours=2))
    assert mari.http.get("/").status_code == 303
    mari.sign_in("Mari")
    answer = mari.post(f"/cases/{case_id}/act", csrf, event="note", text="still here")
    assert answer.headers["Location"] == f"/cases/{case_id}"
    mari.sign_in("Mari")  # a new session in place of one that held: what belonged to that one is over
    held = mari.csrf()
    mari.post("/logout", held)
    mari.sign_in("Mari")
    assert mari.post(f"/cases/{case_id}/act", held, event="take").status_code == 403


@pytest.mark.parametrize(
    "spoiled", ["no form", "a foreign form", "signed out", "shut out", "viewer now", "blank", "no case"]
)
def test_words_are_kept_for_nobody_who_is_not_known(desk: Desk, clock: ManualClock, case_id: int, spoiled: str) -> None:
    mari = signed_in(desk, "Mari")
    shown, csrf, words = mari.http.cookies["firsthour_session"], mari.csrf(), WORDS
    path = f"/cases/{case_id}/reply"
    if spoiled == "no form":
        csrf = "0" * 64
    elif spoiled == "a foreign form":
        csrf = signed_in(desk, "Eve").csrf()
    elif spoiled == "signed out":
        mari.post("/logout", csrf)
        mari.http.cookies.set("firsthour_session", shown)
    elif spoiled == "shut out":
        users(desk).disable("Mari", US, clock.now())
    elif spoiled == "viewer now":
        users(desk).set_role("Mari", Role.VIEWER, US, clock.now())
    elif spoiled == "blank":
        words = " \n"
    elif spoiled == "no case":
        path = "/cases/999/reply"
    clock.move(timedelta(hours=2))
    answer = mari.post(path, csrf, reply=words, do="send")
    assert answer.status_code == 303
    assert "kept" not in answer.headers["Location"]
    assert stored(desk) == []
