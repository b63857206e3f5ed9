"""Posts, comments and recommendations as Facebook shows them, and in the calls of its webhooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from monitor.clock import aware
from monitor.sources.base import Author, Item, engagement, gone

SITE = "https://www.facebook.com"
COMMENT = (
    "id,message,created_time,from{id,name},parent{id},permalink_url,like_count,comment_count,"
    "attachment{media{image{src}}}"
)
POST = "id,message,created_time,from{id,name},permalink_url,full_picture,shares"
THREAD = f"comments.filter(stream).order(reverse_chronological).limit(50){{{COMMENT}}}"
RATING = "created_time,recommendation_type,rating,review_text,reviewer{id,name},open_graph_story{id}"

_RATINGS = {"positive": 5.0, "negative": 1.0}  # Facebook has no stars any more
_WORDS = ("post", "status", "photo", "video", "share", "link", "note")  # what a webhook calls a visitor's post


def node(external_id: str) -> str:
    """Facebook's own id. Ours begins with the kind of what is no comment: it can be asked for other fields."""
    return external_id.rpartition("/")[2]


def moment(value: Any) -> datetime:
    return aware(datetime.fromisoformat(value)).astimezone(UTC)


def author(found: Mapping[str, Any]) -> Author:
    return _person(_inner(found, "from"))


def post(found: Mapping[str, Any], kind: str = "post") -> Item:
    """`kind` is "tag" for a post outside the Page."""
    external_id = str(found["id"])
    return Item(
        external_id=f"{kind}/{external_id}",
        text=str(found.get("message") or ""),
        posted_at=moment(found["created_time"]),
        url=_address(found) or f"{SITE}/{external_id}",
        author=author(found),
        conversation=f"{kind}/{external_id}",
        media=_links(found.get("full_picture")),
        engagement=engagement(shares=_inner(found, "shares").get("count")),
    )


def comment(found: Mapping[str, Any], post_id: str | None = None) -> Item:
    external_id, parent = str(found["id"]), found.get("parent")
    above = str(parent["id"]) if isinstance(parent, dict) else f"post/{post_id}" if post_id else None
    return Item(
        external_id=external_id,
        text=str(found.get("message") or ""),
        posted_at=moment(found["created_time"]),
        url=_address(found) or f"{SITE}/{external_id}",
        author=author(found),
        conversation=f"post/{post_id}" if post_id else None,
        parent=above,
        media=_links(_inner(found, "attachment", "media", "image").get("src")),
        engagement=engagement(found.get("like_count"), answers=found.get("comment_count")),
    )


def tag(found: Mapping[str, Any]) -> tuple[Item, datetime]:
    """A post outside the Page."""
    item = post(found, "tag")
    return item, item.posted_at


def rating(found: Mapping[str, Any]) -> tuple[Item | None, datetime]:
    """A recommendation, None for one without words; and when it was given."""
    at, words = moment(found["created_time"]), str(found.get("review_text") or "").strip()
    if not words:
        return None, at
    story, stars, kind = (
        _inner(found, "open_graph_story").get("id"),
        found.get("rating"),
        found.get("recommendation_type"),
    )
    item = Item(
        external_id=f"rating/{story or found['created_time']}",
        text=words,
        posted_at=at,
        url=f"{SITE}/{story}" if story else None,
        author=_person(_inner(found, "reviewer")),
        rating=float(stars) if isinstance(stars, int) and 1 <= stars <= 5 else _RATINGS.get(str(kind)),
    )
    return item, at


def heard(field: str, value: Mapping[str, Any], at: datetime, page_id: str) -> Iterator[Item]:
    """What one change of a webhook tells: of the fields `feed`, `ratings` and `mention`."""
    who, kind = value.get("from"), value.get("item")
    if isinstance(who, dict) and str(who.get("id")) == page_id:
        return
    written = datetime.fromtimestamp(float(value.get("created_time") or at.timestamp()), UTC)
    told = {**value, "created_time": written.isoformat()}
    item: Item | None = None
    if field == "feed" and kind == "comment":
        post_id, above = str(value["post_id"]), value.get("parent_id")
        told |= {"id": value["comment_id"], "parent": {"id": above} if above and above != post_id else None}
        item = comment(told, post_id)
    elif field == "ratings" and value.get("open_graph_story_id"):
        told |= {
            "open_graph_story": {"id": value["open_graph_story_id"]},
            "reviewer": {"id": value.get("reviewer_id"), "name": value.get("reviewer_name")},
        }
        item, _ = rating(told)
    elif (field == "feed" and kind in _WORDS) or (field == "mention" and value.get("message")):
        item = post(told | {"id": value["post_id"]}, "tag" if field == "mention" else "post")
    if item is not None:
        yield gone(item.external_id) if value.get("verb") == "remove" else item


def _person(who: Mapping[str, Any]) -> Author:
    """People on Facebook have no handle but a number, by which further words of theirs are known as theirs."""
    return Author(str(who["id"]) if who.get("id") else None, str(who.get("name") or "") or None)


def _address(found: Mapping[str, Any]) -> str | None:
    return next(iter(_links(found.get("permalink_url"))), None)


def _links(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) and value.startswith("https://") else ()


def _inner(found: Any, *keys: str) -> Mapping[str, Any]:
    """What lies in `found` under one key after the other; nothing where a step is missing."""
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}
