"""What a service says of its rate limit in the headers of an answer, and who listens.

Known are `Retry-After`, `X-Rate-Limit-*` (X), `X-RateLimit-*` (Reddit, Mastodon and most others), `RateLimit-*`
(Bluesky; draft-ietf-httpapi-ratelimit-headers up to 06) and the structured `RateLimit` of the later drafts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_PREFIXES = ("x-rate-limit-", "x-ratelimit-", "ratelimit-")
_PARAMETER = re.compile(r"\b(remaining|reset|r|t)\s*=\s*(\d+)")


def waiting_time(headers: Mapping[str, str]) -> timedelta | None:
    """How long the service that refused a call asks us to wait.

    Moments are counted from the answer's own `Date`, so that a wrong clock on this machine does no harm. None when
    the service does not say, says it in no known way, or would allow more calls: then it refused for another reason.
    """
    asked = _span(headers.get("retry-after"), headers)
    return asked if asked is not None else _until_reset(headers, unsaid=True)


def rest(headers: Mapping[str, str]) -> timedelta | None:
    """For how long no further call is allowed after this answer, be it a good one; None: there is something left."""
    return _until_reset(headers, unsaid=False)


class Ear:
    """What was heard: `rest` is the longest that any answer asked for."""

    rest: timedelta | None = None


_ear: ContextVar[Ear | None] = ContextVar("ear", default=None)


@contextmanager
def listening() -> Iterator[Ear]:
    """Whatever is heard in this block, in this thread."""
    ear = Ear()
    token = _ear.set(ear)
    try:
        yield ear
    finally:
        _ear.reset(token)


def hear(headers: Mapping[str, str]) -> None:
    """To be called with the headers of every answer, so that all who share the limit can wait. `Http` and `Adapter` do;
    a source with a client of its own does it itself."""
    ear = _ear.get()
    if ear is not None and (asked := rest(headers)) is not None:
        ear.rest = max(asked, ear.rest or timedelta())


def _until_reset(headers: Mapping[str, str], unsaid: bool) -> timedelta | None:
    """`unsaid`: whether a reset counts that stands alone, without how many calls are left."""
    for prefix in _PREFIXES:
        left, reset = headers.get(f"{prefix}remaining"), _span(headers.get(f"{prefix}reset"), headers)
        if reset is not None and (unsaid if left is None else _none_left(left)):
            return reset
    waits, said_of = [], headers.get("ratelimit", "")
    for policy in [said_of] if "remaining" in said_of else said_of.split(","):
        said = {name[:1] if name != "reset" else "t": int(value) for name, value in _PARAMETER.findall(policy)}
        if said.get("r") == 0 and "t" in said:
            waits.append(timedelta(seconds=min(said["t"], 10**8)))
    return max(waits, default=None)


def _none_left(value: str) -> bool:
    try:
        return float(value) < 1
    except ValueError:
        return False


def _span(value: str | None, headers: Mapping[str, str]) -> timedelta | None:
    asked = _moment_or_seconds(value)
    if isinstance(asked, datetime):
        date = _moment_or_seconds(headers.get("date"))
        asked = asked - date if isinstance(date, datetime) else None
    return max(asked, timedelta(0)) if asked is not None else None


def _moment_or_seconds(value: str | None) -> datetime | timedelta | None:
    if not value:
        return None
    try:
        seconds = float(value)
        # no service asks for three years of waiting: a number so large is a Unix time
        return datetime.fromtimestamp(seconds, UTC) if seconds > 100_000_000 else timedelta(seconds=seconds)
    except (ValueError, OverflowError, OSError):
        pass
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            date = read(value)
        except ValueError:
            continue
        return date if date.tzinfo else date.replace(tzinfo=UTC)
    return None
