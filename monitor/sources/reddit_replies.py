"""What Reddit says to a comment that we wrote, and how it is found again."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.errors import FirsthourError, Refused, RetryLater, Uncertain
from monitor.sources.base import Reply, SeenReply

_SITE = "https://www.reddit.com"
_MARGIN = timedelta(minutes=10)  # by which this machine's clock may be ahead of Reddit's
_UNITS = {"second": 1, "minute": 60, "hour": 3600}


def posted(answer: dict[str, Any], key: str, now: datetime) -> SeenReply:
    """The comment in the answer of api/comment. Raises Refused with Reddit's reason, RetryLater if it asks to wait."""
    said = answer.get("json")
    if not isinstance(said, dict):
        raise Uncertain(f"{key}: the answer to a comment is of another shape")
    errors = said.get("errors")
    if isinstance(errors, list) and errors:
        raise _refusal(errors[0], key)
    try:
        return _seen(said["data"]["things"][0]["data"], now)
    except (KeyError, IndexError, TypeError, ValueError, OverflowError):
        raise Uncertain(f"{key}: the answer to a comment holds no comment") from None


def found(children: list[Any], reply: Reply, account: str) -> SeenReply | None:
    """`reply` among the newest comments of our account."""
    for child in children:
        try:
            data = child["data"]
            seen = _seen(data, reply.since)
            if (
                data["parent_id"] == reply.to
                and str(data["author"]).lower() == account.lower()
                and seen.at >= reply.since - _MARGIN
                and _words(str(data["body"])) == _words(reply.text)
            ):
                return seen
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
    return None


def _refusal(error: Any, key: str) -> FirsthourError:
    """An error as Reddit lists it: its name, words for people, and the field."""
    parts = [str(part) for part in error] if isinstance(error, list) else [str(error)]
    name, words = parts[0], parts[1] if len(parts) > 1 else parts[0]
    if name == "RATELIMIT":
        wait = re.search(r"(\d+) (second|minute|hour)", words)
        after = timedelta(seconds=int(wait[1]) * _UNITS[wait[2]]) if wait else timedelta(minutes=1)
        return RetryLater(f"{key}: {words}", after)
    return Refused(f"Reddit does not take it: {words} ({name})")


def _seen(data: dict[str, Any], now: datetime) -> SeenReply:
    link = data.get("permalink")
    at = datetime.fromtimestamp(float(data["created_utc"]), UTC) if data.get("created_utc") is not None else now
    return SeenReply(
        external_id=str(data.get("name") or f"t1_{data['id']}"),
        at=at,
        author=str(data.get("author") or ""),
        url=_SITE + str(link).partition("?")[0] if link else None,
    )


def _words(text: str) -> str:
    """The text as it stays the same however Reddit escapes and wraps it."""
    return " ".join(html.unescape(text).split())
