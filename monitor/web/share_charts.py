"""What the parts of a whole are, over time: as charts of several pages draw it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from monitor.charts import Chart, Column, Table
from monitor.charts.over_time import MOST_SERIES, parts
from monitor.charts.time_axis import Mark
from monitor.trend_counts import NOTHING, Counts
from monitor.web.trend_charts import links, partial, said, when
from monitor.web.trend_scope import TrendScope

OTHERS = "all others"


@dataclass(frozen=True, slots=True)
class Shown:
    """The series that are drawn, by how their names are said, and the page of the mentions behind each."""

    points: dict[str, list[Counts]]
    behind: list[str]


def most(
    scope: TrendScope, by: str, points: Mapping[str, Sequence[Counts]], value: Callable[[Counts], float] | None = None
) -> Shown:
    """The first of `points` (by `value`: those that have most of it), and what is left over together."""
    if value is not None:
        points = dict(sorted(points.items(), key=lambda each: -sum(map(value, each[1]))))
    kept = dict(list(points.items())[: MOST_SERIES if len(points) > MOST_SERIES + 1 else None])
    rest = [counts for name, counts in points.items() if name not in kept]
    shown = {said(by, name): list(counts) for name, counts in kept.items()}
    behind = [scope.behind(**{by: name}) for name in kept]
    if rest:
        shown[OTHERS] = [sum(each, NOTHING) for each in zip(*rest, strict=True)]
        behind.append(scope.behind())
    return Shown(shown, behind)


def shares(
    name: str,
    title: str,
    measure: str,
    scope: TrendScope,
    of: Shown,
    value: Callable[[Counts], float],
    marks: Sequence[Mark] = (),
    note: str = "",
) -> Chart:
    """`value` of each series as a share of all at each point; the table has the counts too."""
    values = {each: [int(value(point)) for point in points] for each, points in of.points.items()}
    whole = [sum(each) for each in zip(*values.values(), strict=True)]
    rows = [
        (
            start,
            *(each[n] / whole[n] if whole[n] else None for each in values.values()),
            *(each[n] for each in values.values()),
            whole[n],
        )
        for n, start in enumerate(scope.axis.starts)
    ]
    columns = [
        when(scope),
        *(Column(each, "share") for each in values),
        *(Column(f"{each}, count") for each in values),
        Column("All"),
    ]
    return Chart(
        name=name,
        title=title,
        measure=measure,
        scope=scope.words,
        spec=parts(scope.axis, values, marks, of.behind),
        table=Table(tuple(columns), tuple(rows), links(scope)),
        note=(note + partial(scope)).strip() or None,
    )
