"""Replies on X: where it takes them, what it says to one, and how one is found again.

Since 2026-02-23 X takes a reply through its API only where the author of the post mentioned or quoted the replying
account.
"""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, datetime
from typing import Any

from monitor.errors import FirsthourError, Refused, Uncertain
from monitor.sources.base import Reply, SeenReply

RULE = (
    "X takes replies from other programs only where the author mentioned or quoted @{account}. "
    "Answer on X itself; it is noticed there."
)
_EPOCH_MS = 1_288_834_974_657
_LINK = re.compile(r"https?://\S+")


def mentions(text: str, account: str) -> bool:
    return bool(account) and re.search(rf"(?<![\w@])@{re.escape(account)}(?!\w)", text, re.IGNORECASE) is not None


def quotes(answer: dict[str, Any], own_id: str) -> bool:
    """Whether the post in an answer of /2/tweets/:id quotes one by the account `own_id`."""
    post, included = answer.get("data"), answer.get("includes")
    if not isinstance(post, dict) or not isinstance(included, dict):
        return False
    quoted = {str(each.get("id")) for each in post.get("referenced_tweets") or [] if each.get("type") == "quoted"}
    return any(
        str(each.get("id")) in quoted and str(each.get("author_id")) == own_id for each in included.get("tweets") or []
    )


def posted(answer: dict[str, Any], key: str, account: str) -> SeenReply:
    data = answer.get("data")
    external_id = str(data.get("id")) if isinstance(data, dict) else ""
    if not external_id.isdigit():
        raise Uncertain(f"{key}: the answer to a post has no id")
    return _seen(external_id, account)


def found(tweets: list[dict[str, Any]], reply: Reply, account: str) -> SeenReply | None:
    """`reply` among what our account posted. X replaces links by its own, so links are not compared."""
    for tweet in tweets:
        external_id = str(tweet.get("id"))
        parents = [str(each.get("id")) for each in tweet.get("referenced_tweets") or [] if isinstance(each, dict)]
        text = str((tweet.get("note_tweet") or {}).get("text") or tweet.get("text") or "")
        if external_id.isdigit() and reply.to in parents and _words(text) == _words(reply.text):
            return _seen(external_id, account)
    return None


def refusal(status: int, body: str) -> FirsthourError | None:
    """A refusal of this one post, in X's own words; None where it says something else. A missing permission is not of
    this kind."""
    if status not in (400, 403, 404) or "oauth" in body.lower() or "client-not-enrolled" in body:
        return None
    try:
        said = json.loads(body)
        words = str(said.get("detail") or said.get("title"))
    except (ValueError, AttributeError, RecursionError):
        words = f"status {status}"
    return Refused(f"X does not take it: {words[:300]}")


def _words(text: str) -> str:
    """The text without links, and without the names that X puts before a reply."""
    plain = _LINK.sub("", html.unescape(text))
    return " ".join(re.sub(r"^(?:@\w{1,15}\s+)+", "", plain.strip()).split())


def _seen(external_id: str, account: str) -> SeenReply:
    at = datetime.fromtimestamp(((int(external_id) >> 22) + _EPOCH_MS) / 1000, UTC)
    return SeenReply(external_id, at, account, f"https://x.com/{account}/status/{external_id}")
