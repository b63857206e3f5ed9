"""The mentions behind a point of a trend: read from the address, and counted as the point was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from monitor.clock import Clock
from monitor.database import Database
from monitor.settings import Settings
from monitor.trend_mentions import After, Behind, behind
from monitor.trend_spans import Span
from monitor.trends import total
from monitor.web.queries import LARGEST_ID
from monitor.web.scope import Impossible
from monitor.web.trend_scope import Scopes, TrendScope

ON_PAGE = 50
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Behinds:
    """One page of mentions, from `since` to `until`. `count` is that of the point, where it is made of whole hours;
    `last` is where the next page goes on, None at the end."""

    scope: TrendScope
    choices: dict[str, list[tuple[str, str]]]
    since: datetime
    until: datetime
    count: int
    mentions: tuple[Behind, ...]
    last: After | None

    @property
    def older(self) -> str | None:
        """What the address of the next page ends with."""
        return f"{self.last[0].astimezone(UTC):%Y%m%dT%H%M%S.%f}-{self.last[1]}" if self.last else None

    @property
    def query(self) -> str:
        """What restores this page's first one."""
        return f"{self.scope.behind().partition('?')[2]}since={_stamp(self.since)}&until={_stamp(self.until)}"


class DrillDown:
    """Looks up what is behind a point."""

    def __init__(self, db: Database, clock: Clock, settings: Settings) -> None:
        self._db, self._clock, self._zone = db, clock, settings.clock.zone
        self._scopes = Scopes(clock, settings)

    def report(self, asked: Mapping[str, str]) -> Behinds:
        """A page of the desk. Raises Impossible."""
        return self.look(asked, _after(asked.get("after")), ON_PAGE)

    def look(self, asked: Mapping[str, str], after: After | None, limit: int) -> Behinds:
        """Up to `limit` mentions, those behind `after`. Raises Impossible."""
        now = self._clock.now()
        since = moment("since", asked) or now.replace(minute=0, second=0, microsecond=0) - 24 * _HOUR
        until = moment("until", asked) or since + 24 * _HOUR
        if until <= since:
            why = "The time ends before it begins: exchange since and until."
            raise Impossible(why, {"since": _stamp(until), "until": _stamp(since)} if until < since else {"until": ""})
        first, last = (moment.astimezone(self._zone).date() for moment in (since, until - timedelta(seconds=1)))
        today = now.astimezone(self._zone).date()
        if first > today:
            raise Impossible("This is in the future: nothing was heard yet.", {"since": "", "until": ""})
        days = {"from": first.isoformat(), "to": min(last, today).isoformat(), "grain": "month"}
        with self._db.read() as session:
            scope, choices = self._scopes.scope(session, {**asked, **days})
            scope = replace(scope, first=first, last=min(last, today))
            count = total(session, Span(since, until), scope.filter)
            found = behind(session, since, until, scope.filter, after, limit + 1)
        shown = found[:limit]
        further = (shown[-1].posted_at, shown[-1].id) if len(found) > limit else None
        return Behinds(scope, choices, since, until, count.mentions, shown, further)


def moment(name: str, asked: Mapping[str, str]) -> datetime | None:
    if not (text := asked.get(name)):
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None or not 2000 <= moment.year < 9999:
            raise ValueError
    except ValueError:
        why = f'{name} is "{text[:40]}", which is no time with a time zone: write it as 2026-11-20T12:00Z.'
        raise Impossible(why, {name: ""}) from None
    return moment.astimezone(UTC)


def _after(text: str | None) -> After | None:
    if not text:
        return None
    moment, _, number = text.partition("-")
    try:
        at, id = datetime.strptime(moment, "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC), int(number)
    except ValueError:
        id = -1
    if not 0 <= id <= LARGEST_ID:
        raise Impossible("after is not one that this page gave: begin again.", {"after": ""})
    return at, id


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
