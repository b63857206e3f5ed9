"""The page of the corrections: figures of a small world counted by hand, and doubtful verdicts that are answered."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from monitor import rollups
from monitor.access.roles import Role
from monitor.access.tokens import Tokens
from monitor.clock import ManualClock
from monitor.corrections import correct
from monitor.models import CaseRow, CorrectionRow
from monitor.web.corrections_report import DEFINITIONS
from tests.web import town
from tests.web.people import US, browser, signed_in
from tests.web.serving import Desk
from tests.web.test_desk_pages import HOSTILE, Seen, heading

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def heard(desk: Desk, said: town.Said, ago: timedelta, word: bool | None = None, **more: object) -> int:
    with desk.db.write() as session:
        row = town.mention(session, said, desk.clock.now() - ago, **more)
        session.flush()
        rollups.count(session, [row.id])
        if word is not None:
            correct(session, row.id, word, "Mari", desk.clock.now())
        return row.id


def small_world(desk: Desk) -> None:
    """Ten judged complaints: eight about delivery in Estonian, of which two were false alarms and one was confirmed,
    and two about billing in Turkish. Of three that were judged to be none, one was missed. A month ago: one false
    alarm of two; and something before."""
    for n in range(8):
        heard(desk, town.KADRI, DAY + n * HOUR, {0: False, 1: False, 2: True}.get(n))
    for n in range(2):
        heard(desk, town.AYSE, DAY + n * HOUR)
    for n in range(3):
        heard(desk, town.OTHERS[0], 2 * DAY + n * HOUR, True if n == 0 else None)
    for n in range(2):
        heard(desk, town.KADRI, 30 * DAY + n * HOUR, False if n == 0 else None)
    heard(desk, town.OTHERS[1], 90 * DAY)


def doubted(page: str) -> list[int]:
    return [int(n) for n in re.findall(r'<li class="doubt" tabindex="-1" data-key="(\d+)"', page)]


def test_the_figures_are_those_of_the_small_world(desk: Desk) -> None:
    small_world(desk)
    page = Seen(desk.http.get("/corrections").text)
    assert "2 false alarms and 1 missed of 10 judged complaints; most are about delivery: 2" in page.text
    assert "3 verdicts were corrected, after 1 in the 28 days before" in page.text
    assert "Precision as corrected: 80 % of all." in page.text
    for title, meaning in DEFINITIONS.values():
        assert title in page.text
        assert meaning in page.text
    assert ("a", {"href": "/corrections", "aria-current": "page"}) in page.tags
    told = desk.http.get("/api/v1/corrections/figures?by=language").json()
    assert told["all"] == {
        **{"judged": 10, "false_alarms": 2, "missed": 1, "confirmed": 1},
        **{"precision": 0.8, "of_reviewed": 0.25},
    }
    assert told["before"]["precision"] == 0.5
    assert {name: (of["judged"], of["false_alarms"], of["missed"]) for name, of in told["groups"].items()} == {
        **{"et": (8, 2, 0), "de": (0, 0, 1), "tr": (2, 0, 0)}
    }
    assert told["definitions"]["missed"] == DEFINITIONS["missed"][1]


def test_the_charts_are_files_too(desk: Desk) -> None:
    small_world(desk)
    rows = list(csv.reader(io.StringIO(desk.http.get("/api/v1/charts/corrections/wrong.csv?by=source").text)))
    assert rows[1][:6] == ["reddit", "8", "2", "1", "1", "0.75"]
    course = list(csv.reader(io.StringIO(desk.http.get("/api/v1/charts/corrections/course.csv").text)))[1:]
    assert sum(int(row[1]) for row in course) == 2
    assert sum(int(row[2]) for row in course) == 1
    assert desk.http.get("/api/v1/charts/corrections/wrong.png").status_code == 200


def test_filters_stand_in_the_address(desk: Desk) -> None:
    small_world(desk)
    page = desk.http.get("/corrections?language=et&by=source").text
    assert "Acme in Estonian, 2026-10-24 to 2026-11-20, UTC" in page
    assert "2 false alarms and 0 missed of 8 judged complaints; most are on reddit: 2" in page
    assert "language=et&amp;by=source" in page


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("by=weather", "it can be language, topic, source"),
        ("topic=weather", "There is no topic"),
        ("from=2026-11-20&to=2026-11-01", "exchange the two days"),
        ("brand=Acmee", "did you mean"),
    ],
)
def test_what_cannot_be_shown_is_explained(desk: Desk, query: str, why: str) -> None:
    answer = desk.http.get(f"/corrections?{query}")
    assert answer.status_code == 422
    assert why in answer.text
    assert heading(answer.text) == "How far the verdicts stood"
    assert desk.http.get(f"/api/v1/corrections/figures?{query}").status_code == 422


def test_nothing_to_show_says_what_to_do(desk: Desk) -> None:
    page = desk.http.get("/corrections").text
    assert "Choose a longer period" in page
    assert "Nothing is in doubt" in page
    assert "drop them" in desk.http.get("/corrections?topic=price").text


def test_a_doubtful_verdict_is_answered_in_one_press_and_asked_no_more(desk: Desk) -> None:
    first = heard(desk, replace(town.OTHERS[0], complaint=0.45), HOUR / 4)
    second = heard(desk, replace(town.OTHERS[0], complaint=0.3, author="b"), HOUR / 4)
    assert doubted(desk.http.get("/corrections").text) == [first, second]
    mari = desk.as_somebody("Mari")
    desk.browsers.append(mari)
    pressed = mari.post(f"/corrections/{first}", data={"revision": 0, "answer": "yes"}, headers={"HX-Request": "true"})
    assert pressed.status_code == 200
    assert "Noted: a complaint." in pressed.text
    with desk.db.read() as session:
        case = session.scalars(select(CaseRow)).one()
        assert (case.mention_id, case.state) == (first, "open")
        word = session.scalars(select(CorrectionRow)).one()
        assert (word.mention_id, word.complaint, word.actor, word.at) == (first, True, "Mari", desk.clock.now())
    assert f'href="/cases/{case.id}"' in pressed.text
    plain = mari.post(f"/corrections/{second}", data={"revision": 0, "answer": "no", "back": "/corrections?by=source"})
    assert (plain.status_code, plain.headers["location"]) == (303, "/corrections?by=source#doubtful")
    page = desk.http.get("/corrections").text
    assert doubted(page) == []
    assert "said <bdi>Mari</bdi>" in page


@pytest.mark.parametrize(
    ("fields", "status", "why"),
    [
        ({"answer": "yes", "revision": "7", "actor": "Mari"}, 409, "It was changed meanwhile: read it again."),
        ({"answer": "yes", "revision": "0"}, 422, "Say who you are first"),
        ({"answer": "perhaps", "revision": "0", "actor": "Mari"}, 422, "Not as it should be: answer."),
        ({"answer": "yes", "revision": "-1", "actor": "Mari"}, 422, "Not as it should be: revision."),
    ],
)
def test_what_cannot_be_stored_is_explained(desk: Desk, fields: dict[str, str], status: int, why: str) -> None:
    mention = heard(desk, replace(town.OTHERS[0], complaint=0.45), HOUR)
    answer = desk.http.post(f"/corrections/{mention}", data=fields)
    assert answer.status_code == status
    assert why in answer.text
    with desk.db.read() as session:
        assert session.scalars(select(CorrectionRow)).all() == []


def test_only_agents_answer_and_only_from_our_own_pages(open_desk: Callable[..., Desk], clock: ManualClock) -> None:
    desk = open_desk(clock, login={"local": True})
    mention = heard(desk, replace(town.OTHERS[0], complaint=0.45), HOUR)
    viewer, agent = signed_in(desk, "Vera", Role.VIEWER), signed_in(desk, "Ann")
    said = {"answer": "yes", "revision": "0"}
    assert 'name="answer"' not in viewer.http.get("/corrections").text
    assert viewer.post(f"/corrections/{mention}", **said).status_code == 403
    assert agent.http.post(f"/corrections/{mention}", data=said | {"csrf": "guessed"}).status_code == 403
    assert agent.post(f"/corrections/{mention}", **said).status_code == 303
    with desk.db.read() as session:
        assert session.scalars(select(CorrectionRow.actor)).all() == ["Ann"]


def test_programs_list_doubtful_verdicts_and_answer_them(open_desk: Callable[..., Desk], clock: ManualClock) -> None:
    desk = open_desk(clock, login={"local": True})
    mention = heard(desk, replace(town.OTHERS[0], complaint=0.45), HOUR / 4)
    _, secret = Tokens(desk.db).add("bot", ["read", "act"], US, clock.now())
    http = browser(desk, Authorization=f"Bearer {secret}").http
    (one,) = http.get("/api/v1/corrections/doubtful").json()
    assert (one["mention_id"], one["score"], one["judged"], one["author"]) == (mention, 0.45, False, None)
    path = f"/api/v1/mentions/{mention}/corrections"
    assert http.post(path, json={"complaint": True, "revision": 3}).status_code == 409
    told = http.post(path, json={"complaint": True, "revision": 0}).json()
    assert (told["complaint"], told["done"]) == (True, "opened")
    assert http.post(path, json={"complaint": True}).json()["done"] is None
    for wrong in ({"complaint": "maybe"}, {"complaint": "off"}, {"complaint": False, "revision": False}):
        assert http.post(path, json=wrong).status_code == 422
    assert http.get("/api/v1/corrections/doubtful").json() == []


def test_hostile_words_stay_text(desk: Desk) -> None:
    text = HOSTILE.replace("\u0000", "")
    heard(desk, replace(town.OTHERS[0], complaint=0.45, text=text, author="<b>", source="<i>"), HOUR)
    heard(desk, replace(town.KADRI, text=text, source="</script><i>"), HOUR, False)
    page = Seen(desk.http.get("/corrections?by=source").text)
    assert page.text.count("<script>alert(1)</script>") >= 2
    assert "\u202e" not in page.text
    assert not any(tag in ("img", "i") or "onerror" in attrs for tag, attrs in page.tags)
    assert [attrs.get("src") for tag, attrs in page.tags if tag == "script" and "type" not in attrs] == [
        *("/static/htmx.min.js", "/static/live.js", "/static/charts.js", "/static/label.js")
    ]
