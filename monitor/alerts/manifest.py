"""The manifest of firsthour's Slack app: one table, from which `firsthour slack manifest` prints it, and from which
config/slack-manifest.yaml was made."""

from __future__ import annotations

SCOPES = {
    "chat:write": "post and edit its own messages, and tell the one person who pressed a button why nothing happened",
    "files:write": "pictures in digests and in what it tells of spikes; without it they come without",
    "channels:history": "look whether a message has arrived when Slack's answer was lost; public channels it is in",
    "groups:history": "the same in private channels",
    "commands": "`/firsthour`, and the shortcut `Turn into a case` on messages",
    "users:read": "the name of the colleague whom a case is handed to",
    "usergroups:read": "who is in the user groups of [slack] agents",
}
APP_SCOPES = {"connections:write": "on the app token: the connection over which presses of buttons come in"}


def manifest() -> str:
    """The manifest as YAML, each scope with a comment on what it is for."""
    width = max(map(len, SCOPES)) + 2
    scopes = "\n".join(f"      - {scope:<{width}}# {why}" for scope, why in SCOPES.items())
    return _MANIFEST.format(scopes=scopes)


_MANIFEST = """\
# Slack app of firsthour. On https://api.slack.com/apps: Create New App, From a manifest, paste this.
# `firsthour slack manifest` prints it; docs/slack.md says where to get the two tokens.
display_information:
  name: firsthour
  description: Every complaint in front of the team, with a clock
  background_color: "#1f2937"
  long_description: >-
    firsthour listens where customers talk about your brand, tells complaints from the rest, and puts each complaint
    in a channel with a clock, so that a person answers within the first hour. Take a case, resolve it, snooze it or
    say that it is no complaint with a button; the thread under each message keeps its history. `/firsthour` lists what
    is open, the Home tab what is yours, and a shortcut turns any message into a case.
features:
  app_home:
    home_tab_enabled: true
    messages_tab_enabled: true  # where it tells you what it could not tell you in the channel
    messages_tab_read_only_enabled: true
  bot_user:
    display_name: firsthour
    always_online: true
  slash_commands:
    - command: /firsthour
      description: Open complaints by time left, yours, today's figures, who is on call
      usage_hint: "[mine | stats | oncall | pause 30m reason | resume | help]"
      should_escape: false
  shortcuts:
    - name: Turn into a case
      type: message
      callback_id: turn_into_case
      description: Opens a complaint with a clock from this message
oauth_config:
  scopes:
    bot:
{scopes}
settings:
  event_subscriptions:
    bot_events:
      - app_home_opened  # draws the Home tab
  interactivity:
    is_enabled: true
  socket_mode_enabled: true
  org_deploy_enabled: false
  token_rotation_enabled: false
"""
