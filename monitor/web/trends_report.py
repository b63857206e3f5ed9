"""What the page of the trends shows: one figure over time, apart by topic, source, language, brand or sentiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from monitor.annotations import Annotation, noted
from monitor.charts import Chart, Column, Table
from monitor.charts.at_once import Bar, ranked
from monitor.charts.over_time import lines
from monitor.charts.time_axis import Mark
from monitor.clock import Clock
from monitor.database import Database
from monitor.settings import Settings
from monitor.trend_counts import NOTHING, Counts, together
from monitor.trend_figures import CHANCE_AMONG_MANY, FIGURES
from monitor.trend_findings import UNKNOWN, figure_moved, written
from monitor.trends import DIMENSIONS, series, totals
from monitor.web.scope import Impossible
from monitor.web.share_charts import Shown, most, shares
from monitor.web.trend_charts import (
    FORMS,
    Course,
    about,
    course,
    domain,
    drawn,
    figure_line,
    links,
    measure,
    partial,
    per,
    said,
    when,
)
from monitor.web.trend_scope import Scopes, TrendScope

RANKED = 12  # drawn; the table has all


@dataclass(frozen=True, slots=True)
class Group:
    """One topic (source, brand ...): the counts of all of the period, of what is compared, and of the period before."""

    name: str
    all: Counts
    compared: Counts
    then: Counts


@dataclass(frozen=True, slots=True)
class Data:
    """What was counted: all together (`went`) and, unless `by` is None, apart: the `points` of each over time, and its
    `groups`, the most frequent first."""

    scope: TrendScope
    choices: dict[str, list[tuple[str, str]]]
    by: str | None
    went: Course
    points: dict[str, tuple[Counts, ...]]
    groups: tuple[Group, ...]
    notes: tuple[Annotation, ...]


@dataclass(frozen=True, slots=True)
class Trend:
    """What is shown of it. `by` is None where the figure is not apart."""

    scope: TrendScope
    choices: dict[str, list[tuple[str, str]]]
    by: str | None
    figure: str
    all: Counts
    then: Counts
    charts: dict[str, Chart]
    annotations: tuple[Annotation, ...]

    @property
    def query(self) -> str:
        return self.scope.address(by=self.by or "none", figure=self.figure)


class Trends:
    """Makes the trends of what an address asks for: a scope, `by` and `figure`."""

    def __init__(self, db: Database, clock: Clock, settings: Settings) -> None:
        self._db, self._scopes = db, Scopes(clock, settings)

    def report(self, asked: Mapping[str, str]) -> Trend:
        """Raises Impossible."""
        figure = asked.get("figure") or "complaints"
        if figure not in FIGURES:
            raise Impossible(f'figure is "{figure[:40]}": it can be {", ".join(FIGURES)}.', {"figure": ""})
        found = self.data(asked)
        scope, by, went, groups = found.scope, found.by, found.went, found.groups
        marks = [each.mark for each in found.notes]
        if by is None:
            charts = [figure_line(scope, figure, went, marks)]
        else:
            charts = _apart(scope, by, figure, found.points, groups, marks) if groups else []
        named = {chart.name: chart for chart in charts}
        return Trend(scope, found.choices, by, figure, went.all, went.then, named, found.notes)

    def data(self, asked: Mapping[str, str]) -> Data:
        """The figures alone. Raises Impossible."""
        by = asked.get("by") or "topic"
        if by not in (*DIMENSIONS, "none"):
            raise Impossible(f'by is "{by[:40]}": it can be {", ".join(DIMENSIONS)} or none.', {"by": ""})
        with self._db.read() as session:
            scope, choices = self._scopes.scope(session, asked)
            if by == "brand" and scope.brand is None:  # competitors too
                scope = replace(scope, everybody=True)
            notes = noted(session, scope.span.since, scope.span.until, scope.filter.brand)
            went = course(session, scope)
            points: dict[str, tuple[Counts, ...]] = {}
            groups: tuple[Group, ...] = ()
            if by != "none":
                points = series(session, scope.span, scope.filter, by)
                groups = _groups(session, scope, by, points)
        return Data(scope, choices, None if by == "none" else by, went, points, groups, notes)

    def charts(self, asked: Mapping[str, str]) -> dict[str, Chart]:
        return self.report(asked).charts


def _groups(session: Session, scope: TrendScope, by: str, points: Mapping[str, Sequence[Counts]]) -> tuple[Group, ...]:
    every = {name: together(counts) for name, counts in points.items()}
    compared: Mapping[str, Counts] = every
    if scope.compared is None:
        compared = {}
    elif scope.compared.until != scope.span.until:
        compared = totals(session, scope.compared, scope.filter, by)
    then = totals(session, scope.before, scope.filter, by) if scope.before else {}
    return tuple(
        Group(name, every.get(name, NOTHING), compared.get(name, NOTHING), then.get(name, NOTHING))
        for name in [*every, *(gone for gone in then if gone not in every)]
    )


def _apart(
    scope: TrendScope,
    by: str,
    figure: str,
    points: Mapping[str, Sequence[Counts]],
    groups: Sequence[Group],
    marks: Sequence[Mark],
) -> list[Chart]:
    of = FIGURES[figure]
    shown = most(scope, by, points, (lambda each: of.value(each) or 0) if of.kind == "count" else None)
    charts = [_ranking(scope, by, figure, groups)]
    if shown.points:
        charts.insert(0, _series(scope, by, figure, shown, groups, marks))
    if of.kind == "count" and len(shown.points) > 1 and by != "brand":
        charts.append(_parts(scope, by, figure, shown, groups, marks))
    return charts


def _series(
    scope: TrendScope,
    by: str,
    figure: str,
    shown: Shown,
    groups: Sequence[Group],
    marks: Sequence[Mark],
) -> Chart:
    of = FIGURES[figure]
    values = {name: [drawn(figure, each) for each in counts] for name, counts in shown.points.items()}
    rows = [
        (start, *(of.value(counts[n]) for counts in shown.points.values())) for n, start in enumerate(scope.axis.starts)
    ]
    return Chart(
        name="series",
        title=_most_moved(scope, by, figure, groups),
        measure=f"{measure(figure)} by {by}, {per(scope.grain)}",
        scope=scope.words,
        spec=lines(scope.axis, values, (), marks, shown.behind, FORMS[of.kind], domain(figure)),
        table=Table((when(scope), *(Column(name, of.kind) for name in shown.points)), tuple(rows), links(scope)),
        note=_about_before(scope) + partial(scope),
    )


def _about_before(scope: TrendScope) -> str:
    """Where the period before is to be found: a second line for each of seven could not be read."""
    if not scope.before:
        return "There is no whole period before to compare with."
    return f"What each was in {scope.than}: the short lines of the next chart."


def _ranking(scope: TrendScope, by: str, figure: str, groups: Sequence[Group]) -> Chart:
    of = FIGURES[figure]
    ordered = sorted(groups, key=lambda group: -(of.value(group.all) or 0))
    bars = [
        Bar(
            said(by, group.name),
            drawn(figure, group.all) or 0,
            drawn(figure, group.then) if scope.before else None,
            f"/trends?{scope.address(**{by: group.name, 'by': 'none', 'figure': figure})}",
        )
        for group in ordered
        if of.value(group.all) is not None or of.value(group.then) is not None
    ]
    first = max(groups, key=lambda group: of.value(group.all) or 0)
    value = of.value(first.all)
    if value is None or (of.kind == "count" and not value):
        title = f"No {of.title.lower()} {scope.first} to {scope.last}"
    else:
        most = "Most" if of.kind == "count" else "Highest"
        title = f"{most} {of.title.lower()}: {written(figure, value)} {about(by, first.name)}"
    return Chart(
        name="ranking",
        title=title,
        measure=f"{measure(figure)} by {by}" + (f"; short lines: {scope.than}" if scope.before else ""),
        scope=scope.words,
        spec=ranked(bars[:RANKED], FORMS[of.kind]),
        table=Table(
            (
                Column(by.capitalize(), "text"),
                Column(of.title, of.kind),
                Column("Period before", of.kind),
                Column("Surprise, in standard deviations", "number"),
                Column("Mentions"),
            ),
            tuple(
                (
                    said(by, group.name),
                    of.value(group.all),
                    of.value(group.then) if scope.before else None,
                    round(of.surprise(group.compared, group.then), 2) if scope.before else None,
                    group.all.mentions,
                )
                for group in ordered
            ),
            tuple(f"/trends?{scope.address(**{by: group.name, 'by': 'none', 'figure': figure})}" for group in ordered),
        ),
    )


def _parts(
    scope: TrendScope,
    by: str,
    figure: str,
    shown: Shown,
    groups: Sequence[Group],
    marks: Sequence[Mark],
) -> Chart:
    of = FIGURES[figure]
    first = max(groups, key=lambda group: of.value(group.all) or 0)
    now, then = (
        (of.value(getattr(first, n)) or 0, sum(of.value(getattr(each, n)) or 0 for each in groups))
        for n in ("all", "then")
    )
    title = f"No {of.title.lower()}, hence no shares"
    if now[1]:
        title = f"{100 * now[0] / now[1]:.0f} % of {of.title.lower()} are {about(by, first.name)}"
        title += f", after {100 * then[0] / then[1]:.0f} % in {scope.than}" if then[1] else ""
    whole = f"{of.title} by {by}, as shares of all, {per(scope.grain)}"
    return shares("shares", title, whole, scope, shown, lambda each: of.value(each) or 0, marks)


def _most_moved(scope: TrendScope, by: str, figure: str, groups: Sequence[Group]) -> str:
    of = FIGURES[figure]
    if scope.before is None:
        return f"{of.title} by {by}; {UNKNOWN}"
    surprises = [(abs(of.surprise(group.compared, group.then)), group) for group in groups]
    unusual, first = max(surprises, key=lambda each: each[0])
    if unusual < CHANCE_AMONG_MANY:
        return f"By {by}, {of.title.lower()} moved within chance on {scope.than}"
    more = sum(surprise >= CHANCE_AMONG_MANY for surprise, _ in surprises) - 1
    also = f", and {more} other{'s' if more > 1 else ''} moved too" if more else ""
    return figure_moved(figure, first.compared, first.then, scope.than, f" {about(by, first.name)}") + also
