"""Signing in with a password: who gets in, who does not, and what everybody can tell from that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from monitor.access.audit import entries
from monitor.access.roles import Role
from monitor.access.rows import AuditRow, SessionRow, UserRow
from monitor.clock import ManualClock
from tests.web.people import PASSWORD, US, browser, person, signed_in, users
from tests.web.serving import Desk
from tests.web.town import settle

LOGIN = {"local": True, "idle": "12h", "lifetime": "7d"}


@pytest.fixture
def desk(open_desk: Callable[..., Desk], clock: ManualClock) -> Desk:
    return open_desk(clock, login=LOGIN)


def audit(desk: Desk) -> list[tuple[str, str]]:
    """Kind and actor, oldest first, without what the tests prepared."""
    with desk.db.read() as session:
        return [(e.kind, e.actor) for e in reversed(entries(session, 100)) if e.actor != US.actor]


@pytest.mark.parametrize("path", ["/", "/mentions", "/response", "/cases/1", "/account", "/people", "/audit"])
def test_a_stranger_is_asked_to_sign_in_and_comes_back_to_where_they_wanted(desk: Desk, path: str) -> None:
    answer = browser(desk).http.get(path)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/login?back=")
    person(desk, "Mari", Role.ADMIN)
    opened = browser(desk)
    assert opened.sign_in("Mari", back=path).headers["Location"] == path
    assert opened.http.get(path).status_code in (200, 404)


@pytest.mark.parametrize("path", ["/api/v1/cases", "/api/v1/response.csv", "/metrics"])
def test_a_program_without_a_token_is_told_how_to_send_one(desk: Desk, path: str) -> None:
    answer = browser(desk).http.get(path)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "firsthour tokens add" in answer.json()["detail"]


def test_what_needs_no_login_shows_nothing_of_the_cases(desk: Desk) -> None:
    settle(desk.db, desk.clock.now())
    stranger = browser(desk).http
    assert stranger.get("/healthz").status_code == 200
    assert stranger.get("/readyz").json() == {"ready": True}
    for path in ("/login", "/signed-out", "/nothing", "/static/desk.css"):
        assert "ayse" not in stranger.get(path).text
    assert stranger.get("/events").status_code == 303
    assert stranger.get("/events", headers={"Accept": "text/event-stream"}).status_code == 204
    assert stranger.get("/parts/board", headers={"HX-Request": "true"}).text == ""


@pytest.mark.parametrize("typed", ["Mari", "mari", " MARI ", "Ｍａｒｉ", "mari@acme.example"])
def test_a_name_is_known_however_it_is_written(desk: Desk, typed: str) -> None:
    person(desk, "Mari", email="Mari@Acme.example")
    assert browser(desk).sign_in(typed).status_code == 303


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(desk: Desk) -> None:
    person(desk, "Mari")
    wrong = browser(desk).sign_in("Mari", "not her password")
    unknown = browser(desk).sign_in("Nobody", "not her password")
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.text.replace("Mari", "Nobody").split('id="refused"')[1] == unknown.text.split('id="refused"')[1]
    assert audit(desk) == [("sign_in_failed", "Mari"), ("sign_in_failed", "somebody unknown")]


@pytest.mark.parametrize("name", ["Mari", "Nobody"])
def test_whoever_guesses_has_to_wait_whether_or_not_there_is_such_a_name(
    desk: Desk, clock: ManualClock, name: str
) -> None:
    person(desk, "Mari")
    opened = browser(desk)
    assert [opened.sign_in(name, "wrong").status_code for _ in range(6)] == [401] * 5 + [429]
    answer = opened.sign_in(name, PASSWORD)  # also the right one
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "15")
    assert "wait 15 seconds" in answer.text
    clock.move(timedelta(seconds=15))
    assert opened.sign_in("Mari").status_code == 303


def test_the_session_is_a_cookie_that_scripts_and_other_sites_do_not_get(desk: Desk) -> None:
    person(desk, "Mari")
    cookie = browser(desk).sign_in("Mari").headers["Set-Cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "domain" not in cookie
    assert "secure" not in cookie  # this desk speaks http on loopback


def test_the_database_holds_neither_passwords_nor_what_browsers_show(desk: Desk) -> None:
    opened = signed_in(desk, "Mari")
    shown = opened.http.cookies["firsthour_session"]
    with desk.db.read() as session:
        stored = session.query(SessionRow).one()
        password = session.query(UserRow).one().password
        log = repr([row.detail for row in session.query(AuditRow)])
    assert shown not in repr(vars(stored))
    assert password is not None
    assert password.startswith("$argon2id$")
    assert PASSWORD not in password + log
    assert shown not in log


def test_customers_and_services_are_not_asked_to_sign_in(desk: Desk) -> None:
    stranger = browser(desk).http
    assert stranger.get("/s/abc.def.0123456789012345678901").status_code == 404
    assert stranger.post("/s/abc.def.0123456789012345678901", data={"score": "5"}).status_code == 404
    assert stranger.post("/hooks/unknown", content=b"{}").status_code == 404


def test_each_sign_in_is_a_new_session_and_ends_the_one_before_in_that_browser(desk: Desk) -> None:
    opened = signed_in(desk, "Mari")
    before = opened.http.cookies["firsthour_session"]
    opened.sign_in("Mari")
    assert opened.http.cookies["firsthour_session"] != before
    thief = browser(desk, Cookie=f"firsthour_session={before}")
    assert thief.http.get("/").status_code == 303


def test_a_session_ends_when_it_is_not_used_and_at_the_latest_after_its_lifetime(
    desk: Desk, clock: ManualClock
) -> None:
    opened = signed_in(desk, "Mari")
    for _ in range(15):
        clock.move(timedelta(hours=11))
        assert opened.http.get("/").status_code == 200
    clock.move(timedelta(hours=11))  # the seventh day is over
    assert opened.http.get("/").status_code == 303
    opened.sign_in("Mari")
    clock.move(timedelta(hours=12))
    assert opened.http.get("/").status_code == 303


def test_an_open_page_that_draws_itself_anew_is_not_somebody_who_uses_it(desk: Desk, clock: ManualClock) -> None:
    opened = signed_in(desk, "Mari")
    for _ in range(13):
        clock.move(timedelta(hours=1))
        opened.http.get("/parts/board", headers={"HX-Request": "true"})
    answer = opened.http.get("/parts/board", headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert answer.headers["HX-Trigger"] == "signedout"


def test_signing_out_ends_the_session_and_not_only_the_cookie(desk: Desk) -> None:
    opened = signed_in(desk, "Mari")
    shown = opened.http.cookies["firsthour_session"]
    answer = opened.post("/logout")
    assert answer.headers["Location"] == "/signed-out"
    assert "firsthour_session" not in opened.http.cookies
    assert browser(desk, Cookie=f"firsthour_session={shown}").http.get("/").status_code == 303
    assert audit(desk) == [("signed_in", "Mari"), ("signed_out", "Mari")]


def test_signing_out_everywhere_ends_every_other_browser_too(desk: Desk) -> None:
    first = signed_in(desk, "Mari")
    second = browser(desk)
    second.sign_in("Mari")
    assert second.http.get("/account").text.count("End<span") == 1
    second.post("/logout", everywhere="1")
    assert first.http.get("/").status_code == 303


def test_one_may_end_a_session_of_ones_own_and_nobody_elses(desk: Desk) -> None:
    mari, liis = signed_in(desk, "Mari"), signed_in(desk, "Liis")
    with desk.db.read() as session:
        maris = session.query(SessionRow).order_by(SessionRow.id).first()
    assert maris is not None
    liis.post("/account/sessions", one=str(maris.id))
    assert mari.http.get("/").status_code == 200
    elsewhere = browser(desk)
    elsewhere.sign_in("Mari")
    elsewhere.post("/account/sessions")
    assert mari.http.get("/").status_code == 303
    assert elsewhere.http.get("/").status_code == 200


def test_a_new_password_ends_all_sessions_but_the_one_it_was_typed_in(desk: Desk) -> None:
    here = signed_in(desk, "Mari")
    there = browser(desk)
    there.sign_in("Mari")
    new = "entirely other words here"
    assert here.post("/account/password", now="wrong", new=new, again=new).status_code == 422
    assert here.post("/account/password", now=PASSWORD, new=new, again="typo").status_code == 422
    assert here.post("/account/password", now=PASSWORD, new="short", again="short").status_code == 422
    assert here.post("/account/password", now=PASSWORD, new=new, again=new).status_code == 200
    assert there.http.get("/").status_code == 303
    assert here.http.get("/").status_code == 200
    assert there.sign_in("Mari").status_code == 401
    assert there.sign_in("Mari", new).status_code == 303


def test_who_is_shut_out_is_gone_with_the_next_click(desk: Desk) -> None:
    opened = signed_in(desk, "Mari")
    users(desk).disable("mari", US, desk.clock.now())
    assert opened.http.get("/").status_code == 303
    assert opened.sign_in("Mari").status_code == 401


@pytest.mark.parametrize(
    "back", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:1", "x", "/\n"]
)
def test_nobody_is_led_elsewhere_by_signing_in(desk: Desk, back: str) -> None:
    person(desk, "Mari")
    assert browser(desk).sign_in("Mari", back=back).headers["Location"] == "/"
    assert "evil" not in browser(desk).http.get("/login", params={"back": back}).text


def test_with_nobody_known_the_page_says_how_to_make_the_first(desk: Desk) -> None:
    assert "firsthour users add" in browser(desk).http.get("/login").text


def test_a_form_without_the_token_of_its_session_changes_nothing(desk: Desk) -> None:
    case_id = settle(desk.db, desk.clock.now())["ayse_k"]
    mari, liis = signed_in(desk, "Mari"), signed_in(desk, "Liis")
    for given in ("", "0" * 64, liis.csrf(), "ä"):
        answer = mari.http.post(f"/cases/{case_id}/act", data={"event": "take", "csrf": given})
        assert answer.status_code == 403
    with desk.db.read() as session:
        assert desk.cases.get(session, case_id).owner is None
    page = mari.http.get(f"/cases/{case_id}").text
    assert mari.post(f"/cases/{case_id}/act", event="take", actor="Somebody Else").status_code == 303
    with desk.db.read() as session:
        assert desk.cases.get(session, case_id).owner == "Mari"
    assert "X-CSRF" in page
    take = {"event": "note", "text": "from htmx"}
    headers = {"HX-Request": "true", "X-CSRF": mari.csrf()}
    assert mari.http.post(f"/cases/{case_id}/act", data=take, headers=headers).status_code == 200


def test_the_origin_is_looked_at_as_well(desk: Desk) -> None:
    opened = signed_in(desk, "Mari")
    foreign = {"Origin": "https://evil.example"}
    assert opened.http.post("/logout", data={"csrf": opened.csrf()}, headers=foreign).status_code == 403
    assert opened.http.post("/login", data={"name": "Eve", "password": "x"}, headers=foreign).status_code == 403
