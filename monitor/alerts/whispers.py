"""Words for one person: why a press did nothing, or that Slack refused what it led to.

Slack has three ways for that, and each fails in another way: an ephemeral message needs the app in the channel, the
answer address of the press works without that and without a valid token but runs out after half an hour, and a direct
message needs the app's Messages tab. They are tried in that order.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from monitor.alerts.modals import notice
from monitor.alerts.outbox import Delivery
from monitor.alerts.text import line
from monitor.clock import Clock

LASTS = timedelta(minutes=29)  # https://api.slack.com/interactivity/handling#message_responses: 30, and 5 answers
_KEPT = 500  # answer addresses

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in Slack. `name` is what the history calls them."""

    id: str
    name: str

    @staticmethod
    def of(body: Mapping[str, Any]) -> Person:
        """Who sent this payload, of whatever kind it is."""
        user = body.get("user")
        if not isinstance(user, Mapping):  # a slash command
            return Person(str(body["user_id"]), str(body.get("user_name") or body["user_id"]))
        return Person(str(user["id"]), str(user.get("username") or user.get("name") or user["id"]))


class Whispers:
    """`remember` keeps the answer address of what somebody pressed, so that they can be told of what comes later."""

    def __init__(self, client: WebClient, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self._answers: dict[str, tuple[datetime, str]] = {}
        self._told: dict[str, None] = {}  # keys of deliveries, the oldest first
        self._lock = threading.Lock()

    def remember(self, body: Mapping[str, Any]) -> None:
        url = body.get("response_url")
        if not url:
            return
        with self._lock:
            user = Person.of(body).id
            self._answers.pop(user, None)
            self._answers[user] = (self._clock.now(), str(url))
            while len(self._answers) > _KEPT:
                del self._answers[next(iter(self._answers))]

    def tell(self, body: Mapping[str, Any], words: str) -> bool:
        """Answer whoever sent `body`; `words` are mrkdwn. False if there was no way to reach them."""
        self.remember(body)
        user = Person.of(body).id
        if (body.get("view") or {}).get("type") == "home" and self._modal(body, words):
            return True
        channel = body.get("channel") or body.get("container") or {}
        where = channel.get("id") or channel.get("channel_id") or body.get("channel_id")
        thread = (body.get("message") or {}).get("thread_ts")
        return self.tell_user(user, words, str(where) if where else None, thread)

    def tell_user(self, user: str, words: str, channel: str | None = None, thread: str | None = None) -> bool:
        """The same to a user's id, in a channel if there is one."""
        ways = [self._answer, self._direct]
        if channel is not None:
            ways.insert(0, lambda user, words: self._ephemeral(channel, user, words, thread))
        reasons = []
        for way in ways:
            try:
                if way(user, words):
                    return True
            except Exception as error:
                reasons.append(f"{type(error).__name__}: {error}"[:200])
        log.warning("somebody could not be told", user=user, said=words, reasons=reasons)
        return False

    def refused(self, delivery: Delivery, reason: str) -> None:
        """Tell who made a message necessary, once, that Slack does not take it."""
        user = (delivery.payload.get("detail") or {}).get("slack_user")
        if not user or delivery.transport != "slack" or delivery.key in self._told:
            return
        self._told[delivery.key] = None
        while len(self._told) > _KEPT:
            del self._told[next(iter(self._told))]
        if "message_not_found" in reason:
            reason = "somebody deleted its message. It goes on in the channel, and with `/firsthour`"
        words = f"What you did to case {delivery.case_id} is stored, but Slack does not show it: {line(reason, 400)}"
        self.tell_user(str(user), words, delivery.target)

    def _modal(self, body: Mapping[str, Any], words: str) -> bool:
        try:
            self._client.views_open(trigger_id=body["trigger_id"], view=notice(words))
        except Exception:
            return False
        return True

    def _ephemeral(self, channel: str, user: str, words: str, thread: str | None) -> bool:
        self._client.chat_postEphemeral(channel=channel, user=user, text=words, thread_ts=thread)
        return True

    def _answer(self, user: str, words: str) -> bool:
        with self._lock:
            at, url = self._answers.get(user, (None, ""))
        if at is None or self._clock.now() - at > LASTS:
            return False
        hook = WebhookClient(url, timeout=5, proxy=self._client.proxy, retry_handlers=[])
        said = hook.send_dict({"text": words, "response_type": "ephemeral", "replace_original": False})
        return bool(said.status_code == 200)

    def _direct(self, user: str, words: str) -> bool:
        self._client.chat_postMessage(channel=user, text=words, unfurl_links=False, unfurl_media=False)
        return True
