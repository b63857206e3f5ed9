"""What X charges for: https://docs.x.com/x-api/getting-started/pricing, as of November 2026."""

from __future__ import annotations

from datetime import date
from typing import Any

from monitor.sources.budget import Meter
from monitor.sources.x_posts import as_dict, as_list, posted_at

MONEY = "USD"
FEWEST = 10  # posts that X lets one ask for
MOST = 100
_COUNT = 0.005  # for a call that only counts
_CREATE, _CREATE_WITH_LINK = 0.015, 0.200


class Bill:
    """Counts each post and each author once in a UTC day, as X does. A new process counts some of them again, so the
    count may be too high but never too low."""

    def __init__(self, post: float, user: float) -> None:
        """The prices in US dollars."""
        self._post, self._user = post, user
        self._day: date | None = None
        self._charged: set[str] = set()

    def begin(self, day: date) -> None:
        """What was charged on an earlier day is charged again."""
        if day != self._day:
            self._day, self._charged = day, set()

    def most(self, meter: Meter, wanted: int = MOST) -> int:
        """How many of the `wanted` posts may be asked for with what is left. Raises BudgetSpent when it is not even the
        fewest that X allows to ask for."""
        each = self._post + self._user
        left = meter.left(MONEY)
        if left < FEWEST * each:
            meter.reserve(**{MONEY: FEWEST * each})
        return wanted if left >= wanted * each else max(FEWEST, int(left / each))

    def read(self, meter: Meter, answer: dict[str, Any]) -> None:
        """Count what an answer shows."""
        included = as_dict(answer.get("includes"))
        data = answer.get("data")
        posts = as_list(data if isinstance(data, list) else [data]) + as_list(included.get("tweets"))
        new_posts = self._new("post", posts)
        new_users = self._new("user", as_list(included.get("users")))
        meter.spend(**{MONEY: new_posts * self._post + new_users * self._user, "posts": new_posts})

    def streamed(self, meter: Meter, event: dict[str, Any]) -> None:
        """Count what came through a stream. A post tells the day: after midnight it may be here before a poll."""
        external_id = str(as_dict(event.get("data")).get("id"))
        if external_id.isascii() and external_id.isdigit() and len(external_id) < 20:
            day = posted_at(int(external_id)).date()
            self.begin(max(day, self._day or day))
        self.read(meter, event)

    def user(self, meter: Meter) -> None:
        meter.spend(**{MONEY: self._user})

    def count(self, meter: Meter) -> None:
        meter.spend(**{MONEY: _COUNT})

    def create(self, meter: Meter, text: str) -> None:
        meter.spend(**{MONEY: _CREATE_WITH_LINK if "://" in text else _CREATE})

    def _new(self, kind: str, shown: list[dict[str, Any]]) -> int:
        ids = {f"{kind} {each.get('id')}" for each in shown} - self._charged
        self._charged |= ids
        return len(ids)
