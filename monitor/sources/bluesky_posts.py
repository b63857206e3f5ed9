"""Posts of Bluesky as its AppView shows them, and the record of a reply."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from monitor.errors import Refused
from monitor.sources.base import Author, Engagement, Item, Reject, Reply, SeenReply

POSTS = "app.bsky.feed.post"
_URI = re.compile(rf"at://(did:[a-z]+:[\w.:%-]+)/{re.escape(POSTS)}/([\w.~:-]{{1,512}})")
_SORTABLE = "234567abcdefghijklmnopqrstuvwxyz"  # the digits of record keys
_SPREAD = 2**26  # microseconds, a good minute


def item(view: Mapping[str, Any], followers: Mapping[str, int] | None = None) -> Item:
    """A post view. Raises KeyError, TypeError or ValueError for what is none."""
    uri, record, who = view["uri"], view["record"], view["author"]
    _, key = place(uri)
    reply = record.get("reply") or {}
    handle, languages = who.get("handle"), record.get("langs") or []
    shares = [count for name in ("repostCount", "quoteCount") if (count := _count(view.get(name))) is not None]
    return Item(
        external_id=uri,
        text=str(record["text"]),
        posted_at=posted_at(record.get("createdAt"), view["indexedAt"]),
        url=f"https://bsky.app/profile/{handle or who['did']}/post/{key}",
        author=Author(
            handle=handle,
            name=who.get("displayName") or handle,
            url=f"https://bsky.app/profile/{handle or who['did']}",
            followers=(followers or {}).get(str(who.get("did"))),
        ),
        language=_language(languages[0]) if isinstance(languages, list) and languages else None,
        conversation=_uri(reply.get("root")) or uri,
        parent=_uri(reply.get("parent")),
        media=tuple(_media(view.get("embed"))),
        engagement=Engagement(
            likes=_count(view.get("likeCount")),
            shares=sum(shares) if shares else None,
            answers=_count(view.get("replyCount")),
        ),
    )


def items(views: Iterable[Any], followers: Mapping[str, int] | None = None) -> tuple[list[Item], list[Reject]]:
    found, rejects = [], []
    for view in views:
        try:
            found.append(item(view, followers))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            rejects.append(Reject(f"{type(error).__name__}: {error}", str(view)[:2_000]))
    return found, rejects


def posted_at(claimed: Any, indexed: Any) -> datetime:
    """When a post was written: what its author's program claims, but no later than Bluesky saw it. Raises ValueError or
    TypeError without any date."""
    seen = datetime.fromisoformat(indexed)
    seen = seen if seen.tzinfo else seen.replace(tzinfo=UTC)
    try:
        written = datetime.fromisoformat(claimed)
    except (TypeError, ValueError):
        return seen
    return min(seen, written if written.tzinfo else written.replace(tzinfo=UTC))


def place(uri: Any) -> tuple[str, str]:
    """Repository and key of a post. Raises ValueError for what is no post's address."""
    match = _URI.fullmatch(uri) if isinstance(uri, str) else None
    if match is None:
        raise ValueError(f"not the address of a post: {uri!r:.100}")
    return match[1], match[2]


def reply_key(reply: Reply) -> str:
    """The record key of a reply: always the same for the same reply, so that the service takes it only once and it can
    be found by it. Like any of Bluesky's keys it is a time, here a little after the post's own, and a few random bits.
    """
    digest = int.from_bytes(hashlib.sha256(f"{reply.to} {reply.key}".encode()).digest()[:8], "big")
    try:
        base = _number(place(reply.to)[1]) >> 10
    except ValueError:
        base = int(reply.since.timestamp() * 1_000_000)
    number = ((base + (digest >> 10) % _SPREAD) << 10) + digest % 1024
    return "".join(_SORTABLE[(number >> shift) & 31] for shift in range(60, -1, -5))


def _number(key: str) -> int:
    if len(key) != 13 or key[0] not in _SORTABLE[:8]:  # the topmost bit is never set
        raise ValueError("the key is no time")
    number = 0
    for sign in key:
        number = number * 32 + _SORTABLE.index(sign)
    return number


def record(text: str, to: Mapping[str, Any], facets: list[dict[str, Any]], now: datetime) -> dict[str, Any]:
    """A reply to the post view `to`. Raises Refused where its author, or Bluesky, takes none of ours."""
    viewer, reply = to.get("viewer") or {}, (to.get("record") or {}).get("reply") or {}
    if viewer.get("replyDisabled"):
        raise Refused("Bluesky does not take it: the author limits who may reply")
    if viewer.get("blockedBy") or ((to.get("author") or {}).get("viewer") or {}).get("blockedBy"):
        raise Refused("Bluesky does not take it: the author has blocked the account")
    parent = {"uri": to["uri"], "cid": to["cid"]}
    root = reply.get("root") if _uri(reply.get("root")) else None
    made: dict[str, Any] = {
        "$type": POSTS,
        "text": text,
        "createdAt": now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "reply": {"root": {"uri": root["uri"], "cid": root["cid"]} if root else parent, "parent": parent},
    }
    return made | ({"facets": facets} if facets else {})


def seen(uri: str, at: datetime, handle: str) -> SeenReply:
    return SeenReply(uri, at, handle, f"https://bsky.app/profile/{handle}/post/{place(uri)[1]}")


def _media(embed: Any) -> Iterable[str]:
    if not isinstance(embed, dict):
        return
    if isinstance(embed.get("media"), dict):  # a quote with pictures
        yield from _media(embed["media"])
    for image in embed.get("images") or ():
        if isinstance(image, dict) and str(image.get("fullsize")).startswith("https://"):
            yield str(image["fullsize"])
    if str(embed.get("playlist")).startswith("https://"):
        yield str(embed["playlist"])


def _uri(reference: Any) -> str | None:
    return str(reference["uri"]) if isinstance(reference, dict) and reference.get("uri") else None


def _language(tag: Any) -> str | None:
    return str(tag)[:2].lower() if re.fullmatch(r"[A-Za-z]{2}(-.*)?", str(tag)) else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None
