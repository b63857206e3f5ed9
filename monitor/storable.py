"""What a source gives, made fit for every database."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from datetime import UTC

from monitor.sources.base import Author, Engagement, Item, Page, Reject

MAX_TEXT = 100_000  # characters; what is longer is cut and ends in "…"
MAX_MEDIA = 10
_MOST = 2**63 - 1  # of what is counted


def storable(text: str, limit: int = MAX_TEXT) -> str:
    """`text` as every database takes it: no NUL, surrogate pairs joined, lone surrogates gone, at most `limit`
    characters."""
    if not text.isascii():
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    text = text.replace("\x00", "")
    return text if len(text) <= limit else text[: limit - 1] + "…"


def storable_key(key: str, limit: int = 400) -> str:
    """As `storable`, but two different keys stay different when they are cut."""
    clean = storable(key, max(limit, len(key)))
    if len(clean) <= limit and clean == key:
        return key
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{clean[: limit - 65]}~{digest}"


def readable(page: Page) -> tuple[list[Item], list[Reject]]:
    """The items fit for storage, and the rejects: the page's own and what is not fit."""
    items, rejects = [], list(page.rejects)
    for item in page.items:
        try:
            items.append(_fit(item))
        except (ValueError, OverflowError, TypeError, AttributeError) as error:
            rejects.append(Reject(str(error) or type(error).__name__, repr(item), _id_of(item)))
    return items, rejects


def _id_of(item: Item) -> str | None:
    return item.external_id if isinstance(item.external_id, str) else None


def _fit(item: Item) -> Item:
    if not item.external_id or not isinstance(item.external_id, str):
        raise ValueError("the item has no id")
    if not isinstance(item.text, str):
        raise ValueError("the item has no text")
    if item.posted_at.tzinfo is None:
        raise ValueError(f"the item's date {item.posted_at.isoformat()} has no time zone")
    author = item.author
    return replace(
        item,
        external_id=storable_key(item.external_id),
        text=storable(item.text),
        posted_at=item.posted_at.astimezone(UTC),
        url=_optional(item.url),
        author=Author(
            _optional(author.handle, 300),
            _optional(author.name, 1000),
            _optional(author.url),
            _counted(author.followers),
        ),
        rating=item.rating if item.rating is not None and math.isfinite(item.rating) else None,
        conversation=storable_key(item.conversation) if item.conversation else None,
        parent=storable_key(item.parent) if item.parent else None,
        media=tuple(dict.fromkeys(storable(link, 2000) for link in item.media if _web(link)))[:MAX_MEDIA],
        engagement=_engagement(item.engagement) if item.engagement else None,
        repost_of=storable_key(item.repost_of) if item.repost_of else None,
    )


def _engagement(given: Engagement) -> Engagement:
    return Engagement(*map(_counted, (given.likes, given.shares, given.answers, given.views)))


def _counted(count: int | None) -> int | None:
    return None if count is None else max(0, min(int(count), _MOST))


def _web(link: str) -> bool:
    return link.lower().startswith(("http://", "https://")) and len(link) <= 2000


def _optional(text: str | None, limit: int = 4000) -> str | None:
    return storable(text, limit) or None if text else None
