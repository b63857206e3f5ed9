"""Comments and posts as Instagram shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from monitor.clock import aware
from monitor.sources.base import Author, Item, SeenReply, engagement
from monitor.sources.rejects import UNREADABLE

SITE = "https://www.instagram.com"
OWN = "media/"
ANSWER = "id,text,timestamp,username,like_count,parent_id"
COMMENT = f"{ANSWER},replies.limit(50){{{ANSWER}}}"
MEDIA = f"id,timestamp,permalink,comments.limit(50){{{COMMENT}}}"
CAPTION = "id,caption,timestamp,username,permalink"
TAGGED = "id,caption,timestamp,username,permalink,media_url,like_count,comments_count"
MENTIONED = "id,caption,timestamp,username,media_url,like_count,comments_count"
WITH_ANSWERS = f"id,username,parent_id,replies.limit(50){{{ANSWER}}}"


@dataclass(frozen=True, slots=True)
class Own:
    """An answer by our account, its words, and whether it surely answers what was asked for."""

    seen: SeenReply
    words: str
    to_it: bool = True


def moment(value: Any) -> datetime:
    return aware(datetime.fromisoformat(value)).astimezone(UTC)


def username(found: Mapping[str, Any]) -> str | None:
    who = found.get("from")
    name = found.get("username") or (who.get("username") if isinstance(who, dict) else None)
    return str(name) if name else None


def comment(found: Mapping[str, Any], above: str | None) -> Item:
    """`above`: the id of what it answers; of a post of the account it begins with OWN."""
    return Item(
        external_id=str(found["id"]),
        text=str(found["text"] or ""),
        posted_at=moment(found["timestamp"]),
        author=_author(username(found)),
        conversation=above if above and above.startswith(OWN) else None,
        parent=above,
        engagement=engagement(found.get("like_count")),
    )


def post(found: Mapping[str, Any], external_id: str, words: str = "caption") -> Item:
    """What somebody else posted. Captions may be missing where there are none."""
    link, picture = found.get("permalink"), found.get("media_url")
    return Item(
        external_id=external_id,
        text=str(found.get(words) or ""),
        posted_at=moment(found["timestamp"]),
        url=link if isinstance(link, str) and link.startswith("https://") else None,
        author=_author(username(found)),
        conversation=external_id,
        media=(picture,) if isinstance(picture, str) else (),
        engagement=engagement(found.get("like_count"), answers=found.get("comments_count")),
    )


def tag(found: Mapping[str, Any]) -> tuple[Item, datetime]:
    item = post(found, f"tag/{found['id']}")
    return item, item.posted_at


def own_answers(found: Any, account: str, to: str | None = None) -> list[Own]:
    """The answers by `account` under a comment; where `to` is given, only those that begin with its name are to it."""
    replies = found.get("replies") if isinstance(found, dict) else None
    data = replies.get("data") if isinstance(replies, dict) else None
    own = []
    for each in data if isinstance(data, list) else ():
        try:
            if username(each) == account:
                words = str(each["text"])
                to_it = to is None or words.lower().startswith(f"@{to.lower()} ")
                own.append(Own(SeenReply(str(each["id"]), moment(each["timestamp"]), account), words, to_it))
        except UNREADABLE:
            continue
    return own


def _author(handle: str | None) -> Author:
    return Author(handle, handle, f"{SITE}/{handle}/" if handle else None)
