"""Lists a page at a time: what may be asked of each, and the cursors that lead from one page to the next.

A cursor is the place of the last row, so that rows which come or go meanwhile neither double nor hide others. It is
nobody's business what is in it, and one that was made up is refused.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from fastapi import HTTPException, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from monitor.classify.verdict import SEVERITIES
from monitor.clock import moment
from monitor.web.queries import LARGEST_ID

LONGEST_CURSOR = 2000
MOST = 200
Word = Annotated[str | None, Query(max_length=100, pattern=r"^[^\x00]*$")]
Name = Annotated[str, Field(max_length=100, pattern=r"^[^\x00]*$")]
State = Literal["open", "taken", "replied", "reopened", "snoozed", "resolved", "dismissed"]
Sentiment = Literal["negative", "neutral", "positive"]
Severity = Literal["low", "medium", "high", "critical"]
Found = TypeVar("Found")

assert Severity.__args__ == SEVERITIES  # type: ignore[attr-defined]


def _moment(value: Any) -> Any:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueError("it should be a text such as 2026-11-20T16:45+02:00")
    return moment(value)


Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    Field(description="ISO 8601 with its zone, such as 2026-11-20T16:45Z; a date alone is its midnight in UTC"),
]


class Strict(BaseModel):
    """What a question may have; anything else is refused, so that a slip of the pen does not pass for an answer."""

    model_config = ConfigDict(extra="forbid")


def _any(of: str) -> Any:
    return Field([], description=f"{of}; several: any of them")


class Span(Strict):
    since: Moment | None = Field(None, description="from this time on")
    until: Moment | None = Field(None, description="before this time")


class Page(Strict):
    limit: int = Field(50, ge=1, le=MOST, description="rows in one answer")
    cursor: str | None = Field(None, max_length=LONGEST_CURSOR, description="`next` of the answer before")


class CaseQuery(Page, Span):
    """Posted from `since` (inclusive) to `until` (exclusive). Several values of one filter: any of them."""

    state: list[State] = _any("where it stands")
    brand: list[Name] = _any("of the configuration")
    source: list[Name] = _any("by its name in the configuration")
    language: list[Name] = _any("ISO 639-1, such as et")
    topic: list[Name] = _any("such as delivery")
    severity: list[Severity] = _any("as judged")


class MentionQuery(Page, Span):
    """Posted from `since` (inclusive) to `until` (exclusive). Several values of one filter: any of them."""

    brand: list[Name] = _any("of the configuration")
    source: list[Name] = _any("by its name in the configuration")
    language: list[Name] = _any("ISO 639-1, such as et")
    topic: list[Name] = _any("such as delivery")
    sentiment: list[Sentiment] = _any("as judged")
    severity: list[Severity] = _any("as judged")
    complaint: bool | None = Field(None, description="as judged")


class TrendQuery(Page, Span):
    """Hours that begin from `since` (inclusive) to `until` (exclusive)."""

    brand: list[Name] = _any("of the configuration")


class PastQuery(Page, Span):
    """From `since` (inclusive) to `until` (exclusive)."""

    source: list[Name] = _any("by its name in the configuration")


def following(kind: str, rows: Sequence[Found], limit: int, key: Callable[[Found], Sequence[Any]]) -> str | None:
    """The cursor of the page after, where there are more than `limit` rows."""
    if len(rows) <= limit:
        return None
    return cursor(kind, *key(rows[limit - 1]))


def cursor(kind: str, *row: Any) -> str:
    """The place after a row, by what the list is ordered by."""
    values = [value.isoformat() if isinstance(value, datetime) else value for value in row]
    return base64.urlsafe_b64encode(json.dumps([kind, *values]).encode()).decode().rstrip("=")


def place(kind: str, cursor: str | None, *shape: type) -> tuple[Any, ...] | None:
    """What `following` put into the cursor: values of the types in `shape`. Refuses any other."""
    if cursor is None:
        return None
    try:
        made, *values = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars="-_", validate=True))
        found = tuple(_value(value, wanted) for value, wanted in zip(values, shape, strict=True))
    except (ValueError, TypeError, OverflowError):
        made, found = None, ()
    if made != kind:
        raise HTTPException(422, "cursor: not one that this list gave; leave it out to begin again")
    return found


def _value(value: Any, wanted: Any) -> Any:
    if wanted is datetime:
        return moment(value)
    if type(value) is not wanted or (wanted is int and abs(value) > LARGEST_ID) or (wanted is str and "\x00" in value):
        raise ValueError
    return value
