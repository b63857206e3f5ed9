"""What a proxy says of the browser behind it, and who may say it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from monitor.access.audit import entries
from monitor.clock import ManualClock
from tests.web.people import PASSWORD, browser, person
from tests.web.serving import Desk

LOGIN = {"local": True}
SAID = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "desk.acme.example"}


def came_from(desk: Desk) -> str | None:
    with desk.db.read() as session:
        return entries(session, 1, kind="sign_in_failed")[0].address


@pytest.mark.parametrize(
    ("web", "said", "address"),
    [
        ({}, "203.0.113.9", "127.0.0.1"),
        ({"proxies": ["10.0.0.0/8"]}, "203.0.113.9", "127.0.0.1"),
        ({"proxies": ["127.0.0.0/8"]}, "203.0.113.9", "203.0.113.9"),
        ({"proxies": ["127.0.0.1"]}, "198.51.100.1, 203.0.113.9", "203.0.113.9"),  # the first may be made up
        ({"proxies": ["127.0.0.1", "10.0.0.0/8"]}, "203.0.113.9, 10.1.2.3", "203.0.113.9"),
        ({"proxies": ["127.0.0.1"]}, "[2001:db8::1]:4711", "2001:db8::1"),
        ({"proxies": ["127.0.0.1"]}, "::ffff:203.0.113.9", "203.0.113.9"),
        ({"proxies": ["127.0.0.1"]}, "<script>", "127.0.0.1"),
        ({"proxies": ["127.0.0.1"]}, "", "127.0.0.1"),
        ({"proxies": ["127.0.0.1"], "proxy_headers": ["x-forwarded-proto"]}, "203.0.113.9", "127.0.0.1"),
    ],
)
def test_an_address_is_believed_of_the_configured_proxies_alone(
    open_desk: Callable[..., Desk], clock: ManualClock, web: dict[str, object], said: str, address: str
) -> None:
    desk = open_desk(clock, login=LOGIN, web=web)
    browser(desk, **{"X-Forwarded-For": said}).sign_in("Nobody", "wrong")
    assert came_from(desk) == address


def test_behind_https_the_cookie_is_one_that_no_other_host_can_set(
    open_desk: Callable[..., Desk], clock: ManualClock
) -> None:
    desk = open_desk(clock, login=LOGIN, web={"proxies": ["127.0.0.1"], "url": "https://desk.acme.example"})
    person(desk, "Mari")
    opened = browser(desk, **SAID)
    opened.http.headers["Origin"] = "https://desk.acme.example"
    answer = opened.http.post("/login", data={"name": "Mari", "password": PASSWORD})
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-firsthour=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    inside = browser(desk, **SAID, Cookie=cookie.partition(";")[0])
    assert inside.http.get("/").status_code == 200
    plain = browser(desk, Cookie="firsthour_session=" + cookie.partition(";")[0].partition("=")[2])
    plain.http.headers.update(SAID)
    assert plain.http.get("/").status_code == 303


def test_a_name_that_a_stranger_forwards_is_not_the_desks(open_desk: Callable[..., Desk], clock: ManualClock) -> None:
    behind = open_desk(clock, login=LOGIN, web={"proxies": ["127.0.0.1"], "url": "https://desk.acme.example"})
    assert browser(behind, **SAID).http.get("/login").status_code == 200
    assert browser(behind, **SAID | {"X-Forwarded-Host": "evil.example"}).http.get("/login").status_code == 421
    open_to_all = open_desk(clock)
    assert browser(open_to_all, **SAID).http.get("/").status_code == 200  # nothing is believed, so it changes nothing
    assert browser(open_to_all, Host="desk.acme.example").http.get("/").status_code == 421


def test_forms_come_from_the_address_by_which_people_open_the_desk(
    open_desk: Callable[..., Desk], clock: ManualClock
) -> None:
    desk = open_desk(clock, login=LOGIN, web={"url": "https://desk.acme.example"})
    for origin, status in (("https://desk.acme.example", 401), ("http://desk.acme.example", 403), ("null", 403)):
        opened = browser(desk)
        opened.http.headers["Origin"] = origin
        assert opened.sign_in("Nobody", "wrong").status_code == status
