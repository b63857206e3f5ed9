"""Posts and comments as Reddit lists them, made into items."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from typing import Any

from monitor.sources.base import Author, Item, Reject, engagement

_SITE = "https://www.reddit.com"
_GONE = ("[removed]", "[deleted]")


def items_of(children: list[Any]) -> tuple[list[Item], list[Reject]]:
    items, rejects = [], []
    for child in children:
        try:
            items.append(item(child))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            rejects.append(Reject(f"{type(error).__name__}: {error}", str(child)[:2_000]))
    return items, rejects


def item(child: dict[str, Any]) -> Item:
    """A post (t3) or comment (t1) of a listing. Raises KeyError, TypeError or ValueError for what is neither."""
    kind, data = child["kind"], child["data"]
    if kind not in ("t1", "t3"):
        raise ValueError(f"neither a post nor a comment but {kind!r}")
    name = str(data.get("name") or f"{kind}_{data['id']}")
    handle = data.get("author") if data.get("author") not in (None, *_GONE) else None
    body = str((data["body"] if kind == "t1" else data.get("selftext")) or "")
    removed = body.strip() in _GONE or bool(data.get("removed_by_category"))
    title = str(data.get("title") or "") if kind == "t3" else ""
    link = data.get("permalink") or data.get("context")
    thread = re.search(r"/comments/(\w+)", str(link))
    conversation = name if kind == "t3" else data.get("link_id") or (f"t3_{thread[1]}" if thread else None)
    if not link and conversation:
        link = f"/comments/{conversation[3:]}/" + (f"_/{name[3:]}/" if kind == "t1" else "")
    return Item(
        external_id=name,
        text="" if removed else "\n\n".join(part for part in (title, body) if part),
        posted_at=datetime.fromtimestamp(float(data["created_utc"]), UTC),
        url=_SITE + str(link).partition("?")[0] if link else None,
        author=Author(handle, handle, f"{_SITE}/user/{handle}" if handle else None),
        conversation=conversation,
        parent=data.get("parent_id") if kind == "t1" else None,
        removed=removed,
        media=_pictures(data),
        # the score (ups less downs) stands for likes; cross-posts for shares
        engagement=engagement(data.get("score"), data.get("num_crossposts"), data.get("num_comments")),
        repost_of=data.get("crosspost_parent") if kind == "t3" else None,
    )


def _pictures(data: dict[str, Any]) -> tuple[str, ...]:
    """The address of a post that is a picture or a film, those of a gallery, and those within the words."""
    found = []
    link = data.get("url_overridden_by_dest") or data.get("url")
    if data.get("post_hint") in ("image", "hosted:video") or data.get("is_video") is True:
        found.append(link)
    metadata = data.get("media_metadata")
    for each in metadata.values() if isinstance(metadata, dict) else ():
        largest = each.get("s") if isinstance(each, dict) else None
        if isinstance(largest, dict):
            found.append(largest.get("u") or largest.get("gif"))
    return tuple(html.unescape(each) for each in found if isinstance(each, str))
