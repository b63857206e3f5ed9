"""People, their sessions, tokens and the audit log, on both databases."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import update

from monitor.access.audit import By, entries, forget, record
from monitor.access.passwords import Passwords
from monitor.access.roles import Role
from monitor.access.rows import SessionRow, UserRow
from monitor.access.sessions import REMEMBERED, Sessions
from monitor.access.tokens import Tokens
from monitor.access.users import Users
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.errors import Refused

US = By("the tests", "203.0.113.9")
PASSWORD = "four words of nobody's business"


def test_people_are_made_changed_and_listed(any_db: Database, clock: ManualClock) -> None:
    users, now = Users(any_db, Passwords()), clock.now()
    users.add("Mari Maasikas", Role.ADMIN, US, now, email="Mari@Acme.example", password=PASSWORD)
    users.add("Ann", Role.VIEWER, US, now)
    assert users.set_role("ann", Role.AGENT, US, now).role is Role.AGENT
    assert [(u.name, u.email, u.role, u.has_password) for u in users.all()] == [
        ("Ann", None, Role.AGENT, False),
        ("Mari Maasikas", "mari@acme.example", Role.ADMIN, True),
    ]
    with any_db.read() as session:
        said = [(e.kind, e.detail) for e in reversed(entries(session, 10))]
    assert said == [
        ("user_added", {"user": "Mari Maasikas", "role": "admin", "email": "mari@acme.example"}),
        ("user_added", {"user": "Ann", "role": "viewer"}),
        ("role_changed", {"user": "Ann", "before": "viewer", "role": "agent"}),
    ]


@pytest.mark.parametrize(
    ("name", "email", "why"),
    [
        ("MARI", None, "somebody called MARI already"),
        ("Ｍａｒｉ", None, "already"),
        ("Ann", "mari@acme.example", "has the address"),
        ("Ann", "nowhere", "no e-mail address"),
        ("", None, "1 to 60"),
        ("x" * 61, None, "1 to 60"),
        ("An\u202en", None, "can be seen"),
        ("mari@acme.example", None, "no @ in it"),
    ],
)
def test_a_name_or_address_that_cannot_be_is_refused(
    any_db: Database, clock: ManualClock, name: str, email: str | None, why: str
) -> None:
    users = Users(any_db, Passwords())
    users.add("Mari", Role.AGENT, US, clock.now(), email="mari@acme.example")
    with pytest.raises(Refused, match=why):
        users.add(name, Role.AGENT, US, clock.now(), email=email)
    assert len(users.all()) == 1


def test_of_two_admins_who_remove_each_other_at_once_one_stays(any_db: Database, clock: ManualClock) -> None:
    users = Users(any_db, Passwords())
    for name in ("Ann", "Bo"):
        users.add(name, Role.ADMIN, US, clock.now())
    start, refused = threading.Barrier(2), []

    def remove(name: str) -> None:
        start.wait()
        try:
            users.set_role(name, Role.VIEWER, US, clock.now())
        except Refused as error:
            refused.append(str(error))

    threads = [threading.Thread(target=remove, args=(name,)) for name in ("Ann", "Bo")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(users.admins()) == len(refused) == 1


@pytest.mark.parametrize("password", ["short", "x" * 600, "aaaaaaaaaaaaaaaa", "abababababababab", "mari maasikas"])
def test_a_password_that_is_easy_to_guess_is_refused(password: str) -> None:
    with pytest.raises(Refused):
        Passwords().hash(password, "Mari Maasikas")


def test_no_password_opens_an_account_without_one(any_db: Database, clock: ManualClock) -> None:
    users = Users(any_db, Passwords())
    users.add("Ann", Role.VIEWER, US, clock.now())
    for password in ("", "nobody's password", PASSWORD):
        assert users.check("Ann", password) is None
        assert users.check("Nobody", password) is None


def test_a_hash_of_lower_cost_is_made_anew_at_the_next_sign_in(any_db: Database, clock: ManualClock) -> None:
    users = Users(any_db, Passwords())
    users.add("Mari", Role.AGENT, US, clock.now(), password=PASSWORD)
    cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
    with any_db.write() as session:
        session.execute(update(UserRow).values(password=cheap))
    assert users.check("Mari", PASSWORD) is not None
    with any_db.read() as session:
        assert session.query(UserRow).one().password != cheap
    assert users.check("Mari", PASSWORD) is not None


def test_sessions_are_found_used_ended_and_forgotten(any_db: Database, clock: ManualClock) -> None:
    users = Users(any_db, Passwords())
    user = users.add("Mari", Role.AGENT, US, clock.now())
    sessions = Sessions(any_db, timedelta(hours=12), timedelta(days=7))
    first, second = (sessions.begin(user, US, "Browser", clock.now()) for _ in range(2))
    clock.move(timedelta(hours=11))
    found = sessions.find(first, clock.now())
    assert found is not None
    sessions.used(found, clock.now())
    clock.move(timedelta(hours=2))
    assert [each.id for each in sessions.of(user, clock.now())] == [found.id]
    old = sessions.find(second, clock.now())
    assert old is not None
    assert not old.live
    sessions.end_of(user, US, clock.now())
    assert sessions.find(first, clock.now()) is None
    clock.move(REMEMBERED + timedelta(days=8))
    sessions.forget(clock.now())
    with any_db.read() as session:
        assert session.query(SessionRow).count() == 0


def test_tokens_are_found_by_their_secret_alone(any_db: Database, clock: ManualClock) -> None:
    tokens, now = Tokens(any_db), clock.now()
    made, secret = tokens.add("grafana", ["read"], US, now, timedelta(days=90))
    assert tokens.find(secret, now) is not None
    for wrong in ("", made.prefix, secret[:-1], secret.upper(), "fh_\ud800"):
        assert tokens.find(wrong, now) is None
    with pytest.raises(Refused, match="there is a token called grafana already"):
        tokens.add("grafana", ["read"], US, now)
    with pytest.raises(Refused, match="there is no scope write"):
        tokens.add("other", ["write"], US, now)
    tokens.revoke(made.prefix, US, now)
    assert tokens.find(secret, now) is None


def test_the_log_is_kept_as_long_as_it_says(any_db: Database, clock: ManualClock) -> None:
    for day in range(3):
        with any_db.write() as session:
            record(session, "exported", US, clock.now(), day=day, words="x" * 1000, nothing=None)
        clock.move(timedelta(days=1))
    assert forget(any_db, timedelta(days=2), clock.now()) == 1
    with any_db.read() as session:
        kept = entries(session, 10)
        assert [entry.detail["day"] for entry in kept] == [2, 1]
        assert [entry.detail["day"] for entry in entries(session, 10, before=kept[0].id)] == [1]
    assert len(kept[0].detail["words"]) == 300
    with pytest.raises(ValueError, match="no kind"), any_db.write() as session:
        record(session, "invented", US, clock.now())
