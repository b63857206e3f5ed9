"""What people do on the desk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from monitor.clock import ManualClock
from monitor.models import CaseEventRow, CorrectionRow
from tests.web.serving import Desk
from tests.web.town import AYSE, case

PART = {"HX-Request": "true"}


@pytest.fixture
def case_id(desk: Desk) -> int:
    with desk.db.write() as session:
        return case(session, AYSE, desk.clock.now() - timedelta(minutes=10)).id


def events(desk: Desk, case_id: int) -> list[tuple[str, str, str]]:
    with desk.db.read() as session:
        rows = session.scalars(select(CaseEventRow).where(CaseEventRow.case_id == case_id).order_by(CaseEventRow.id))
        return [(row.kind, row.actor, row.origin) for row in rows if row.kind != "opened"]


def test_taking_a_case_without_a_script_names_its_owner_and_remembers_the_name(desk: Desk, case_id: int) -> None:
    answer = desk.http.post(f"/cases/{case_id}/act", data={"event": "take", "actor": " Mari  Ööbik "})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/cases/{case_id}")
    assert events(desk, case_id) == [("take", "Mari Ööbik", "web")]
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Mari Ööbik" in desk.http.get("/").text  # the client sends the cookie back


def test_with_a_script_the_answer_is_the_case_alone(desk: Desk, case_id: int) -> None:
    answer = desk.http.post(f"/cases/{case_id}/act", data={"event": "take", "actor": "Mari"}, headers=PART)
    assert answer.status_code == 200
    assert answer.text.lstrip().startswith("<aside")
    assert "It is yours now." in answer.text
    assert "Your name" not in answer.text
    assert answer.headers["HX-Trigger"] == "changed"


def test_a_name_is_asked_for_before_anything_is_done(desk: Desk, case_id: int) -> None:
    for name in ("", "   ", "\u202e\u200b"):
        answer = desk.http.post(f"/cases/{case_id}/act", data={"event": "take", "actor": name})
        assert answer.status_code == 422
        assert "Say who you are first" in answer.text
    assert events(desk, case_id) == []


def test_of_two_who_take_a_case_one_gets_it_and_the_other_is_told_who(desk: Desk, case_id: int) -> None:
    mari, jaan = desk.as_somebody("Mari"), desk.as_somebody("Jaan")
    assert mari.post(f"/cases/{case_id}/act", data={"event": "take", "nonce": "a"}).status_code == 303
    late = jaan.post(f"/cases/{case_id}/act", data={"event": "take", "nonce": "b"}, headers=PART)
    assert late.status_code == 409
    assert "Mari has taken this case already" in late.text
    assert 'role="alert"' in late.text
    assert events(desk, case_id) == [("take", "Mari", "web")]
    mari.close()
    jaan.close()


def test_the_same_press_twice_is_one_event(desk: Desk, case_id: int) -> None:
    mari = desk.as_somebody("Mari")
    for _ in range(2):
        note = {"event": "note", "text": "Called them.", "nonce": "0c1"}
        assert mari.post(f"/cases/{case_id}/act", data=note).status_code == 303
    mari.post(f"/cases/{case_id}/act", data={"event": "note", "text": "And again.", "nonce": "0c1"})
    assert [kind for kind, _, _ in events(desk, case_id)] == ["note", "note"]
    mari.close()


def test_not_a_complaint_is_kept_as_a_correction_and_can_be_undone(desk: Desk, case_id: int) -> None:
    mari = desk.as_somebody("Mari")
    mari.post(f"/cases/{case_id}/act", data={"event": "dismiss"})
    with desk.db.read() as session:
        assert [(c.complaint, c.actor) for c in session.scalars(select(CorrectionRow))] == [(False, "Mari")]
        assert desk.cases.get(session, case_id).state == "dismissed"
    assert "Open again" in mari.get(f"/cases/{case_id}").text
    mari.post(f"/cases/{case_id}/act", data={"event": "reopen"})
    with desk.db.read() as session:
        assert desk.cases.get(session, case_id).state == "reopened"
    mari.close()


@pytest.mark.parametrize(
    ("choice", "until"),
    [
        ("30m", datetime(2026, 11, 20, 12, 30, tzinfo=UTC)),
        ("3h", datetime(2026, 11, 20, 15, 0, tzinfo=UTC)),
        ("morning", datetime(2026, 11, 21, 9, 0, tzinfo=UTC)),
    ],
)
def test_a_snooze_ends_when_it_was_said_to(desk: Desk, case_id: int, choice: str, until: datetime) -> None:
    desk.http.post(f"/cases/{case_id}/act", data={"event": "snooze", "until": choice, "actor": "Mari"})
    with desk.db.read() as session:
        found = desk.cases.get(session, case_id)
    assert (found.state, found.snoozed_until) == ("snoozed", until)


def test_saying_that_one_answered_stops_the_clock(desk: Desk, case_id: int, clock: ManualClock) -> None:
    clock.move(timedelta(minutes=2))
    answer = desk.http.post(f"/cases/{case_id}/act", data={"event": "reply", "actor": "Mari"}, headers=PART)
    assert "Answered after 12 minutes, in time" in answer.text


def test_a_case_is_handed_over_taken_over_and_given_back(desk: Desk, case_id: int) -> None:
    mari, jaan = desk.as_somebody("Mari"), desk.as_somebody("Jaan")
    owners = []
    for who, form in (
        (mari, {"event": "take"}),
        (mari, {"event": "hand_over", "to": "Liis"}),
        (jaan, {"event": "hand_over"}),
        (jaan, {"event": "release"}),
    ):
        assert who.post(f"/cases/{case_id}/act", data=form).status_code == 303
        with desk.db.read() as session:
            owners.append(desk.cases.get(session, case_id).owner)
    assert owners == ["Mari", "Liis", "Jaan", None]
    mari.close()
    jaan.close()


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"event": "breach"}, "The desk has no action"),
        ({"event": "<script>"}, "The desk has no action"),
        ({"event": "note", "text": " \u200b "}, "The note is empty."),
        ({"event": "note", "text": "x" * 4001}, "4000 fit"),
        ({"event": "reopen"}, "is not possible while the case is open"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(
    desk: Desk, case_id: int, form: dict[str, str], says: str
) -> None:
    answer = desk.http.post(f"/cases/{case_id}/act", data=form | {"actor": "Mari"})
    assert answer.status_code in (409, 422)
    assert says in answer.text
    assert "<script>" not in answer.text
    assert events(desk, case_id) == []


def test_an_action_on_no_case_is_not_found(desk: Desk) -> None:
    assert desk.http.post("/cases/77/act", data={"event": "take", "actor": "Mari"}).status_code == 404


def test_a_database_that_cannot_be_written_says_so_and_nothing_is_changed(desk: Desk, case_id: int) -> None:
    with desk.db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")  # as a read-only or full disk answers: the write fails
    answer = desk.http.post(f"/cases/{case_id}/act", data={"event": "take", "actor": "Mari"})
    assert answer.status_code == 503
    assert "nothing was changed" in answer.text
    part = desk.http.post(f"/cases/{case_id}/act", data={"event": "take"}, headers=PART)
    assert part.status_code == 409
    assert "nothing was changed" in part.text
    assert events(desk, case_id) == []


def test_going_back_leads_nowhere_else(desk: Desk) -> None:
    for back in ("https://evil.example", "//evil.example", "/\\evil.example"):
        assert desk.http.post("/me", data={"actor": "Mari", "back": back}).headers["Location"] == "/"
