"""One record of another program as an item: a line of JSON, a row of a table, what a call holds.

Known are KEYS; `author` may be an object with `handle`, `name`, `url` and `followers`, and `external_id` may stand for
`id`. Other keys are left alone. Values may be text where a table knows nothing else.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from email.utils import parsedate_to_datetime
from typing import Any

from monitor.clock import aware
from monitor.sources.base import NO_LATER, Author, Engagement, Item

KEYS = (
    *("id", "text", "posted_at", "url", "author", "author_name", "author_url", "followers", "rating", "language"),
    *("conversation", "parent", "removed", "media", "likes", "shares", "answers", "views", "repost_of"),
)
_EPOCHS = ((1e11, 1), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9))  # a number below the first counts so many a second
_EARLIEST = 1e8  # 1973, in seconds: before that nobody complained on the web
_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0", "")


def read_item(given: Mapping[str, Any], now: datetime, zone: tzinfo | None = None) -> Item:
    """The item in `given`. Without a date it was posted `now`; a date without an offset is in `zone` (None: refused).
    Without an id it is known by its contents. Raises ValueError, which names the key and what is wrong with it."""
    removed = _flag(given.get("removed"), "removed")
    text = given.get("text")
    if not isinstance(text, str) or not (text.strip() or removed):
        if not removed:
            raise ValueError("text is missing" if text is None or text == "" else f"text is {_shown(text)}, not words")
        text = ""
    author = given.get("author")
    person = author if isinstance(author, Mapping) else {"handle": author}
    counts = [_count(given.get(key), key) for key in ("likes", "shares", "answers", "views")]
    return Item(
        external_id=_name(given.get("external_id", given.get("id")), "id") or content_id(given),
        text=text,
        posted_at=min(moment(given.get("posted_at"), now, zone), now + NO_LATER),
        url=_words(given.get("url"), "url"),
        author=Author(
            (_name(person.get("handle"), "author") or "").removeprefix("@") or None,
            _words(person.get("name", given.get("author_name")), "author_name"),
            _words(person.get("url", given.get("author_url")), "author_url"),
            _count(person.get("followers", given.get("followers")), "followers"),
        ),
        rating=number(given.get("rating"), "rating"),
        language=_words(given.get("language"), "language"),
        conversation=_name(given.get("conversation"), "conversation"),
        parent=_name(given.get("parent"), "parent"),
        removed=removed,
        media=_addresses(given.get("media")),
        engagement=Engagement(*counts) if counts != [None] * 4 else None,
        repost_of=_name(given.get("repost_of"), "repost_of"),
    )


def content_id(given: Mapping[str, Any]) -> str:
    """The same for the same contents, wherever they are read."""
    whole = json.dumps(given, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def moment(value: Any, now: datetime, zone: tzinfo | None = None) -> datetime:
    """ISO 8601, the form of e-mail and HTTP, or seconds since 1970 (also milli-, micro- and nanoseconds)."""
    if value is None or value == "":
        return now
    found: datetime | None = value if isinstance(value, datetime) else None
    try:
        if found is None:
            count = float(value)
            per_second = next((per for below, per in _EPOCHS if abs(count) < below), None)
            if per_second is None or count < _EARLIEST:
                raise OverflowError  # a number, but of something else
            return datetime.fromtimestamp(count / per_second, UTC)
    except (ValueError, TypeError):
        found = _date(value)
    except (OverflowError, OSError):
        found = None
    if found is None:
        raise ValueError(f"posted_at is {_shown(value)}, which is no time (write 2026-11-20T16:45:00+02:00)")
    if found.tzinfo is None:
        if zone is None:
            raise ValueError(f"posted_at is {_shown(value)}, without a time zone")
        found = found.replace(tzinfo=zone)
    return aware(found).astimezone(UTC)


def _date(value: Any) -> datetime | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime) if isinstance(value, str) else ():
        try:
            return read(value)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def number(value: Any, key: str) -> float | None:
    if value is None or value == "":
        return None
    try:
        found = math.nan if isinstance(value, bool) else float(value)
    except (ValueError, TypeError):
        found = math.nan
    if not math.isfinite(found):
        raise ValueError(f"{key} is {_shown(value)}, which is no number")
    return found


def _count(value: Any, key: str) -> int | None:
    found = number(value, key)
    return None if found is None else int(found)


def _addresses(value: Any) -> tuple[str, ...]:
    """A list, or text with blanks between."""
    found = value.split() if isinstance(value, str) else [] if value is None else value
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise ValueError(f"media is {_shown(value)}, not a list of addresses")
    return tuple(found)


def _words(value: Any, key: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key} is {_shown(value)}, not text")
    return value or None


def _name(value: Any, key: str) -> str | None:
    """An id or handle, which services give as text today and as a number tomorrow."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a table's column with empty cells in it
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _words(value, key)


def _flag(value: Any, key: str) -> bool:
    word = str(value if value is not None else "").strip().lower()
    if word not in (*_TRUE, *_FALSE):
        raise ValueError(f"{key} is {_shown(value)}, neither true nor false")
    return word in _TRUE


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:59] + "…"
