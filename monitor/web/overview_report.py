"""What the overview shows: how much is said and how it sounds, who waits for an answer, what is unusual today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from monitor.charts import Chart, Column, Table
from monitor.charts.at_once import Bar, ranked
from monitor.charts.over_time import lines, moods
from monitor.charts.time_axis import Mark
from monitor.clock import Clock
from monitor.database import Database
from monitor.settings import Settings
from monitor.trend_figures import FIGURES
from monitor.trend_findings import beyond_chance, moved, of_most, sentiment_moved
from monitor.trend_spans import Grain, Span
from monitor.trends import NOTHING, Change, Counts, changes, over_time, total
from monitor.waiting import Waiting, waiting
from monitor.web.languages import NAMES
from monitor.web.trend_scope import Scopes, TrendScope
from monitor.web.words import language, shortened, spoken

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
            points = over_time(session, scope.span, scope.filter)
            before = over_time(session, scope.before, scope.filter) if scope.before else ()
            now, then, compared = sum(points, NOTHING), sum(before, NOTHING), _compared(session, scope, points)
            charts = [
                volume(session, scope, points, before, compared, then),
                sentiment(scope, points, before, compared, then),
                left(scope, waiting(session, scope.now, _of_cases(scope))),
                today(session, scope),
            ]
        facts = [
            Fact(name, figure.value(now), figure.value(then) if scope.before else None)
            for name, figure in FIGURES.items()
        ]
        return Overview(scope, choices, now, facts, {chart.name: chart for chart in charts})

    def charts(self, asked: Mapping[str, str]) -> dict[str, Chart]:
        return self.report(asked).charts


def volume(
    session: Session,
    scope: TrendScope,
    points: Sequence[Counts],
    before: Sequence[Counts],
    compared: Counts,
    then: Counts,
    marks: Sequence[Mark] = (),
) -> Chart:
    """Mentions over time by sentiment; the title is about complaints."""
    mostly = ""
    if scope.compared and scope.before:
        only = replace(scope.filter, complaint=True)
        found = changes(session, scope.compared, only, ("topic", "source"), scope.before)
        said = {each.name: shortened(spoken(each.name), 40) for each in found}
        mostly = of_most(compared.complaints, then.complaints, found, said)
    return Chart(
        name="volume",
        title=moved("Complaints", compared.complaints, then.complaints, scope.than, mostly),
        measure=f"Mentions {_per(scope.grain)} by sentiment, negative ones below the line",
        scope=scope.words,
        spec=moods(scope.axis, points, before, marks, scope.behind()),
        table=counts_table(scope, points, before),
        note=about_before(scope, "short lines"),
    )


def sentiment(
    scope: TrendScope,
    points: Sequence[Counts],
    before: Sequence[Counts],
    compared: Counts,
    then: Counts,
    marks: Sequence[Mark] = (),
) -> Chart:
    figures = [None if (net := point.net_sentiment) is None else 100 * net for point in points]
    earlier = [None if (net := point.net_sentiment) is None else 100 * net for point in before]
    rows = [
        (start, point.net_sentiment, before[n].net_sentiment if n < len(before) else None, point.mentions)
        for n, (start, point) in enumerate(zip(scope.axis.starts, points, strict=True))
    ]
    columns = (when(scope), Column("Net sentiment", "points"), Column("Period before", "points"), Column("Mentions"))
    return Chart(
        name="sentiment",
        title=sentiment_moved(compared, then, scope.than),
        measure=f"Net sentiment {_per(scope.grain)}: positive less negative of 100 mentions",
        scope=scope.words,
        spec=lines(scope.axis, {"net": figures}, earlier, marks, scope.behind(), "+.0f", (-20, 20)),
        table=Table(columns, tuple(rows), links(scope)),
        note=about_before(scope, "dashed line"),
    )


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
    unusual = beyond_chance(found)
    shown = (unusual or found)[:SHOWN]
    then = f"at this time on {before.since.astimezone(scope.zone):%A} a week ago"
    if unusual:
        first = unusual[0]
        a, b = first.now.mentions, first.before.mentions
        more = f", and {len(unusual) - 1} more" if len(unusual) > 1 else ""
        title = f"Unusual: {a:,} mention{'' if a == 1 else 's'} {_about(first)}, {b:,} a week ago{more}"
    elif found:
        title = f"{day}, nothing differs beyond chance from a week ago"
    else:
        title = f"{day}, and a week ago, nothing was heard"
    addresses = [f"/trends?{scope.address(**_narrow(each), **_week(scope))}" for each in shown]
    return Chart(
        name="today",
        title=title,
        measure=f"Mentions {day.lower()}, the most unusual first; short lines: {then}",
        scope=scope.words.rsplit(", ", 2)[0] + f", {begun:%Y-%m-%d}, {scope.zone.key}",
        spec=ranked(
            [
                Bar(_about(each), each.now.mentions, each.before.mentions, link)
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
            tuple((_about(each), each.now.mentions, each.before.mentions, round(each.surprise, 2)) for each in shown),
            tuple(addresses),
        ),
    )


def counts_table(scope: TrendScope, points: Sequence[Counts], before: Sequence[Counts]) -> Table:
    columns = ("Mentions", "Complaints", "Negative", "Neutral", "Positive", "Mentions, period before")
    rows = [
        (
            start,
            p.mentions,
            p.complaints,
            p.negative,
            p.neutral,
            p.positive,
            before[n].mentions if n < len(before) else None,
        )
        for n, (start, p) in enumerate(zip(scope.axis.starts, points, strict=True))
    ]
    return Table((when(scope), *map(Column, columns)), tuple(rows), links(scope))


def when(scope: TrendScope) -> Column:
    return Column(f"{scope.grain.value.capitalize()} from", "moment")


def links(scope: TrendScope, **more: str) -> tuple[str, ...]:
    """The page of the mentions behind each point."""
    address = scope.behind(**more)
    edges = zip(scope.axis.starts, scope.axis.ends, strict=True)
    return tuple(address + urlencode({"since": stamp(start), "until": stamp(end)}) for start, end in edges)


def stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def about_before(scope: TrendScope, how: str) -> str:
    """What the reader has to know of the drawing."""
    before = f"The {how}: {scope.than}." if scope.before else "There is nothing before to compare with."
    return before + (f" The last {scope.grain.value} is not over: pale." if scope.axis.partial else "")


def _compared(session: Session, scope: TrendScope, points: Sequence[Counts]) -> Counts:
    if scope.compared is None:
        return NOTHING
    same = scope.compared.until == scope.span.until
    return sum(points, NOTHING) if same else total(session, scope.compared, scope.filter)


def _of_cases(scope: TrendScope) -> dict[str, str]:
    return {name: value for name, value in scope.chosen.items() if name in ("brand", "source", "language", "topic")}


def _per(grain: Grain) -> str:
    return f"{'an' if grain is Grain.HOUR else 'a'} {grain.value}"


def _a_week_before(moment: datetime, scope: TrendScope) -> datetime:
    local = moment.astimezone(scope.zone).replace(tzinfo=None) - _WEEK
    return local.replace(tzinfo=scope.zone).astimezone(UTC)


def _about(change: Change) -> str:
    name = language(change.name) if change.by == "language" and change.name in NAMES else spoken(change.name)
    name = shortened(name, 40)
    return {"source": f"on {name}", "language": f"in {name}", "topic": f"about {name}"}.get(change.by, name)


def _narrow(change: Change) -> dict[str, str]:
    return {change.by: change.name}


def _week(scope: TrendScope) -> dict[str, str]:
    today = scope.now.astimezone(scope.zone).date()
    return {"from": (today - timedelta(days=7)).isoformat(), "to": today.isoformat(), "grain": "hour"}
