"""Slack as a transport: post, edit, and find what was posted."""

from __future__ import annotations

import http.client
import logging
import socket
import ssl
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse

from monitor.alerts.outbox import Message, Receipt
from monitor.alerts.text import cut
from monitor.errors import AuthError, ConfigurationError, FirsthourError, GiveUp, Gone, RetryLater, Uncertain

EVENT_TYPE = "firsthour_delivery"
TIMEOUT = 8  # seconds; below the ten in which the service stops
REPEAT = "_This may be a repeat: Slack did not say whether the first one arrived._"
_MARGIN = timedelta(minutes=10)  # how far the clocks of this machine and of Slack may be apart
_PAGES = 20

# https://api.slack.com/methods/chat.postMessage#errors
_AUTH = {"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "no_permission",
         "org_login_required", "ekm_access_denied", "not_allowed_token_type", "team_access_not_granted",
         "access_denied", "two_factor_setup_required"}  # fmt: skip
_TARGET = {"channel_not_found", "not_in_channel", "is_archived", "channel_is_archived", "restricted_action",
           "restricted_action_read_only_channel", "restricted_action_thread_only_channel", "user_not_found",
           "cannot_dm_bot", "messages_tab_disabled", "channel_type_not_supported"}  # fmt: skip
_MAYBE = {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org",
          "accesslimited"}  # fmt: skip
_HINTS = {
    "not_in_channel": "invite the app: /invite @firsthour in that channel",
    "channel_not_found": "use the channel's id (C0123...), and invite the app if it is private",
    "missing_scope": "add the scopes of config/slack-manifest.yaml to the app and install it again",
    "is_archived": "unarchive it or name another channel",
}
_GONE = {"message_not_found", "cant_update_message"}  # deleted, or posted by an app that was here before
_BAD_BLOCKS = {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "invalid_attachments"}

log = structlog.get_logger(__name__)
_quiet = logging.getLogger("monitor.alerts.slack.sdk")  # the stage tells of failures, once, and without the payload
_quiet.setLevel(logging.CRITICAL)


def web_client(token: str | None, base_url: str, timeout: int = TIMEOUT) -> WebClient:
    """A client that never sends anything twice by itself. A proxy of the environment is used as the environment says,
    NO_PROXY and this machine excepted."""
    client = WebClient(token=token, base_url=base_url, timeout=timeout, retry_handlers=[], logger=_quiet)
    host = urlsplit(base_url).hostname or ""
    if host in ("127.0.0.1", "::1", "localhost") or urllib.request.proxy_bypass(host):
        client.proxy = None
    return client


class SlackTransport:
    """Posts with the delivery's key in the message's metadata, by which it is found again."""

    def __init__(self, client: WebClient, channels: Iterable[str | None] = ()) -> None:
        """`channels` are those that `check` looks at."""
        self._client = client
        self._channels = [channel for channel in dict.fromkeys(channels) if channel]

    def send(self, message: Message) -> Receipt:
        pictures = self._uploaded(message)
        said: dict[str, Any] = {
            "channel": message.target,
            "text": f"{REPEAT}\n{message.text}" if message.repeat else message.text,
            "blocks": [*_blocks(message), *pictures],
            "metadata": {
                "event_type": EVENT_TYPE,
                # Slack's own types know of no null here, so what belongs to no case has no case_id
                "event_payload": {"delivery_id": message.key}
                | ({} if message.case_id is None else {"case_id": message.case_id})
                | {"kind": message.kind},
            },
        }
        if message.edits is None:
            said |= {"unfurl_links": False, "unfurl_media": False}
        if message.thread is not None:
            said |= {"thread_ts": message.thread, "reply_broadcast": message.broadcast}
        try:
            answer = self._say(message, said)
        except SlackApiError as error:
            reason = error.response.get("error") if error.response.status_code == 200 else None
            if reason in _BAD_BLOCKS:
                answer = _call(lambda: self._plainer(message, said, bool(pictures)))
            elif reason in ("thread_not_found", "cannot_reply_to_message") and message.thread is not None:
                # somebody deleted the root: say it in the channel rather than nowhere
                del said["thread_ts"], said["reply_broadcast"]
                answer = _call(lambda: self._say(message, said))
            elif reason in _GONE and message.edits is not None:
                raise Gone(f"Slack refused it: {reason}") from None
            else:
                raise _meaning(error) from None
        except (OSError, http.client.HTTPException, SlackClientError) as error:
            raise _lost(error) from None
        ts = answer.get("ts")
        if not isinstance(ts, str):
            raise Uncertain("Slack's answer to a message has no ts")
        return Receipt(ts, answer.get("channel") or message.target)

    def _plainer(self, message: Message, said: dict[str, Any], pictures: bool) -> SlackResponse:
        """Once more without what may have been wrong: plain words are better than a message that never comes."""
        if pictures:
            try:
                return self._say(message, said | {"blocks": _blocks(message)})
            except SlackApiError as error:
                if error.response.status_code != 200 or error.response.get("error") not in _BAD_BLOCKS:
                    raise
        return self._say(message, said | {"blocks": []})

    def _uploaded(self, message: Message) -> list[dict[str, Any]]:
        """Blocks that show the message's pictures. A picture is nothing that a message has to wait for."""
        shown = []
        for picture in message.pictures:
            try:
                answer = self._client.files_upload_v2(
                    content=picture.png,
                    filename=f"{picture.name}.png",
                    title=picture.alt[:200],
                    alt_txt=picture.alt[:1000],
                )
                file_id = (answer.get("files") or [{}])[0].get("id")
            except (OSError, http.client.HTTPException, SlackClientError) as error:
                reason = error.response.get("error") if isinstance(error, SlackApiError) else type(error).__name__
                log.warning("a picture was left out", delivery=message.key, reason=str(reason))
                continue
            if isinstance(file_id, str):
                shown.append({"type": "image", "slack_file": {"id": file_id}, "alt_text": picture.alt[:2000]})
        return shown

    def find(self, message: Message) -> Receipt | None:
        for found in self._since(message):
            metadata = found.get("metadata") or {}
            if (metadata.get("event_payload") or {}).get("delivery_id") == message.key:
                return Receipt(str(found["ts"]), message.target)
        return None

    def check(self) -> str:
        """Reads each channel too, since without that a lost answer could not be cleared up."""
        answer = _call(lambda: self._client.auth_test())
        for channel in self._channels:
            _call(lambda c=channel: self._client.conversations_history(channel=c, limit=1))  # type: ignore[misc]
        return f"{answer.get('team', 'workspace')}, as {answer.get('user', 'bot')}"

    def _say(self, message: Message, said: dict[str, Any]) -> SlackResponse:
        if message.edits is not None:
            return self._client.chat_update(ts=message.edits, **said)
        return self._client.chat_postMessage(**said)

    def _since(self, message: Message) -> Iterator[dict[str, Any]]:
        """What was posted where the message would be, from surely before it on."""
        asked: dict[str, Any] = {
            "channel": message.target,
            "oldest": message.after or f"{(message.since - _MARGIN).timestamp():.6f}",
            "inclusive": True,
            "include_all_metadata": True,
            "limit": 200,
        }
        if message.thread is not None:
            asked["ts"] = message.thread
        for _ in range(_PAGES):
            try:
                page = _call(lambda: self._history(asked))
            except ConfigurationError as error:  # no scope for history, no such channel: we shall never know
                raise GiveUp(str(error)) from None
            yield from page.get("messages") or []
            asked["cursor"] = (page.get("response_metadata") or {}).get("next_cursor")
            if not asked["cursor"]:
                return
        raise GiveUp(f"more than {200 * _PAGES} messages to look through")

    def _history(self, asked: dict[str, Any]) -> SlackResponse:
        return (
            self._client.conversations_replies(**asked)
            if "ts" in asked
            else self._client.conversations_history(**asked)
        )


def _blocks(message: Message) -> list[dict[str, Any]]:
    if not message.repeat or not message.blocks:
        return list(message.blocks)
    return [{"type": "context", "elements": [{"type": "mrkdwn", "text": REPEAT}]}, *message.blocks]


def _call(call: Callable[[], SlackResponse]) -> SlackResponse:
    try:
        return call()
    except SlackApiError as error:
        raise _meaning(error) from None
    except (OSError, http.client.HTTPException, SlackClientError) as error:
        raise _lost(error) from None


def _meaning(error: SlackApiError) -> FirsthourError:
    """What to do about an answer of Slack's that is a refusal."""
    response = error.response
    reason = str(response.get("error") or "no reason given") if isinstance(response.data, dict) else "unreadable answer"
    if response.status_code == 429 or reason in ("ratelimited", "rate_limited", "message_limit_exceeded"):
        wait = next((v for k, v in response.headers.items() if k.lower() == "retry-after"), None)
        seconds = int(wait) if wait is not None and wait.isdigit() else 30
        return RetryLater(f"Slack asks to wait {seconds} s", timedelta(seconds=seconds))
    if reason in _AUTH:
        return AuthError("slack.bot_token", reason, "install the app again, set the new token and restart")
    if reason == "missing_scope":  # mended by installing the app again, with the same token
        return ConfigurationError("slack.bot_token", f"missing_scope, needed: {response.get('needed')}", _HINTS[reason])
    if reason in _TARGET:
        return ConfigurationError("slack.channel", reason, _HINTS.get(reason, ""))
    if response.status_code != 200 or reason in _MAYBE or len(reason) > 60:
        return Uncertain(f"Slack answered {response.status_code}: {cut(reason, 100, escaped=False)}")
    return GiveUp(f"Slack refused it: {reason}")


def _lost(error: Exception) -> RetryLater:
    """No answer: did the request leave this machine?"""
    cause = error.reason if isinstance(error, URLError) and isinstance(error.reason, Exception) else error
    words = f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__
    if isinstance(cause, (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError)):
        return RetryLater(f"Slack cannot be reached ({words})")
    return Uncertain(f"Slack's answer was lost ({words})")
