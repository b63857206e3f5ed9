"""A post as a Discourse forum shows it, and what it says to one that we wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.clock import aware
from monitor.errors import AuthError, FirsthourError, Refused, RetryLater, Uncertain
from monitor.sources.base import Author, Item, Reply, SeenReply, engagement
from monitor.sources.http import Http, MissingError, waiting_time
from monitor.sources.markup import pictures, plain
from monitor.sources.rejects import UNREADABLE

_QUOTE = re.compile(r"\[quote\b[^\]]*\](?:(?!\[quote\b).)*?\[/quote\]", re.I | re.S)  # the innermost
_UPLOAD = re.compile(r"!\[[^\]]*\]\(upload://[^)\s]*\)")


class Forum(Http):
    """Calls to one forum. Where a post is refused: Refused, with the forum's reason."""

    def refused(self, method: str, status: int, headers: Mapping[str, str], body: str) -> FirsthourError | None:
        try:
            said: Any = json.loads(body) if status >= 400 else None
        except (ValueError, RecursionError):
            said = None
        said = said if isinstance(said, dict) else {}
        errors = said.get("errors")
        words = " ".join(str(each) for each in errors) if isinstance(errors, list) else f"status {status}"
        kind = said.get("error_type")
        if status == 429 and waiting_time(headers) is None:
            return RetryLater(f"sources.{self._name}: {words}", _wait(said))
        if kind == "not_logged_in":
            return AuthError(f"sources.{self._name}.api_key", words, "the forum is closed: it needs an API key")
        if status == 403 and "API" in words:
            return AuthError(f"sources.{self._name}.api_key", words, "it must be valid, and that of api_username")
        if method == "POST" and status in (400, 403, 404, 409, 422):
            return Refused(f"The forum does not take it: {words[:300]}")
        if status in (404, 410) and errors:  # said by the forum itself, and not by something before it
            return MissingError(f"sources.{self._name}: {words}")
        if kind == "invalid_access":
            return AuthError(f"sources.{self._name}", words, "check the key and what its user may read")
        return super().refused(method, status, headers, body)


def _wait(said: Mapping[str, Any]) -> timedelta | None:
    extras = said.get("extras")
    seconds = extras.get("wait_seconds") if isinstance(extras, dict) else None
    return timedelta(seconds=seconds) if isinstance(seconds, int) and 0 <= seconds < 1_000_000 else None


def name_of(topic: Any, number: Any) -> str:
    """The id of a post: its topic and its number there. A reply names what it answers in this way and no other."""
    return f"{int(topic)}/{int(number)}"


def place_of(external_id: str) -> tuple[int, int]:
    topic, _, number = external_id.partition("/")
    return int(topic), int(number)


def moment(value: Any) -> datetime:
    return aware(datetime.fromisoformat(value)).astimezone(UTC)


def item(post: dict[str, Any], site: str, title: str | None = None) -> Item:
    """Raises KeyError, TypeError or ValueError for what is no post. `title` is the topic's, where the post lacks it."""
    topic, number = int(post["topic_id"]), int(post["post_number"])
    removed = bool(post.get("deleted_at") or post.get("user_deleted"))
    subject = str(post.get("topic_title") or title or "") if number == 1 else ""
    words = (subject, _words(post))
    answered = post.get("reply_to_post_number") or (1 if number > 1 else None)
    handle = str(post["username"])
    return Item(
        external_id=name_of(topic, number),
        text="" if removed else "\n\n".join(part for part in words if part),
        posted_at=moment(post["created_at"]),
        url=f"{site}/t/{topic}/{number}",
        author=Author(handle, str(post.get("name") or "") or handle, f"{site}/u/{handle}"),
        conversation=str(topic),
        parent=name_of(topic, answered) if answered else None,
        removed=removed,
        media=() if removed else pictures(str(post.get("cooked") or "")),
        engagement=engagement(_likes(post), answers=post.get("reply_count"), views=post.get("reads")),
    )


def _likes(post: Mapping[str, Any]) -> Any:
    """Among all that readers did with the post; an action that nobody took is left out there."""
    actions = post.get("actions_summary")
    if not isinstance(actions, list):
        return None
    return next((each.get("count") for each in actions if isinstance(each, dict) and each.get("id") == 2), 0)


def _words(post: Mapping[str, Any]) -> str:
    """The author's own words: what they quote from others, and the marks of pictures, are left out."""
    raw = post.get("raw")
    if not isinstance(raw, str):
        return plain(re.sub(r"<aside\b.*?</aside>", "", str(post.get("cooked") or ""), flags=re.S))
    before = None
    while before != raw:
        before, raw = raw, _QUOTE.sub("", raw)
    return _UPLOAD.sub("", raw).strip()


def posted(answer: Any, key: str, site: str) -> SeenReply:
    """The post in the answer of POST /posts.json. Raises Refused where a moderator has to let it through first."""
    if isinstance(answer, dict) and answer.get("action") == "enqueued":
        raise Refused("The forum holds it back until a moderator lets it through. It is noticed once it stands there.")
    try:
        return seen(answer, site)
    except UNREADABLE:
        raise Uncertain(f"{key}: the answer to a post holds no post") from None


def seen(post: dict[str, Any], site: str) -> SeenReply:
    topic, number = int(post["topic_id"]), int(post["post_number"])
    return SeenReply(
        name_of(topic, number), moment(post["created_at"]), str(post["username"]), f"{site}/t/{topic}/{number}"
    )


def answers(post: Any, reply: Reply, margin: timedelta) -> bool:
    """Whether `post` of our own account can be `reply`, as far as its place and time tell."""
    try:
        to = name_of(post["topic_id"], post.get("reply_to_post_number") or 1)
        return to == reply.to and moment(post["created_at"]) >= reply.since - margin
    except UNREADABLE:
        return False
