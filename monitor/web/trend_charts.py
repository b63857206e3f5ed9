"""Charts that several pages of trends have, and what all of them need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from monitor.charts import Chart, Column, Table
from monitor.charts.over_time import lines, moods
from monitor.charts.time_axis import Mark
from monitor.trend_counts import NOTHING, Counts, together
from monitor.trend_figures import FIGURES
from monitor.trend_findings import figure_moved, moved, of_most
from monitor.trend_spans import Grain
from monitor.trends import changes, over_time, total
from monitor.web.trend_scope import TrendScope
from monitor.web.words import language, shortened, spoken

FORMS = {"count": ",d", "share": ".0%", "points": "+.0f", "number": ".1f"}  # of d3
_DOMAINS = {"points": (-20.0, 20.0), "number": (1.0, 5.0)}
_ABOUT = {"source": "on", "language": "in", "topic": "about", "brand": "of"}


@dataclass(frozen=True, slots=True)
class Course:
    """How it went: the counts of each point and of all, of the whole hours that are compared, and of the period
    before."""

    points: tuple[Counts, ...]
    before: tuple[Counts, ...]
    all: Counts
    compared: Counts
    then: Counts


def course(session: Session, scope: TrendScope) -> Course:
    points = over_time(session, scope.span, scope.filter)
    before = over_time(session, scope.before, scope.filter) if scope.before else ()
    every, compared = together(points), NOTHING
    if scope.compared is not None:
        whole = scope.compared.until == scope.span.until
        compared = every if whole else total(session, scope.compared, scope.filter)
    return Course(points, before, every, compared, together(before))


def volume(session: Session, scope: TrendScope, went: Course, marks: Sequence[Mark] = ()) -> Chart:
    """Mentions over time by sentiment; the title is about complaints."""
    mostly = ""
    if scope.compared and scope.before:
        only = replace(scope.filter, complaint=True)
        found = changes(session, scope.compared, only, ("topic", "source"), scope.before)
        said = {each.name: shortened(spoken(each.name), 40) for each in found}
        mostly = of_most(went.compared.complaints, went.then.complaints, found, said)
    columns = ("Mentions", "Complaints", "Negative", "Neutral", "Positive", "Mentions, period before")
    rows = [
        (start, p.mentions, p.complaints, p.negative, p.neutral, p.positive, then.mentions if then else None)
        for start, p, then in _beside(scope, went)
    ]
    return Chart(
        name="volume",
        title=_complaints(scope, went, mostly),
        measure=f"Mentions {per(scope.grain)} by sentiment, negative ones below the line",
        scope=scope.words,
        spec=moods(scope.axis, went.points, went.before, marks, scope.behind()),
        table=Table((when(scope), *map(Column, columns)), tuple(rows), links(scope)),
        note=about_before(scope, "short lines"),
    )


def figure_line(scope: TrendScope, figure: str, went: Course, marks: Sequence[Mark] = ()) -> Chart:
    """One of FIGURES over time, beside the period before."""
    of = FIGURES[figure]
    points, before = ([drawn(figure, each) for each in counts] for counts in (went.points, went.before))
    rows = [
        (start, of.value(p), of.value(then) if then else None, p.mentions) for start, p, then in _beside(scope, went)
    ]
    columns = (when(scope), Column(of.title, of.kind), Column("Period before", of.kind), Column("Mentions"))
    kind = of.kind
    return Chart(
        name=figure,
        title=figure_moved(figure, *compared(scope, went), scope.than),
        measure=f"{measure(figure)}, {per(scope.grain)}",
        scope=scope.words,
        spec=lines(scope.axis, {of.title: points}, before, marks, [scope.behind()], FORMS[kind], _DOMAINS.get(kind)),
        table=Table(columns, tuple(rows), links(scope)),
        note=about_before(scope, "dashed line"),
    )


def compared(scope: TrendScope, went: Course) -> tuple[Counts, Counts | None]:
    """What titles compare; all there is where there is nothing to compare it with."""
    return (went.compared, went.then) if scope.before else (went.all, None)


def drawn(figure: str, of: Counts) -> float | None:
    """A figure as charts draw it: points as -100 to 100."""
    value = FIGURES[figure].value(of)
    return 100 * value if value is not None and FIGURES[figure].kind == "points" else value


def domain(figure: str) -> tuple[float, float] | None:
    return _DOMAINS.get(FIGURES[figure].kind)


def measure(figure: str) -> str:
    """What is counted, and in which unit."""
    of = FIGURES[figure]
    units = {"share": "share of mentions", "points": "of -100 to 100", "number": "mean of 1 to 5"}
    return f"{of.title} ({units[of.kind]})" if of.kind in units else of.title


def said(by: str, name: str) -> str:
    """The name of a topic, source ... as a person reads it."""
    return shortened(language(name) if by == "language" else spoken(name), 40)


def about(by: str, name: str) -> str:
    """The same after "mentions": `about delivery`, `on x`, `in German`."""
    return f"{_ABOUT[by]} {said(by, name)}" if by in _ABOUT else said(by, name)


def when(scope: TrendScope) -> Column:
    return Column(f"{scope.grain.value.capitalize()} from", "moment")


def links(scope: TrendScope) -> tuple[str, ...]:
    """The page of the mentions behind each point."""
    address = scope.behind()
    return tuple(f"{address}since={start}&until={end}" for start, end in scope.axis.stamps)


def about_before(scope: TrendScope, how: str) -> str:
    """What the reader has to know of the drawing."""
    before = f"The {how}: {scope.than}." if scope.before else "There is no whole period before to compare with."
    return before + partial(scope)


def partial(scope: TrendScope) -> str:
    return f" The last {scope.grain.value} is not over: pale." if scope.axis.partial else ""


def per(grain: Grain) -> str:
    return f"{'an' if grain is Grain.HOUR else 'a'} {grain.value}"


def _complaints(scope: TrendScope, went: Course, mostly: str) -> str:
    now, then = compared(scope, went)
    return moved("Complaints", now.complaints, then.complaints if then else None, scope.than, mostly)


def _beside(scope: TrendScope, went: Course) -> list[tuple[datetime, Counts, Counts | None]]:
    """Each point beside that of the period before, where it has one."""
    before: list[Counts | None] = [*went.before[: len(went.points)]]
    before += [None] * (len(went.points) - len(before))
    return list(zip(scope.axis.starts, went.points, before, strict=True))
