"""A session that ends while somebody writes a note, on a case or beside the trends: the words come back to them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import select

from monitor.access.roles import Role
from monitor.access.rows import SessionRow
from monitor.access.sessions import Sessions
from monitor.clock import ManualClock
from monitor.models import AnnotationRow, CaseEventRow
from tests.web.people import US, Browser, signed_in, users
from tests.web.serving import Desk
from tests.web.town import AYSE, case

WORDS = '\r\nAsked the "hub" in Tartu:\r\n<b>Monday</b>'
NOTE = {"event": "note", "text": WORDS}
CAMPAIGN = {"text": 'Campaign "Winter" started', "at": "2026-11-18T09:30", "until": "2026-11-19T18:00", "brand": "Acme"}
TRENDS = "/trends?by=source&figure=mentions"


@pytest.fixture
def desk(open_desk: Callable[..., Desk], clock: ManualClock) -> Desk:
    return open_desk(clock, login={"local": True, "idle": "1h"})


@pytest.fixture
def path(desk: Desk) -> str:
    with desk.db.write() as session:
        return f"/cases/{case(session, AYSE, desk.clock.now()).id}"


def note(opened: Browser, path: str) -> str:
    """What stands in the field, as a browser reads it: without the first line break."""
    found = re.search(r'<textarea id="note-\d+"[^>]*>\n?(.*?)</textarea>', opened.http.get(path).text, re.S)
    assert found is not None
    return unescape(found[1])


def annotation(opened: Browser) -> dict[str, str]:
    page = opened.http.get(TRENDS).text
    form = page[page.index('action="/trends/annotations"') :]
    typed = {name: re.search(rf'name="{name}"[^>]* value="([^"]*)"', form) for name in ("text", "at", "until")}
    brand = re.search(r'<option value="([^"]*)" selected>', form)
    return {name: unescape(found[1]) if found else "" for name, found in (typed | {"brand": brand}).items()}


def test_a_note_sent_too_late_is_in_its_form_until_it_is_saved(desk: Desk, clock: ManualClock, path: str) -> None:
    mari = signed_in(desk, "Mari")
    csrf = mari.csrf(path)
    clock.move(timedelta(hours=2))
    answer = mari.post(f"{path}/act", csrf, **NOTE)
    page = mari.http.get(answer.headers["Location"]).text
    assert "What you wrote is kept" in page
    assert "hub" not in answer.headers["Location"] + page
    assert mari.sign_in("Mari", back=path).headers["Location"] == path
    kept = WORDS.replace("\r\n", "\n")
    assert [note(mari, path), note(mari, path)] == [kept, kept]
    mari.post(f"{path}/act", mari.csrf(path), **NOTE)
    assert note(mari, path) == ""
    noted = select(CaseEventRow).filter_by(kind="note")
    with desk.db.read() as session:
        assert [row.detail["text"] for row in session.scalars(noted)] == [kept.strip()]
        assert [row.unsent for row in session.scalars(select(SessionRow))] == [None, None]


def test_an_annotation_sent_too_late_is_in_its_form_until_it_is_noted(desk: Desk, clock: ManualClock) -> None:
    mari = signed_in(desk, "Mari")
    csrf = mari.csrf("/trends")
    clock.move(timedelta(hours=2))
    answer = mari.post("/trends/annotations", csrf, back=TRENDS, **CAMPAIGN)
    back = f"{TRENDS}#notes"
    assert answer.status_code == 303
    assert "kept=1" in answer.headers["Location"]
    assert mari.sign_in("Mari", back=back).headers["Location"] == back
    assert annotation(mari) == CAMPAIGN
    mari.post("/trends/annotations", mari.csrf("/trends"), **CAMPAIGN)
    assert annotation(mari)["text"] == annotation(mari)["until"] == ""
    with desk.db.read() as session:
        assert [row.text for row in session.scalars(select(AnnotationRow))] == [CAMPAIGN["text"]]


def test_the_last_of_several_stands_there_and_each_in_its_own_form(desk: Desk, clock: ManualClock, path: str) -> None:
    mari = signed_in(desk, "Mari")
    for words in ("first", "second"):
        csrf = mari.csrf(path)
        clock.move(timedelta(hours=2))
        mari.post(f"{path}/act", csrf, event="note", text=words)
        mari.post("/trends/annotations", csrf, text=f"{words} campaign")
        mari.sign_in("Mari")
    assert note(mari, path) == "second"
    assert annotation(mari)["text"] == "second campaign"
    with desk.db.write() as session:
        other = case(session, AYSE, clock.now()).id
    assert note(mari, f"/cases/{other}") == ""


def test_nobody_else_sees_it_and_it_goes_with_the_session(desk: Desk, clock: ManualClock, path: str) -> None:
    mari = signed_in(desk, "Mari")
    csrf = mari.csrf(path)
    signed_in(desk, "Eve")
    clock.move(timedelta(hours=2))
    mari.post(f"{path}/act", csrf, **NOTE)
    mari.post("/trends/annotations", csrf, **CAMPAIGN)
    mari.sign_in("Eve")
    assert note(mari, path) == ""
    assert annotation(mari)["text"] == ""
    clock.move(timedelta(days=9))
    Sessions(desk.db, timedelta(hours=1), timedelta(days=7)).forget(clock.now())
    mari.sign_in("Mari")
    assert note(mari, path) == ""


@pytest.mark.parametrize("spoiled", ["a foreign form", "signed out", "viewer now", "blank", "too long", "no case"])
def test_words_are_kept_for_nobody_who_is_not_known(desk: Desk, clock: ManualClock, path: str, spoiled: str) -> None:
    mari = signed_in(desk, "Mari")
    shown, csrf, words, where = mari.http.cookies["firsthour_session"], mari.csrf(), "words", f"{path}/act"
    if spoiled == "a foreign form":
        csrf = signed_in(desk, "Eve").csrf()
    elif spoiled == "signed out":
        mari.post("/logout", csrf)
        mari.http.cookies.set("firsthour_session", shown)
    elif spoiled == "viewer now":
        users(desk).set_role("Mari", Role.VIEWER, US, clock.now())
    elif spoiled in ("blank", "too long"):
        words = " \n" if spoiled == "blank" else "w" * 20_001
    elif spoiled == "no case":
        where = "/cases/999/act"
    clock.move(timedelta(hours=2))
    for answer in (
        mari.post(where, csrf, event="note", text=words),
        mari.post(where, csrf, event="take", text="not a note"),
    ):
        assert answer.status_code == 303
        assert "kept" not in answer.headers["Location"]
    with desk.db.read() as session:
        assert not any(session.scalars(select(SessionRow.unsent)))
