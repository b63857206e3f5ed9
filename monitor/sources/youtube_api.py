"""Calls of YouTube's Data API, each counted on the day's quota.

Costs: https://developers.google.com/youtube/v3/determine_quota_cost. Since 2026 a search costs nothing of the units,
but there are 100 searches a day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from monitor.errors import BudgetSpent, RetryLater
from monitor.sources.budget import Meter, Unmetered
from monitor.sources.google import ApiRefusal, Google

_COSTS: Mapping[tuple[str, str], Mapping[str, float]] = {
    ("search", "list"): {"searches": 1},
    ("comments", "insert"): {"units": 50},
    ("commentThreads", "insert"): {"units": 50},
}
_A_READ: Mapping[str, float] = {"units": 1}
AT_ONCE = 50  # ids in one call
_GONE = frozenset(("commentNotFound", "commentThreadNotFound", "commentsDisabled", "videoNotFound"))


class Api:
    """`readers` sees to calls that read, `writer` to those in the name of an account."""

    def __init__(self, name: str, reader: Google, writer: Google | None) -> None:
        self._name, self._reader, self._writer = name, reader, writer
        self.meter: Meter = Unmetered()

    def ask(self, resource: str, **params: Any) -> tuple[list[Any], str | None]:
        """The items of `resource`, and the token of the next page. Raises ApiRefusal as well."""
        return self._list(self._reader, resource, params)

    def get(self, resource: str, **params: Any) -> list[Any]:
        """The items of `resource` where a refusal is a fault."""
        return self._or_fault(self._reader, resource, params)[0]

    def own_channels(self) -> list[Any]:
        """The channel of the account that writes."""
        assert self._writer is not None
        return self._or_fault(self._writer, "channels", {"part": "snippet", "mine": True})[0]

    def pages(self, resource: str, most: int, **params: Any) -> Iterator[list[Any]]:
        """Up to `most` pages of a hundred."""
        token: str | None = None
        for _ in range(most):
            given = params | {"maxResults": 100} | ({"pageToken": token} if token else {})
            items, token = self._or_fault(self._reader, resource, given)
            yield items
            if token is None:
                return

    def by_ids(self, resource: str, ids: Sequence[str], **params: Any) -> list[Any]:
        """Those of `ids` that are shown. For comments YouTube may refuse a whole call because one of them is gone: then
        it is asked again for each half."""
        if len(ids) > AT_ONCE:
            head = self.by_ids(resource, ids[:AT_ONCE], **params)
            return head + self.by_ids(resource, ids[AT_ONCE:], **params)
        if not ids:
            return []
        try:
            return self.ask(resource, id=",".join(ids), **params)[0]
        except ApiRefusal as error:
            if not error.reasons & _GONE:
                raise self._reader.unforeseen(error) from error
        half = len(ids) // 2
        return self.by_ids(resource, ids[:half], **params) + self.by_ids(resource, ids[half:], **params) if half else []

    def insert(self, resource: str, snippet: Mapping[str, Any]) -> dict[str, Any]:
        assert self._writer is not None
        return self._call(self._writer, resource, "insert", part="snippet", body={"snippet": snippet})

    def close(self) -> None:
        for google in (self._reader, self._writer):
            if google is not None:
                google.close()

    def _list(self, google: Google, resource: str, params: Mapping[str, Any]) -> tuple[list[Any], str | None]:
        answer = self._call(google, resource, "list", **params)
        items, token = answer.get("items"), answer.get("nextPageToken")
        if not isinstance(items, list):
            raise RetryLater(f"sources.{self._name}: the answer is no list")
        return items, token if isinstance(token, str) else None

    def _or_fault(self, google: Google, resource: str, params: Mapping[str, Any]) -> tuple[list[Any], str | None]:
        try:
            return self._list(google, resource, params)
        except ApiRefusal as error:
            raise google.unforeseen(error) from error

    def _call(self, google: Google, resource: str, method: str, **params: Any) -> dict[str, Any]:
        request = getattr(getattr(google.service("youtube", "v3"), resource)(), method)(**params)
        costs = _COSTS.get((resource, method), _A_READ)
        self.meter.reserve(**costs)
        try:
            return google.call(request)
        except BudgetSpent:  # by whatever else uses the project: what we thought was left is not
            self.meter.spend(**{name: left for name in costs if isfinite(left := self.meter.left(name))})
            raise
