"""Tokens of programs: what each scope opens, and what is said where it does not suffice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import httpx2
import pytest

from monitor.access.audit import entries
from monitor.access.rows import TokenRow
from monitor.access.tokens import Tokens
from monitor.clock import ManualClock
from tests.web import town
from tests.web.people import US, browser, signed_in
from tests.web.serving import Desk


@pytest.fixture
def desk(open_desk: Callable[..., Desk], clock: ManualClock) -> Desk:
    return open_desk(clock, login={"local": True})


def program(desk: Desk, *scopes: str, lasts: timedelta | None = None) -> httpx2.Client:
    _, secret = Tokens(desk.db).add("-".join(scopes), scopes, US, desk.clock.now(), lasts)
    http = browser(desk, Authorization=f"Bearer {secret}").http
    del http.headers["Origin"]
    return http


@pytest.mark.parametrize(
    ("scope", "path", "lacks"),
    [
        ("read", "/api/v1/cases", None),
        ("read", "/api/v1/response", None),
        ("read", "/metrics", None),
        ("read", "/readyz", None),
        ("read", "/api/v1/response.csv", "export"),
        ("export", "/api/v1/response.csv", None),
        ("export", "/api/v1/cases", "read"),
        ("act", "/api/v1/cases", "read"),
    ],
)
def test_each_scope_opens_what_it_says_and_nothing_else(desk: Desk, scope: str, path: str, lacks: str | None) -> None:
    answer = program(desk, scope).get(path)
    if lacks is None:
        assert answer.status_code == 200
    else:
        assert answer.status_code == 403
        assert answer.json()["detail"].startswith(f"this needs the scope {lacks}, and the token {scope} has {scope}")
        assert f"--scopes {lacks}" in answer.json()["detail"]


def test_a_ready_check_with_a_token_sees_the_parts(desk: Desk) -> None:
    assert "sources" in program(desk, "read").get("/readyz").json()


def test_a_token_opens_no_pages(desk: Desk) -> None:
    http = program(desk, "read", "act", "export", "personal")
    for path in ("/", "/people", "/audit", "/account"):
        assert http.get(path).status_code == 303


@pytest.mark.parametrize("given", ["Bearer fh_abcdef_nothing", "Bearer", "bearer x y", "Bearer fh_ä"])
def test_a_token_that_is_none_is_refused_with_where_to_look(desk: Desk, given: str) -> None:
    answer = httpx2.get(
        f"{desk.address}/api/v1/cases", headers={"Authorization": given.encode("utf-8")}, trust_env=False
    )
    assert answer.status_code == 401
    assert "firsthour tokens list" in answer.json()["detail"]


def test_a_wrong_token_is_refused_where_no_login_is_asked_for_either(
    open_desk: Callable[..., Desk], clock: ManualClock
) -> None:
    open_to_all = open_desk(clock)
    wrong = browser(open_to_all, Authorization="Bearer fh_abcdef_nothing").http
    assert wrong.get("/api/v1/cases").status_code == 401


def test_an_expired_and_a_revoked_token_open_nothing(desk: Desk, clock: ManualClock) -> None:
    short, long = program(desk, "read", lasts=timedelta(days=1)), program(desk, "read", "export")
    assert short.get("/api/v1/cases").status_code == 200
    clock.move(timedelta(days=1))
    assert short.get("/api/v1/cases").status_code == 401
    assert long.get("/api/v1/cases").status_code == 200
    Tokens(desk.db).revoke("read-export", US, clock.now())
    assert long.get("/api/v1/cases").status_code == 401


def test_its_last_use_is_kept_and_the_secret_is_not(desk: Desk, clock: ManualClock) -> None:
    http = program(desk, "read")
    secret = http.headers["Authorization"].removeprefix("Bearer ")
    clock.move(timedelta(minutes=5))
    http.get("/api/v1/cases")
    (token,) = Tokens(desk.db).all()
    assert token.used_at == clock.now()
    assert secret.startswith(token.prefix)
    with desk.db.read() as session:
        stored = session.query(TokenRow).one()
        log = repr([entry.detail for entry in entries(session, 10)])
    assert secret not in repr(vars(stored)) + log


def test_who_exported_what_is_in_the_audit_log(desk: Desk) -> None:
    program(desk, "export").get("/api/v1/response.csv?table=breaches")
    with desk.db.read() as session:
        entry = entries(session, 1)[0]
    assert (entry.kind, entry.actor, entry.address) == ("exported", "token export", "127.0.0.1")
    assert entry.detail == {"path": "/api/v1/response.csv", "query": "table=breaches"}


def test_a_program_acts_on_a_case_under_its_own_name(desk: Desk) -> None:
    ids = town.settle(desk.db, desk.clock.now())
    http, address = program(desk, "read", "act", "personal"), f"/api/v1/cases/{ids['ayse_k']}/events"
    taken = http.post(address, json={"event": "take", "key": "1"})
    assert taken.status_code == 200
    assert (taken.json()["state"], taken.json()["owner"]) == ("taken", "read-act-personal")
    assert http.post(address, json={"event": "take", "key": "1"}).status_code == 200  # the same event
    assert http.post(address, json={"event": "take"}).status_code == 409
    assert http.post(address, json={"event": "note", "text": "from a program"}).status_code == 200
    later = (desk.clock.now() + timedelta(hours=1)).isoformat()
    assert http.post(address, json={"event": "snooze", "until": later}).json()["state"] == "snoozed"
    kinds = [(each["kind"], each["origin"]) for each in http.get(address.removesuffix("/events")).json()["history"]]
    assert kinds[-3:] == [("take", "api"), ("note", "api"), ("snooze", "api")]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"event": "reply"}, 422),
        ({"event": "note"}, 422),
        ({"event": "hand_over"}, 422),
        ({"event": "snooze", "until": "2026-11-20T11:00:00Z"}, 422),
        ({"event": "snooze", "until": "2026-11-21T11:00:00"}, 422),
        ({"event": "snooze", "until": 4102444800}, 422),
        ({"event": "take", "more": 1}, 422),
        ({"event": "unsnooze"}, 409),
    ],
)
def test_an_act_that_cannot_be_changes_nothing(desk: Desk, body: dict[str, object], status: int) -> None:
    ids = town.settle(desk.db, desk.clock.now())
    http = program(desk, "act")
    assert http.post(f"/api/v1/cases/{ids['ayse_k']}/events", json=body).status_code == status
    assert http.post("/api/v1/cases/999/events", json={"event": "take"}).status_code == 404
    reader = program(desk, "read").post(f"/api/v1/cases/{ids['ayse_k']}/events", json={"event": "take"})
    assert (reader.status_code, "the scope act" in reader.text) == (403, True)
    with desk.db.read() as session:
        assert desk.cases.get(session, ids["ayse_k"]).owner is None


def test_somebody_signed_in_acts_over_the_interface_only_with_the_token_of_their_forms(desk: Desk) -> None:
    ids = town.settle(desk.db, desk.clock.now())
    mari, address = signed_in(desk, "Mari"), f"/api/v1/cases/{ids['ayse_k']}/events"
    assert mari.http.post(address, json={"event": "take"}).status_code == 403
    answer = mari.http.post(address, json={"event": "take"}, headers={"X-CSRF": mari.csrf()})
    assert answer.json()["owner"] == "Mari"
