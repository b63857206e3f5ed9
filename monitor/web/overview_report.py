"""What the overview shows: how much is said and how it sounds, who waits for an answer, what is unusual today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from monitor.annotations import noted
from monitor.charts import Chart, Column, Table
from monitor.charts.at_once import Bar, ranked
from monitor.clock import Clock
from monitor.database import Database
from monitor.settings import Settings
from monitor.trend_figures import FIGURES
from monitor.trend_findings import beyond_chance
from monitor.trend_spans import Grain, Span
from monitor.trends import Counts, changes
from monitor.waiting import Waiting, waiting
from monitor.web.trend_charts import about, course, figure_line, volume
from monitor.web.trend_scope import Scopes, TrendScope

SHOWN = 8  # changes of today
_WEEK = timedelta(days=7)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure of the period, and what it was in the period before (None: nothing to compare with)."""

    name: str
    now: float | None
    before: float | None


@dataclass(frozen=True, slots=True)
class Overview:
    scope: TrendScope
    choices: dict[str, list[tuple[str, str]]]
    all: Counts
    facts: list[Fact]
    charts: dict[str, Chart]


class Overviews:
    """Makes the overview of what an address asks for."""

    def __init__(self, db: Database, clock: Clock, settings: Settings) -> None:
        self._db, self._scopes = db, Scopes(clock, settings)

    def report(self, asked: Mapping[str, str]) -> Overview:
        """Raises Impossible."""
        with self._db.read() as session:
            scope, choices = self._scopes.scope(session, asked)
            went = course(session, scope)
            marks = [each.mark for each in noted(session, scope.span.since, scope.span.until, scope.filter.brand)]
            charts = [
                volume(session, scope, went, marks),
                figure_line(scope, "net_sentiment", went, marks),
                left(scope, waiting(session, scope.now, _of_cases(scope))),
                today(session, scope),
            ]
        facts = [
            Fact(name, figure.value(went.all), figure.value(went.then) if scope.before else None)
            for name, figure in FIGURES.items()
        ]
        return Overview(scope, choices, went.all, facts, {chart.name: chart for chart in charts})

    def charts(self, asked: Mapping[str, str]) -> dict[str, Chart]:
        return self.report(asked).charts


def left(scope: TrendScope, of: Waiting) -> Chart:
    """Open cases by time left. The period does not matter: it is how it stands now."""
    rows = [
        ("Late", of.late, "negative"),
        ("Up to 20 minutes", of.within_20, "plain"),
        ("20 to 60 minutes", of.within_60, "plain"),
        ("More than an hour", of.longer, "plain"),
        ("No running clock", of.unclocked, "neutral"),
    ]
    urgent = [f"{of.late:,} late"] * bool(of.late) + [f"{of.within_20:,} due within 20 minutes"] * bool(of.within_20)
    clocked = of.all - of.unclocked
    if urgent:
        title = f"{' and '.join(urgent)}, of {clocked:,} open case{'' if clocked == 1 else 's'} with a clock"
    else:
        title = f"{clocked:,} open cases, none due within 20 minutes" if clocked else "Nobody waits for an answer"
    link = "/?" + urlencode({"brand": scope.brand}) if scope.brand else "/"
    return Chart(
        name="waiting",
        title=title,
        measure="Open cases by time left to the answer",
        scope=f"{scope.now.astimezone(scope.zone):%Y-%m-%d %H:%M}, {scope.zone.key}",
        spec=ranked([Bar(name, count, None, link, style) for name, count, style in rows]),
        table=Table((Column("Time left", "text"), Column("Open cases")), tuple((n, c) for n, c, _ in rows)),
    )


def today(session: Session, scope: TrendScope) -> Chart:
    """What differs most from the same hours of the same weekday a week ago."""
    local = scope.now.astimezone(scope.zone)
    begun = local.replace(hour=0, minute=0, second=0, microsecond=0)
    end = scope.now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    day = "Today so far"
    if end <= begun.astimezone(UTC):
        day, end = "Yesterday", begun.astimezone(UTC)
        begun -= timedelta(days=1)
    since = begun.astimezone(UTC)
    span = Span(since, end, Grain.HOUR, scope.zone)
    before = Span(_a_week_before(since, scope), _a_week_before(end, scope), Grain.HOUR, scope.zone)
    by = ("topic", "source", "language", "sentiment", *(("brand",) if not scope.brand and len(scope.ours) > 1 else ()))
    found = changes(session, span, scope.filter, by, before)
    unusual = beyond_chance(found) if scope.knows(before.since, before.until) else []
    shown = (unusual or found)[:SHOWN]
    then = f"at this time on {before.since.astimezone(scope.zone):%A} a week ago"
    if unusual:
        first = unusual[0]
        a, b = first.now.mentions, first.before.mentions
        more = f", and {len(unusual) - 1} more" if len(unusual) > 1 else ""
        title = f"Unusual: {a:,} mention{'' if a == 1 else 's'} {about(first.by, first.name)}, {b:,} a week ago{more}"
    elif found and not scope.knows(before.since, before.until):
        title = f"{day}; nothing is known of a week ago"
    elif found:
        title = f"{day}, nothing differs beyond chance from a week ago"
    else:
        title = f"{day}, and a week ago, nothing was heard"
    addresses = [f"/trends?{scope.address(**{each.by: each.name}, **_week(scope))}" for each in shown]
    return Chart(
        name="today",
        title=title,
        measure=f"Mentions {day.lower()}, the most unusual first; short lines: {then}",
        scope=f"{scope.narrow}, {begun:%Y-%m-%d}, {scope.zone.key}",
        spec=ranked(
            [
                Bar(about(each.by, each.name), each.now.mentions, each.before.mentions, link)
                for each, link in zip(shown, addresses, strict=True)
            ],
            before="A week ago",
        ),
        table=Table(
            (
                Column("Mentions", "text"),
                Column("Today" if day == "Today so far" else day),
                Column("A week ago"),
                Column("Surprise, in standard deviations", "number"),
            ),
            tuple(
                (about(each.by, each.name), each.now.mentions, each.before.mentions, round(each.surprise, 2))
                for each in shown
            ),
            tuple(addresses),
        ),
    )


def _of_cases(scope: TrendScope) -> dict[str, str]:
    return {name: value for name, value in scope.chosen.items() if name in ("brand", "source", "language", "topic")}


def _a_week_before(moment: datetime, scope: TrendScope) -> datetime:
    local = moment.astimezone(scope.zone).replace(tzinfo=None) - _WEEK
    return local.replace(tzinfo=scope.zone).astimezone(UTC)


def _week(scope: TrendScope) -> dict[str, str]:
    today = scope.now.astimezone(scope.zone).date()
    return {"from": (today - timedelta(days=7)).isoformat(), "to": today.isoformat(), "grain": "hour"}
