"""What `firsthour check` says of the ways to sign in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from monitor.access.audit import By
from monitor.access.passwords import Passwords
from monitor.access.roles import Role
from monitor.access.users import Users
from monitor.app import App
from monitor.check import check_all
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.settings import Settings
from tests.identity_provider import CLIENT, serving


def test_each_way_in_is_tried_and_its_redirect_address_named(
    db: Database, make_settings: Callable[..., Settings], clock: ManualClock
) -> None:
    with serving(clock) as provider:
        login: dict[str, Any] = {"local": True, "domains": ["*"]}
        login |= {"oidc_issuer": provider.issuer, "oidc_client_id": CLIENT}
        login |= {"slack_issuer": f"{provider.issuer}/away", "slack_client_id": "1", "slack_client_secret": "secret"}
        login |= {"slack_workspaces": ["T1"]}
        web = {"bind": "0.0.0.0:8080", "url": "http://desk.acme.example"}
        app = App(make_settings(login=login, web=web), clock)
        found = {each.name: each for each in check_all(app) if each.part == "login"}
        assert found["passwords"].detail.startswith("nobody yet: `firsthour users add")
        assert "passwords can be read on the way" in found["passwords"].detail
        assert found["oidc"].ok
        assert found["oidc"].detail.startswith("1 keys; register http://desk.acme.example/login/oidc/back")
        assert not found["slack"].ok
        Users(db, Passwords()).add("Mari", Role.ADMIN, By("us"), clock.now(), password="four words of nobody")
        assert "1 person" in next(f.detail for f in check_all(app) if f.name == "passwords")
        app.close()
