"""People who sign in to a desk as a browser does."""

from __future__ import annotations

import re
from dataclasses import dataclass

import httpx2

from monitor.access.audit import By
from monitor.access.passwords import Passwords
from monitor.access.roles import Role
from monitor.access.users import Users
from tests.web.serving import Desk

PASSWORD = "four words of nobody's business"
US = By("the tests")


@dataclass
class Browser:
    """`http` keeps cookies, does not follow redirects, and sends the desk's own origin."""

    desk: Desk
    http: httpx2.Client

    def sign_in(self, name: str, password: str = PASSWORD, back: str = "/") -> httpx2.Response:
        return self.http.post("/login", data={"name": name, "password": password, "back": back})

    def csrf(self, path: str = "/") -> str:
        """The token of the forms on a page."""
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', self.http.get(path).text)
        assert found is not None, path
        return found[1]

    def post(self, path: str, csrf: str | None = None, **fields: str) -> httpx2.Response:
        return self.http.post(path, data={"csrf": csrf or self.csrf(), **fields})


def users(desk: Desk) -> Users:
    return Users(desk.db, Passwords())


def person(desk: Desk, name: str, role: Role = Role.AGENT, email: str | None = None) -> None:
    users(desk).add(name, role, US, desk.clock.now(), email=email, password=PASSWORD)


def browser(desk: Desk, **headers: str) -> Browser:
    http = httpx2.Client(
        base_url=desk.address, headers={"Origin": desk.address, **headers}, trust_env=False, verify=False, timeout=30
    )
    desk.browsers.append(http)
    return Browser(desk, http)


def signed_in(desk: Desk, name: str, role: Role = Role.AGENT) -> Browser:
    """A new person in a browser of their own."""
    person(desk, name, role)
    opened = browser(desk)
    assert opened.sign_in(name).status_code == 303
    return opened
