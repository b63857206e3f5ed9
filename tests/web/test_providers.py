"""Signing in through an identity provider, and what of its answers is not believed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from monitor.access.audit import entries
from monitor.access.roles import Role
from monitor.clock import ManualClock
from tests.identity_provider import CLIENT, SECRET, IdentityProvider, serving
from tests.web.people import US, Browser, browser, person, users
from tests.web.serving import Desk

ANN = {"sub": "u1", "name": "Ann Aru", "email": "ann@acme.example", "email_verified": True}


@pytest.fixture
def provider(clock: ManualClock) -> Iterator[IdentityProvider]:
    with serving(clock) as made:
        made.person = dict(ANN)
        yield made


@pytest.fixture
def open_with(open_desk: Callable[..., Desk], clock: ManualClock, provider: IdentityProvider) -> Callable[..., Desk]:
    """A desk with the provider, and what else `[login]` says."""

    def opened(**login: Any) -> Desk:
        given = {
            "oidc_issuer": provider.issuer,
            "oidc_client_id": CLIENT,
            "oidc_client_secret": SECRET,
            "domains": ["acme.example"],
        } | login
        desk = open_desk(clock, login=given)
        provider.returns = [f"{desk.address}/login/{kind}/back" for kind in ("oidc", "slack")]
        return desk

    return opened


def there(opened: Browser, kind: str = "oidc", back: str = "/") -> str:
    """Through the provider's pages: the address at which it sends the browser back."""
    to_provider = opened.http.get(f"/login/{kind}", params={"back": back})
    assert to_provider.status_code == 303, to_provider.text
    with httpx2.Client(trust_env=False, timeout=30) as http:
        return str(http.get(to_provider.headers["Location"]).headers["Location"])


def through(opened: Browser, kind: str = "oidc", back: str = "/") -> httpx2.Response:
    """The whole way; the answer to coming back."""
    return opened.http.get(there(opened, kind, back))


def role_of(desk: Desk, name: str) -> Role:
    return next(user.role for user in users(desk).all() if user.name == name)


def test_whoever_the_provider_knows_gets_in_under_their_own_name(open_with: Callable[..., Desk]) -> None:
    desk = open_with()
    opened = browser(desk)
    assert "Sign in with your organisation" in opened.http.get("/login").text
    answer = through(opened, back="/mentions?language=et")
    assert answer.headers["Location"] == "/mentions?language=et"
    assert "Ann Aru" in opened.http.get("/mentions").text
    assert role_of(desk, "Ann Aru") is Role.VIEWER
    with desk.db.read() as session:
        kinds = [(entry.kind, entry.actor, entry.detail.get("how")) for entry in entries(session, 10)]
    assert kinds == [("signed_in", "Ann Aru", "oidc"), ("user_added", "Ann Aru", None)]
    again = browser(desk)
    through(again)
    assert len(users(desk).all()) == 1


@pytest.mark.parametrize(
    "lie",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": ["another-client", "third"]},
        {"aud": ["another-client", "third"], "azp": CLIENT},
        {"aud": [CLIENT, "third"], "azp": "third"},
        {"azp": "another-client"},
        {"exp": 1},
        {"exp": None},
        {"iat": 4_000_000_000},
        {"nbf": 4_000_000_000},
        {"sub": None},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    ],
    ids=str,
)
def test_an_id_token_that_was_not_made_for_this_sign_in_opens_nothing(
    open_with: Callable[..., Desk], provider: IdentityProvider, lie: dict[str, Any]
) -> None:
    desk, provider.lie = open_with(), lie
    opened = browser(desk)
    answer = through(opened)
    assert answer.status_code == 403
    assert "was not meant for this sign-in" in answer.text
    assert opened.http.get("/").status_code == 303
    assert users(desk).all() == []


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_an_id_token_that_no_published_key_has_signed_opens_nothing(
    open_with: Callable[..., Desk], provider: IdentityProvider, algorithm: str
) -> None:
    desk, provider.algorithm = open_with(), algorithm
    assert through(browser(desk)).status_code == 403
    assert users(desk).all() == []


def test_a_provider_may_change_its_keys(open_with: Callable[..., Desk], provider: IdentityProvider) -> None:
    desk = open_with()
    assert through(browser(desk)).status_code == 303
    provider.rotate()
    assert through(browser(desk)).status_code == 303


def test_a_state_from_another_browser_is_refused_before_the_provider_is_asked(
    open_with: Callable[..., Desk], provider: IdentityProvider
) -> None:
    desk = open_with()
    eve = there(browser(desk))
    victim = browser(desk)
    assert victim.http.get(eve).status_code == 400
    victim.http.get("/login/oidc")
    assert victim.http.get(eve).status_code == 400
    assert "/token" not in provider.asked


def test_a_code_serves_once(open_with: Callable[..., Desk]) -> None:
    opened = browser(open_with())
    back = there(opened)
    cookie = opened.http.cookies["firsthour_login"]
    assert opened.http.get(back).status_code == 303
    assert opened.http.get(back).status_code == 400
    replayed = browser(opened.desk, Cookie=f"firsthour_login={cookie}")
    assert replayed.http.get(back).status_code == 403


def test_who_says_no_at_the_provider_is_back_where_they_were(open_with: Callable[..., Desk]) -> None:
    opened = browser(open_with())
    state = parse_qs(urlsplit(there(opened)).query)["state"][0]
    answer = opened.http.get("/login/oidc/back", params={"error": "access_denied", "state": state})
    assert answer.status_code == 401
    assert "You did not sign in there." in answer.text


@pytest.mark.parametrize("broken", ["/.well-known/openid-configuration", "/token", "/keys"])
def test_a_provider_that_does_not_answer_is_said_to_be_away(
    open_with: Callable[..., Desk], provider: IdentityProvider, broken: str
) -> None:
    opened = browser(open_with())
    provider.broken.add(broken)
    answer = opened.http.get("/login/oidc") if "well-known" in broken else through(opened)
    assert answer.status_code == 503
    assert "does not answer just now" in answer.text


def test_one_that_was_away_is_asked_again_after_a_while(
    open_with: Callable[..., Desk], provider: IdentityProvider, clock: ManualClock
) -> None:
    opened = browser(open_with())
    provider.broken.add("/.well-known/openid-configuration")
    for _ in range(3):
        assert opened.http.get("/login/oidc").status_code == 503
    assert provider.asked.count("/.well-known/openid-configuration") == 1
    provider.broken.clear()
    clock.move(timedelta(seconds=11))
    assert through(opened).status_code == 303


def test_the_address_may_come_from_the_userinfo_endpoint(
    open_with: Callable[..., Desk], provider: IdentityProvider
) -> None:
    provider.email_in_userinfo = True
    desk = open_with()
    assert through(browser(desk)).status_code == 303
    assert users(desk).all()[0].email == "ann@acme.example"


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"email": "eve@evil.example"}, "eve@evil.example is not among those"),
        ({"email": "eve@acme.example.evil.example"}, "is not among those"),
        ({"email_verified": False}, "has verified"),
        ({"email_verified": "true"}, "has verified"),
        ({"email": None}, "has verified"),
    ],
    ids=str,
)
def test_only_verified_addresses_of_the_configured_domains_get_in(
    open_with: Callable[..., Desk], provider: IdentityProvider, claims: dict[str, Any], why: str
) -> None:
    desk = open_with(oidc_trust_email=False)
    provider.person = {key: value for key, value in (ANN | claims).items() if value is not None}
    answer = through(browser(desk))
    assert answer.status_code == 403
    assert why in answer.text
    assert users(desk).all() == []


def test_roles_come_by_address_and_are_set_again_at_every_sign_in(
    open_with: Callable[..., Desk], provider: IdentityProvider
) -> None:
    desk = open_with(roles={"Ann@Acme.example": "admin"}, default_role="none")
    through(browser(desk))
    assert role_of(desk, "Ann Aru") is Role.ADMIN
    person(desk, "Boss", Role.ADMIN)
    users(desk).set_role("Ann Aru", Role.VIEWER, US, desk.clock.now())
    through(browser(desk))
    assert role_of(desk, "Ann Aru") is Role.ADMIN
    provider.person = {"sub": "u2", "name": "Bo", "email": "bo@acme.example", "email_verified": True}
    assert "bo@acme.example is not among those who may enter" in through(browser(desk)).text


def test_an_account_made_beforehand_is_taken_over_by_its_address_and_nobody_elses(
    open_with: Callable[..., Desk], provider: IdentityProvider
) -> None:
    desk = open_with()
    users(desk).add("Ann", Role.AGENT, US, desk.clock.now(), email="ann@acme.example")
    through(browser(desk))
    assert [(user.name, user.role) for user in users(desk).all()] == [("Ann", Role.AGENT)]
    provider.person["sub"] = "u9"  # the provider gave the address to somebody new
    answer = through(browser(desk))
    assert answer.status_code == 403
    assert "belongs to another account" in answer.text


def test_two_people_of_the_same_name_stay_two(open_with: Callable[..., Desk], provider: IdentityProvider) -> None:
    desk = open_with()
    through(browser(desk))
    provider.person = ANN | {"sub": "u2", "email": "ann2@acme.example"}
    through(browser(desk))
    assert [user.name for user in users(desk).all()] == ["Ann Aru", "Ann Aru 2"]


def test_who_is_shut_out_stays_out(open_with: Callable[..., Desk]) -> None:
    desk = open_with()
    through(browser(desk))
    users(desk).disable("Ann Aru", US, desk.clock.now())
    answer = through(browser(desk))
    assert answer.status_code == 403
    assert "is shut out" in answer.text


def test_with_slack_only_members_of_the_configured_workspaces_get_in(
    open_with: Callable[..., Desk], provider: IdentityProvider
) -> None:
    desk = open_with(
        oidc_issuer=None,
        domains=[],
        slack_issuer=provider.issuer,
        slack_client_id=CLIENT,
        slack_client_secret=SECRET,
        slack_workspaces=["T1"],
        default_role="agent",
    )
    assert "Sign in with Slack" in browser(desk).http.get("/login").text
    provider.person = ANN | {"https://slack.com/team_id": "T2"}
    assert "That Slack workspace is not one that may enter" in through(browser(desk), "slack").text
    provider.person = ANN | {"https://slack.com/team_id": "T1"}
    assert through(browser(desk), "slack").status_code == 303
    assert role_of(desk, "Ann Aru") is Role.AGENT


def test_hostile_claims_are_shown_and_stored_as_text(
    open_with: Callable[..., Desk], provider: IdentityProvider
) -> None:
    desk = open_with()
    provider.person = ANN | {"name": "<script>alert(1)</script>\u202e\x00" + "x" * 500}
    opened = browser(desk)
    assert through(opened).status_code == 303
    assert "<script>alert" not in opened.http.get("/").text
    assert len(users(desk).all()[0].name) <= 60
