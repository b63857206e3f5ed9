"""The charts of the response."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import median
from urllib.parse import urlencode

from monitor.charts import Chart, Column, Table
from monitor.charts.at_once import Bar, ranked
from monitor.charts.over_time import lines, parts
from monitor.charts.paired import Panel, paired
from monitor.charts.time_axis import STAMP
from monitor.response import CLOSED, LIMITS, UNKNOWN, WAITING, Figures
from monitor.response import Bar as Counted
from monitor.waits import HOUR, MINUTE, Point
from monitor.web import response_findings as found
from monitor.web.response_course import Course
from monitor.web.scope import Scope
from monitor.web.trend_charts import per
from monitor.web.words import language, shortened

BEHIND = "/response/cases"
LEVELS = {"20 min": 20.0, "one hour": 60.0}
PARTS = {
    "within_20": "within 20 min",
    "within_60": "20 to 60 min",
    "later": "later",
    "unanswered": "not answered",
}
_CEILING = 240  # minutes; what is far beyond is drawn at the edge, so that the rest can be told apart
_LATE = {label for label, limit in LIMITS if limit > HOUR}
_STYLES = {WAITING: "negative", CLOSED: "neutral", UNKNOWN: "neutral"}


def first_response(scope: Scope, of: Course) -> Chart:
    """How long customers waited, over time."""
    half, most = ([_minutes(getattr(each, name)) for each in of.points] for name in ("median", "p90"))
    before = [_minutes(each.median) for each in of.before]
    drawn = [each for each in (*half, *most, *before) if each is not None]
    ceiling = max(_CEILING, 2 * median(drawn)) if drawn else _CEILING
    over = max(drawn, default=0) > ceiling
    known = any(each is not None for each in before)
    note = f"Dashed: the median of {of.than}." if known else "Nothing is known of the period before."
    note += f" Above {ceiling:,.0f} minutes points are drawn at the edge; the table has their figures." if over else ""
    rows = [
        (start, a, b, then, each.cases, each.unanswered)
        for start, a, b, then, each in zip(of.axis.starts, half, most, before, of.points, strict=True)
    ]
    columns = [Column("Waited, median, minutes", "number"), Column("Waited, p90, minutes", "number")]
    columns += [Column("Median of the period before, minutes", "number"), Column("Cases"), Column("Not answered")]
    return Chart(
        name="first_response",
        title=found.waited(of, scope.measure),
        measure=f"{_unit(scope)} waited for the first response, {per(of.axis.grain)}; who still waits counts as of now",
        scope=words(scope),
        spec=lines(
            of.axis,
            {"median": half, "p90": most},
            before if known else (),
            of.marks,
            [behind(scope)] * 2,
            ",.1~f",
            levels=LEVELS,
            ceiling=ceiling if over else max([80, *drawn]),
        ),
        table=Table((_when(of), *columns), tuple(rows), _links(scope, of)),
        note=note + _partial(of),
    )


def met(scope: Scope, of: Course) -> Chart:
    """What share was answered how soon, over time: all cases."""
    counts = {name: [getattr(each, name) for each in of.points] for name in PARTS}
    shares = [tuple(_share(getattr(each, name), each) for name in PARTS) for each in of.points]
    rows = [
        (start, *part, *(getattr(each, name) for name in PARTS), each.cases)
        for start, part, each in zip(of.axis.starts, shares, of.points, strict=True)
    ]
    heads = [name[0].upper() + name[1:] for name in PARTS.values()]
    columns = [*(Column(name, "share") for name in heads), *(Column(f"{name}, cases") for name in heads)]
    return Chart(
        name="met",
        title=found.met(of, scope.measure),
        measure=f"Cases by {scope.measure} time to the first response, {per(of.axis.grain)}, share of all",
        scope=words(scope),
        spec=parts(
            of.axis,
            {said: counts[name] for name, said in PARTS.items()},
            of.marks,
            [behind(scope, answer=name) for name in PARTS],
            "soon",
        ),
        table=Table((_when(of), *columns, Column("Cases")), tuple(rows), _links(scope, of)),
        note=_partial(of).strip() or None,
    )


def distribution(scope: Scope, bars: Sequence[Counted], title: str) -> Chart:
    """All cases by the time to the first response."""
    addresses = [all_behind(scope, bar=bar.label) for bar in bars]
    styled = [_STYLES.get(bar.label, "negative" if bar.label in _LATE else "plain") for bar in bars]
    return Chart(
        name="distribution",
        title=title,
        measure=f"Cases by {scope.measure} time to the first response",
        scope=words(scope),
        spec=ranked(
            [Bar(b.label, b.cases, None, link, style) for b, link, style in zip(bars, addresses, styled, strict=True)]
        ),
        table=Table(
            (Column("Answered after", "text"), Column("Cases"), Column("Share", "share"), Column("So far", "share")),
            tuple((bar.label, bar.cases, bar.share, bar.so_far) for bar in bars),
            tuple(addresses),
        ),
    )


def hours(scope: Scope, groups: Sequence[tuple[str, Figures]], of: Figures) -> Chart:
    """By the hour of the post."""
    by = dict(groups)
    clock = [f"{hour:02}" for hour in range(24)]
    half = [_minutes(by[name].median_seconds) if name in by else None for name in clock]
    addresses = [all_behind(scope, hour=name) for name in clock]
    tallest = max((each for each in half if each is not None), default=0)
    most = _CEILING if tallest > _CEILING else max(80, 20 * math.ceil(tallest / 20))
    fast = [by[name].within_60 if name in by else None for name in clock]
    return Chart(
        name="hours",
        title=found.hours(groups, of, scope.measure),
        measure=f"By the hour of the post: first response in {scope.measure} minutes, median; share answered within 60",
        scope=words(scope),
        spec=paired(
            clock,
            Panel("First response, median, minutes", half, ",.1~f", most, (20, 60)),
            Panel("Answered within 60 minutes", fast, ".0%", 1),
            addresses,
        ),
        table=Table(
            (Column("Hour", "text"), *_FIGURES),
            tuple((f"{name}:00", *_row(by[name])) for name in clock if name in by),
            tuple(link for name, link in zip(clock, addresses, strict=True) if name in by),
        ),
        note="In autumn the hour that comes twice holds both.",
    )


_FIGURES = (
    Column("Cases"),
    Column("Median, minutes", "number"),
    Column("p90, minutes", "number"),
    Column("Within 20 min", "share"),
    Column("Within 60 min", "share"),
    Column("Within target", "share"),
    Column("Breaches"),
    Column("To take, minutes", "number"),
    Column("Satisfaction", "number"),
)


def _row(of: Figures) -> tuple[float | None, ...]:
    times = (_minutes(of.median_seconds), _minutes(of.p90_seconds))
    shares = (of.within_20, of.within_60, of.within_target)
    return (of.cases, *times, *shares, of.breached, _minutes(of.median_to_take), of.satisfaction)


def behind(scope: Scope, **more: str) -> str:
    """The page of the cases, to be completed with `since` and `until`."""
    chosen = scope.narrow | more
    return f"{BEHIND}?{urlencode(chosen)}{'&' if chosen else ''}"


def all_behind(scope: Scope, **more: str) -> str:
    """The page of the cases of the whole period."""
    return f"{behind(scope, **more)}since={stamp(scope.since)}&until={stamp(scope.until)}"


def stamp(moment: datetime) -> str:
    """As addresses have it."""
    return f"{moment.astimezone(UTC):{STAMP}}"


def words(scope: Scope) -> str:
    """Of whom, when, and on which clock."""
    told = [scope.brand or "all brands", *([f"on {scope.source}"] if scope.source else [])]
    told += [f"in {language(scope.language)}"] if scope.language else []
    when = f"{scope.first} to {scope.last}" if scope.first != scope.last else f"{scope.first}"
    return f"{shortened(' '.join(told), 120)}, {when}, {scope.zone.key}"


def _links(scope: Scope, of: Course) -> tuple[str, ...]:
    address = behind(scope)
    return tuple(f"{address}since={start}&until={end}" for start, end in of.axis.stamps)


def _when(of: Course) -> Column:
    return Column(f"{of.axis.grain.value.capitalize()} from", "moment")


def _partial(of: Course) -> str:
    return f" The last {of.axis.grain.value} is not over: pale." if of.axis.partial else ""


def _unit(scope: Scope) -> str:
    return "Minutes" if scope.measure == "calendar" else "Business minutes"


def _minutes(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / MINUTE, 1)


def _share(part: int, of: Point) -> float | None:
    return part / of.cases if of.cases else None
