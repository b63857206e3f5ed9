"""Entering by an identity provider, on both databases."""

from __future__ import annotations

import threading

import pytest

from monitor.access.audit import By, entries
from monitor.access.entry import admit
from monitor.access.identity import Identity
from monitor.access.passwords import Passwords
from monitor.access.roles import Role
from monitor.access.users import User, Users
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.errors import Refused
from monitor.login_settings import LoginSettings

SETTINGS = LoginSettings(domains=["acme.example"], roles={"boss@acme.example": "admin"}, default_role="agent")


def identity(subject: str = "oidc 1", email: str | None = "ann@acme.example", name: str = "Ann Aru") -> Identity:
    return Identity(subject, email, name, None)


def test_of_two_browsers_that_bring_the_same_new_person_at_once_one_makes_them(
    any_db: Database, clock: ManualClock
) -> None:
    found: list[User] = []
    start = threading.Barrier(3)

    def enter() -> None:
        start.wait()
        found.append(admit(any_db, SETTINGS, identity(), "203.0.113.9", clock.now()))

    threads = [threading.Thread(target=enter) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({user.id for user in found}) == 1
    assert len(found) == 3
    assert [user.role for user in Users(any_db, Passwords()).all()] == [Role.AGENT]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("", "ann"),
        ("ann@acme.example", "ann"),
        ("\u202e\x00", "Somebody"),
        ("Ann\nAru", "Ann Aru"),
        ("x" * 200, "x" * 60),
    ],
)
def test_whatever_the_provider_calls_somebody_they_get_a_name(
    any_db: Database, clock: ManualClock, given: str, name: str
) -> None:
    assert admit(any_db, SETTINGS, identity(name=given), None, clock.now()).name == name
    again = admit(any_db, SETTINGS, identity("oidc 2", "b@acme.example", given or "ann"), None, clock.now())
    assert again.name == (name if len(name) < 60 else "x" * 55) + " 2"


def test_a_role_of_the_settings_is_in_the_log_as_theirs(any_db: Database, clock: ManualClock) -> None:
    users = Users(any_db, Passwords())
    users.add("The boss", Role.VIEWER, By("us"), clock.now(), email="boss@acme.example")
    assert admit(any_db, SETTINGS, identity(email="boss@acme.example"), None, clock.now()).role is Role.ADMIN
    with any_db.read() as session:
        newest = entries(session, 1)[0]
    assert (newest.kind, newest.actor, newest.detail["role"]) == ("role_changed", "the settings", "admin")


def test_an_address_is_whole_and_its_domain_too(any_db: Database, clock: ManualClock) -> None:
    for email in (
        "ann@evilacme.example",
        "ann@acme.example.evil",
        "ann@acme.example@evil.example",
        "acme.example",
        None,
    ):
        with pytest.raises(Refused):
            admit(any_db, SETTINGS, identity(email=email), None, clock.now())
    assert Users(any_db, Passwords()).all() == []
