"""The app's manifest asks for what the code uses, and the page explains all of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from typer.testing import CliRunner

from monitor.alerts.manifest import APP_SCOPES, manifest
from monitor.alerts.manifest import SCOPES as ASKED
from monitor.alerts.outbox import KINDS
from monitor.cli import app

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
    "views_open": set(),
    "views_update": set(),
    "views_publish": set(),
    "chat_getPermalink": set(),
    "files_upload_v2": {"files:write"},
    "users_info": {"users:read"},
    "usergroups_users_list": {"usergroups:read"},
}


def test_the_manifest_asks_for_the_scopes_of_the_methods_that_are_called_and_no_other() -> None:
    code = "".join(path.read_text() for path in (ROOT / "monitor/alerts").glob("*.py"))
    called = set(re.findall(r"_client\.(\w+)\(", code))
    assert called == set(SCOPES)
    assert set(MANIFEST["oauth_config"]["scopes"]["bot"]) == {"commands"}.union(*SCOPES.values())


def test_the_file_is_what_the_command_prints() -> None:
    assert (ROOT / "config/slack-manifest.yaml").read_text() == manifest()
    result = CliRunner().invoke(app, ["slack", "manifest"])
    assert (result.exit_code, result.stdout) == (0, manifest())


def test_each_scope_says_what_it_is_for() -> None:
    for scope in MANIFEST["oauth_config"]["scopes"]["bot"]:
        assert f"- {scope:<{max(map(len, ASKED)) + 2}}# {ASKED[scope]}\n" in manifest()
        assert len(ASKED[scope]) > 20


def test_the_manifest_switches_on_what_the_buttons_need() -> None:
    assert MANIFEST["settings"]["socket_mode_enabled"] is True
    assert MANIFEST["settings"]["interactivity"]["is_enabled"] is True


def test_the_page_explains_each_scope_and_names_each_kind_of_message() -> None:
    for scope in [*MANIFEST["oauth_config"]["scopes"]["bot"], *APP_SCOPES]:
        assert f"| `{scope}` |" in PAGE
    for kind in KINDS:
        assert f"`{kind}`" in PAGE
