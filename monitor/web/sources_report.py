"""What the page of the sources shows: how far behind each is, what its budgets have left, what could not be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from monitor import rejects
from monitor import source_words as words
from monitor.charts import Chart, Column, Table
from monitor.charts.at_once import Bar, ranked
from monitor.clock import Clock
from monitor.database import Database
from monitor.health import Health
from monitor.settings import Settings
from monitor.source_health import BudgetHealth, SourceHealth
from monitor.web.scope import check_known
from monitor.web.words import shortened

LISTED = 50  # of what could not be read; the command line has all
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Unread:
    """An item that could not be read. `text` is the reason; `raw` is for those only who may see whom it is about."""

    id: int
    source: str
    text: str
    at: datetime
    raw: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SourcesReport:
    """`unread` are the newest, of `counts` by source."""

    now: datetime
    zone: ZoneInfo
    source: str | None
    choices: list[tuple[str, str]]
    sources: list[SourceHealth]
    unread: list[Unread]
    counts: dict[str, int]
    charts: dict[str, Chart]

    @property
    def query(self) -> str:
        return urlencode({"source": self.source} if self.source else {})


class SourceReports:
    def __init__(self, db: Database, clock: Clock, settings: Settings, health: Health) -> None:
        self._db, self._clock, self._settings, self._health = db, clock, settings, health

    def report(self, asked: Mapping[str, str]) -> SourcesReport:
        """Of all sources, or of the one that `source` names. Raises Impossible."""
        now, zone = self._clock.now(), self._settings.clock.zone
        with self._db.read() as session:
            found = self._health.sources(session, now)
            counts = rejects.counts(session)
            names = list(dict.fromkeys([*(each.name for each in found), *sorted(counts)]))
            source = asked.get("source") or None
            check_known(_Wanted(source), {"source": names})
            unread = _unread(session, source)
        shown = [each for each in found if source in (None, each.name)]
        charts = [_read(shown, now, zone), _newest(shown, now, zone), _spent(shown, now, zone)]
        return SourcesReport(
            now,
            zone,
            source,
            [(name, name) for name in names],
            shown,
            unread,
            {name: count for name, count in counts.items() if source in (None, name)},
            {chart.name: chart for chart in charts if chart.table.rows},
        )

    def charts(self, asked: Mapping[str, str]) -> dict[str, Chart]:
        return self.report(asked).charts


@dataclass(frozen=True, slots=True)
class _Wanted:
    source: str | None


def _unread(session: Session, source: str | None) -> list[Unread]:
    found = rejects.rejects(session, source, LISTED)
    return [Unread(each.id, each.source, each.reason, each.at, each.raw) for each in found]


def _read(sources: Sequence[SourceHealth], now: datetime, zone: ZoneInfo) -> Chart:
    """How long ago each was read."""
    ill = [each for each in sources if not each.ok]
    read = [each for each in sources if each.lag_seconds is not None]
    if ill:
        what = ", ".join(f"{shortened(each.name, 40)} ({each.state})" for each in ill[:3])
        more = f" and {len(ill) - 3} more" if len(ill) > 3 else ""
        title = f"{len(ill)} of {_count(sources)} {'is' if len(ill) == 1 else 'are'} not read: {what}{more}"
    elif read:
        last = max(read, key=lambda each: each.lag_seconds or 0)
        title = f"Nothing fails; the longest ago was {shortened(last.name, 40)}, {words.ago(last.lag_seconds)}"
    else:
        title = "No source was read yet"
    return Chart(
        name="read",
        title=title,
        measure="Time since the last good poll; short lines: how often it is polled",
        scope=_moment(now, zone),
        spec=ranked(
            [
                Bar(
                    shortened(each.name, 40),
                    round(each.lag_seconds or 0),
                    round(each.interval_seconds),
                    style="plain" if each.ok else "negative",
                    said=f"{words.span(each.lag_seconds or 0)}, every {words.span(each.interval_seconds)}",
                )
                for each in read
            ]
        ),
        table=Table(
            (
                Column("Source", "text"),
                Column("State", "text"),
                Column("Since the last good poll", "seconds"),
                Column("Polled every", "seconds"),
                Column("Failures in a row"),
            ),
            tuple(
                (each.name, each.state, _whole(each.lag_seconds), _whole(each.interval_seconds), each.failures)
                for each in sources
            ),
        ),
        note="A source that is heard live is polled more seldom." if any(s.stream for s in sources) else None,
    )


def _newest(sources: Sequence[SourceHealth], now: datetime, zone: ZoneInfo) -> Chart:
    """How old the newest mention of each is."""
    heard = sorted((s for s in sources if s.newest_seconds is not None), key=lambda each: -(each.newest_seconds or 0))
    if not heard:
        title = "No source has brought a mention yet"
    elif len(heard) == 1:
        title = f"The newest mention of {shortened(heard[0].name, 40)} is of {words.ago(heard[0].newest_seconds)}"
    else:
        old, new = heard[0], heard[-1]
        title = f"Nothing new on {shortened(old.name, 40)} for {words.span(old.newest_seconds or 0)}"
        title += f"; the newest mention of all is of {words.ago(new.newest_seconds)}, on {shortened(new.name, 40)}"
    return Chart(
        name="newest",
        title=title,
        measure="Time since the newest mention was posted",
        scope=_moment(now, zone),
        spec=ranked(
            [
                Bar(shortened(each.name, 40), round(age), said=words.span(age))
                for each in heard
                if (age := each.newest_seconds) is not None
            ]
        ),
        table=Table(
            (Column("Source", "text"), Column("Since the newest mention", "seconds"), Column("Posted", "moment")),
            tuple((each.name, _whole(each.newest_seconds), each.newest_posted_at) for each in heard),
        ),
    )


def _spent(sources: Sequence[SourceHealth], now: datetime, zone: ZoneInfo) -> Chart:
    """What share of each budget of the day is spent, beside the share of its day that is over."""
    limited = [(each.name, of) for each in sources for of in each.budgets if of.daily]
    short = sorted(
        ((of.lasts_until, name, of) for name, of in limited if of.lasts_until is not None),
        key=lambda each: (each[0], each[1]),
    )
    if short:
        at, name, of = short[0]
        named = f"The {shortened(of.name, 40)} of {shortened(name, 40)}"
        title = f"{named} will be spent at {at.astimezone(zone):%H:%M} at this rate"
        if of.left == 0:
            title = f"{named} are spent until {of.resets_at.astimezone(zone):%H:%M}"
        title += f", and {len(short) - 1} more before the day is over" if len(short) > 1 else ""
    else:
        title = "Every budget lasts the day at this rate"
    return Chart(
        name="budgets",
        title=title,
        measure="Share of the day's budget that is spent; short lines: how much of its day is over",
        scope=_moment(now, zone),
        spec=ranked(
            [
                Bar(
                    shortened(f"{name}: {of.name}", 40),
                    round(of.spent / (of.daily or 1), 4),
                    round(_over(of, now), 4),
                    style="negative" if of.lasts_until else "plain",
                )
                for name, of in limited
            ],
            ".0%",
            "Of its day",
            ", day ",
        ),
        table=Table(
            (
                Column("Source", "text"),
                Column("Of", "text"),
                Column("Spent", "number"),
                Column("A day", "number"),
                Column("Left", "number"),
                Column("Spent at, at this rate", "moment"),
                Column("Begins anew", "moment"),
            ),
            tuple((name, of.name, of.spent, of.daily, of.left, of.lasts_until, of.resets_at) for name, of in limited),
        ),
    )


def _over(of: BudgetHealth, now: datetime) -> float:
    return min(1.0, max(0.0, 1 - (of.resets_at - now) / _DAY))


def _moment(now: datetime, zone: ZoneInfo) -> str:
    return f"{now.astimezone(zone):%Y-%m-%d %H:%M}, {zone.key}"


def _count(sources: Sequence[SourceHealth]) -> str:
    return f"{len(sources)} source{'' if len(sources) == 1 else 's'}"


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)
