"""Posts of Mastodon as it gives them, and what is made of them here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.errors import FirsthourError, Refused, Uncertain
from monitor.sources.base import Author, Engagement, Item, Reject, Reply, SeenReply
from monitor.sources.http import refusal
from monitor.sources.markup import plain

PUBLIC = ("public", "unlisted")
_MARGIN = timedelta(minutes=10)  # by which this machine's clock may be ahead of the instance's
_NAMES = re.compile(r"^(?:@[\w.-]+(?:@[\w.-]+)?\s+)+")


def moment(value: Any) -> datetime:
    """A date as the library or the stream gives it. Raises ValueError or TypeError."""
    found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def item(status: Mapping[str, Any]) -> Item:
    """Raises KeyError, TypeError or ValueError for what is no post."""
    account = status.get("account") or {}
    followers, name = account.get("followers_count"), account.get("acct")
    parts = (status.get("spoiler_text") or "", plain(str(status["content"] or "")))
    parent, language = status.get("in_reply_to_id"), str(status.get("language") or "")
    media, boosted = status.get("media_attachments") or [], status.get("reblog")
    return Item(
        external_id=_id(status["id"]),
        text="\n\n".join(part for part in parts if part),
        posted_at=moment(status["created_at"]),
        url=_web(status.get("url")) or _web(status.get("uri")),
        author=Author(
            handle=str(name) if name else None,
            name=str(account.get("display_name") or name or "") or None,
            url=_web(account.get("url")),
            followers=followers if isinstance(followers, int) else None,
        ),
        language=language[:2].lower() if re.fullmatch(r"[A-Za-z]{2}(-.*)?", language) else None,
        conversation=_id(parent or status["id"]),
        parent=_id(parent) if parent else None,
        media=tuple(url for each in media if isinstance(each, dict) and (url := _web(each.get("url")))),
        engagement=Engagement(
            likes=_count(status.get("favourites_count")),
            shares=_count(status.get("reblogs_count")),
            answers=_count(status.get("replies_count")),
        ),
        repost_of=_id(boosted["id"]) if boosted else None,
    )


def items(statuses: Iterable[Any]) -> tuple[list[Item], list[Reject]]:
    """Those that anybody may read; a post to a few people is nobody's business here."""
    found, rejects = [], []
    for status in statuses:
        try:
            if status.get("visibility", "public") in PUBLIC:
                found.append(item(status))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            rejects.append(Reject(f"{type(error).__name__}: {error}", str(status)[:2_000]))
    return found, rejects


def status_of(notification: Any) -> Any:
    """The post that a notification is about; the notification itself where it has none, to be rejected."""
    status = notification.get("status") if isinstance(notification, dict) else None
    return status or notification


def seconds(entries: Iterable[Any]) -> list[int]:
    """When posts or notifications were made, in seconds of Unix time; those without a date are left out."""
    found = []
    for entry in entries:
        try:
            found.append(int(moment(entry["created_at"]).timestamp()))
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
    return found


def name_of(entry: Any) -> str | None:
    """The id of an entry of a list, by which the page behind it is asked for."""
    return str(entry["id"]) if isinstance(entry, dict) and entry.get("id") else None


def seen(status: Mapping[str, Any], key: str) -> SeenReply:
    """A post of our own. Raises Uncertain where the answer to a post is none."""
    try:
        read = item(status)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise Uncertain(f"{key}: the answer to a post holds none: {error}") from error
    return SeenReply(read.external_id, read.posted_at, read.author.handle or "", read.url)


def found(statuses: Iterable[Mapping[str, Any]], reply: Reply, key: str) -> SeenReply | None:
    """`reply` among what our account posted."""
    for status in statuses:
        try:
            ours = str(status.get("in_reply_to_id")) == reply.to and _words(item(status).text) == _words(reply.text)
            if ours and moment(status["created_at"]) >= reply.since - _MARGIN:
                return seen(status, key)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            continue
    return None


def reply_refused(name: str, status: int, headers: Mapping[str, str], body: str) -> FirsthourError | None:
    """What an answer to a post of ours means."""
    if status in (400, 404, 410, 413, 422):
        said = re.search(r'"error"\s*:\s*"([^"]{1,300})', body)
        return Refused(f"Mastodon does not take it: {said[1] if said else f'status {status}'}")
    error = refusal(name, status, headers, body)
    return Uncertain(str(error)) if status >= 500 else error


def _id(value: Any) -> str:
    if not isinstance(value, (str, int)) or not str(value):
        raise ValueError(f"the id is no id: {value!r}")
    return str(value)


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


def _web(value: Any) -> str | None:
    return str(value) if isinstance(value, str) and value.startswith(("http://", "https://")) else None


def _words(text: str) -> str:
    """The text without the names that stand before a reply, and however it is wrapped."""
    return " ".join(_NAMES.sub("", text.strip()).split())
