"""The app's manifest asks for what the code uses, and the page explains all of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from monitor.alerts.outbox import KINDS

ROOT = Path(__file__).parents[2]
MANIFEST: dict[str, Any] = yaml.safe_load((ROOT / "config/slack-manifest.yaml").read_text())
PAGE = (ROOT / "docs/slack.md").read_text()

# https://api.slack.com/methods; auth.test needs no scope
SCOPES = {
    "chat_postMessage": {"chat:write"},
    "chat_update": {"chat:write"},
    "chat_postEphemeral": {"chat:write"},
    "conversations_history": {"channels:history", "groups:history"},
    "conversations_replies": {"channels:history", "groups:history"},
    "auth_test": set(),
}


def test_the_manifest_asks_for_the_scopes_of_the_methods_that_are_called_and_no_other() -> None:
    code = "".join(path.read_text() for path in (ROOT / "monitor/alerts").glob("*.py"))
    called = set(re.findall(r"_client\.(\w+)\(", code))
    assert called == set(SCOPES)
    assert set(MANIFEST["oauth_config"]["scopes"]["bot"]) == set().union(*SCOPES.values())


def test_the_manifest_switches_on_what_the_buttons_need() -> None:
    assert MANIFEST["settings"]["socket_mode_enabled"] is True
    assert MANIFEST["settings"]["interactivity"]["is_enabled"] is True


def test_the_page_explains_each_scope_and_names_each_kind_of_message() -> None:
    for scope in [*MANIFEST["oauth_config"]["scopes"]["bot"], "connections:write"]:
        assert f"| `{scope}` |" in PAGE
    for kind in KINDS:
        assert f"`{kind}`" in PAGE
