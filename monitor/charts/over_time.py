"""Drawings over time: moods above and below a line, one or several lines, and the parts of a whole."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from monitor.charts.chart import Spec
from monitor.charts.time_axis import Mark, TimeAxis
from monitor.trends import Counts

HEIGHT = 260
MOST_SERIES = 6  # and what is left over, as a seventh
_POINT = "'since=' + datum.since + '&until=' + datum.until"
_GREY = {"condition": {"test": "datum.partial", "value": 0.5}, "value": 1}


def moods(
    axis: TimeAxis,
    points: Sequence[Counts],
    before: Sequence[Counts] = (),
    marks: Sequence[Mark] = (),
    behind: str | None = None,
) -> Spec:
    """Mentions: negative ones below the line, positive and neutral ones above it; `before` as short lines. `behind` is
    the page of the mentions, as an address that ends with `?` or `&`: a click leads to those of one point."""
    rows = _rows(axis, behind is not None)
    for n, (row, point) in enumerate(zip(rows, points, strict=True)):
        row |= {"negative": point.negative, "neutral": point.neutral, "positive": point.positive}
        if n < len(before):
            then = before[n]
            row |= {"above": then.positive + then.neutral, "below": -then.negative, "before": then.mentions}
    shape = {
        "top": "datum.mood == 'negative' ? 0 : datum.positive + (datum.mood == 'neutral' ? datum.neutral : 0)",
        "foot": "datum.mood == 'neutral' ? datum.positive : datum.mood == 'negative' ? -datum.negative : 0",
    }
    tips = [
        _tip("when", "When"),
        _tip("positive", "Positive"),
        _tip("neutral", "Neutral"),
        _tip("negative", "Negative"),
    ]
    tips += [_tip("before", "Period before")] if before else []
    bars: Spec = {
        "transform": [
            {"fold": ["negative", "neutral", "positive"], "as": ["mood", "count"]},
            *({"calculate": test, "as": name} for name, test in shape.items()),
            *([] if behind is None else [{"calculate": f"{json.dumps(behind)} + {_POINT}", "as": "behind"}]),
        ],
        "mark": {"type": "bar", "xOffset": 0.5, "x2Offset": -0.5},
        "encoding": {
            "x": axis.x(),
            "x2": {"field": "end"},
            "y": {"field": "top", "type": "quantitative", "axis": _count_axis(), "title": None},
            "y2": {"field": "foot"},
            "color": {
                "field": "mood",
                "type": "nominal",
                "scale": {"domain": ["negative", "neutral", "positive"], "range": "moods"},
                "legend": {"symbolType": "square"},
            },
            "opacity": _GREY,
            "tooltip": tips,
            **_href(behind is not None),
        },
    }
    zero: Spec = {"mark": {"type": "rule", "style": "zero"}, "encoding": {"y": {"datum": 0}}}
    layers = [bars, *_ticks(axis, ("above", "below") if before else ()), zero]
    return _layered(rows, axis.with_marks(layers, marks))


def lines(
    axis: TimeAxis,
    series: Mapping[str, Sequence[float | None]],
    before: Sequence[float | None] = (),
    marks: Sequence[Mark] = (),
    behind: Sequence[str] = (),
    form: str = ",d",
    domain: tuple[float, float] | None = None,
    steps: bool = False,
    levels: Mapping[str, float] | None = None,
    ceiling: float | None = None,
) -> Spec:
    """A line for each of at most MOST_SERIES + 1 series; `before` is that of the first. `form` is d3's format of the
    figure, `domain` the least extent of its axis. `behind` has an address for each series. `steps`: it stays until the
    next point, and changes then. `levels` are lines to be compared with, by what they are called; what is above
    `ceiling` is drawn there."""
    rows = _rows(axis, bool(behind))
    names = list(series)
    for n, row in enumerate(rows):
        row |= {f"s{k}": values[n] for k, values in enumerate(series.values())}
        row["tail"] = axis.partial and n >= len(rows) - 2
        if n < len(before):
            row["before"] = before[n]
    keys = [f"s{k}" for k in range(len(names))]
    scale: Spec = {"zero": True}
    if ceiling is not None:
        scale = {"domain": [0, ceiling], "clamp": True, "nice": False}
    elif domain:
        drawn = [*domain, *(each for values in (*series.values(), before) for each in values if each is not None)]
        scale = {"domain": [min(drawn), max(drawn)], "nice": True}
    y: Spec = {"field": "figure", "type": "quantitative", "title": None, "scale": scale, "axis": {"format": form}}
    y["axis"] |= {"tickCount": 5} | ({"tickMinStep": 1} if form == ",d" else {})
    encoding: Spec = {"x": axis.x(), "y": y}
    several = len(names) > 1
    if several:
        coloured = {"field": "key", "type": "nominal", "scale": {"domain": keys, "range": "series"}}
        coloured["legend"] = {"labelExpr": _spoken(names, "value")}
        encoding["color"] = coloured
    tips = [_tip("when", "When"), *([_tip("name", "Of")] if several else []), _tip("figure", "Figure", form)]
    tips += [_tip("before", "Period before", form)] if before else []
    folded: list[Spec] = [
        {"fold": keys, "as": ["key", "figure"]},
        {"calculate": _spoken(names, "key"), "as": "name"},
        *_leads(behind),
    ]
    style = {} if several else {"style": "plain"}
    line = {"type": "line", "strokeWidth": 2.2} | style | ({"interpolate": "step-after"} if steps else {})
    point = {"type": "point", "filled": True, "size": 45 if len(rows) <= 62 else 14} | style
    layers: list[Spec] = [
        {"transform": [*folded, {"filter": "!datum.partial"}], "mark": line, "encoding": encoding},
        {
            "transform": [*folded, {"filter": "datum.tail"}],
            "mark": line | {"strokeDash": [3, 3], "strokeWidth": 1.6},
            "encoding": encoding,
        },
        {
            "transform": [*folded, {"filter": "isValid(datum.figure)"}],
            "mark": point,
            "encoding": {**encoding, "opacity": _GREY, "tooltip": tips, **_href(bool(behind))},
        },
    ]
    if several:
        layers[2]["encoding"]["shape"] = coloured | {"scale": {"domain": keys, "range": "shapes"}}
    if before:
        then = {"x": axis.x(), "y": y | {"field": "before"}}
        layers.insert(0, {"mark": {"type": "line", "style": "before"}, "encoding": then})
    if domain and domain[0] < 0:
        layers.insert(0, {"mark": {"type": "rule", "style": "zero"}, "encoding": {"y": {"datum": 0}}})
    if levels:
        layers += _levels(levels)
    return _layered(rows, axis.with_marks(layers, marks))


def band(axis: TimeAxis, middle: Sequence[float], low: Sequence[float], high: Sequence[float], form: str) -> Spec:
    """What is expected, as a line, within the band in which it is likely to lie."""
    rows = [
        row | {"middle": round(m, 2), "low": a, "high": b}
        for row, m, a, b in zip(axis.columns(), middle, low, high, strict=True)
    ]
    y: Spec = {"type": "quantitative", "title": None, "axis": {"format": ",.3~f", "tickCount": 5}}
    tips = [_tip("when", "When"), _tip("middle", "Expected", form), _tip("low", "From"), _tip("high", "To")]
    stepped = {"interpolate": "step-after"}
    layers: list[Spec] = [
        {
            "mark": {"type": "area", "style": "band", **stepped},
            "encoding": {"x": axis.x(), "y": y | {"field": "low"}, "y2": {"field": "high"}},
        },
        {
            "mark": {"type": "line", "style": "plain", "strokeWidth": 2.2, **stepped},
            "encoding": {"x": axis.x(), "y": y | {"field": "middle"}},
        },
        {
            "mark": {"type": "point", "style": "plain", "filled": True, "size": 14},
            "encoding": {"x": axis.x(), "y": y | {"field": "middle"}, "tooltip": tips},
        },
    ]
    return _layered(rows, layers)


def parts(
    axis: TimeAxis,
    series: Mapping[str, Sequence[int]],
    marks: Sequence[Mark] = (),
    behind: Sequence[str] = (),
    colours: str = "series",
) -> Spec:
    """What share each of at most MOST_SERIES + 1 series has of all, over time; nothing where there is nothing.
    `colours` is a range of monitor/charts/theme.py."""
    names, rows = list(series), _rows(axis, bool(behind))
    for n, row in enumerate(rows):
        row |= {f"s{k}": values[n] for k, values in enumerate(series.values())}
    keys = [f"s{k}" for k in range(len(names))]
    stacked: list[Spec] = [
        {"fold": keys, "as": ["key", "count"]},
        {
            "stack": "count",
            "groupby": ["since" if behind else "start"],
            "offset": "normalize",
            "sort": [{"field": "key", "order": "ascending"}],
            "as": ["under", "over"],
        },
        # where there is nothing, its share is none
        {"calculate": "isFinite(datum.under) ? datum.under : 0", "as": "foot"},
        {"calculate": "isFinite(datum.over) ? datum.over : 0", "as": "top"},
        {"calculate": "datum.top - datum.foot", "as": "share"},
        {"calculate": _spoken(names, "key"), "as": "name"},
        *_leads(behind),
    ]
    legend = {
        "labelExpr": _spoken(names, "value"),
        "symbolType": "square",
    }
    bars: Spec = {
        "transform": stacked,
        "mark": {"type": "bar", "xOffset": 0.5, "x2Offset": -0.5},
        "encoding": {
            "x": axis.x(),
            "x2": {"field": "end"},
            "y": {"field": "top", "type": "quantitative", "title": None, "axis": {"format": ".0%", "tickCount": 5}},
            "y2": {"field": "foot"},
            "color": {
                "field": "key",
                "type": "nominal",
                "scale": {"domain": keys, "range": colours},
                "legend": legend,
            },
            "opacity": _GREY,
            "tooltip": [
                _tip("when", "When"),
                _tip("name", "Of"),
                _tip("share", "Share", ".0%"),
                _tip("count", "Count"),
            ],
            **_href(bool(behind)),
        },
    }
    return _layered(rows, axis.with_marks([bars], marks))


def _rows(axis: TimeAxis, behind: bool) -> list[dict[str, Any]]:
    rows = axis.columns()
    if behind:
        for row, (start, end) in zip(rows, axis.stamps, strict=True):
            row |= {"since": start, "until": end}
    return rows


def _ticks(axis: TimeAxis, fields: Sequence[str]) -> list[Spec]:
    mark = {"type": "rule", "style": "before-tick", "strokeWidth": 1.6}
    return [
        {
            "transform": [{"filter": f"isValid(datum.{name})"}],
            "mark": mark,
            "encoding": {"x": axis.x(), "x2": {"field": "end"}, "y": {"field": name, "type": "quantitative"}},
        }
        for name in fields
    ]


def _levels(levels: Mapping[str, float]) -> list[Spec]:
    data = {"values": [{"level": level, "name": name} for name, level in levels.items()]}
    y: Spec = {"field": "level", "type": "quantitative"}
    said = {"type": "text", "style": "level-said", "align": "left", "baseline": "bottom", "dx": 4, "dy": -2}
    return [
        {"data": data, "mark": {"type": "rule", "style": "level"}, "encoding": {"y": y}},
        {"data": data, "mark": said, "encoding": {"y": y, "x": {"value": 0}, "text": {"field": "name"}}},
    ]


def _layered(rows: list[dict[str, Any]], layers: list[Spec]) -> Spec:
    return {"height": HEIGHT, "data": {"values": rows}, "layer": layers}


def _spoken(texts: Sequence[str], of: str) -> str:
    """The expression that says the text of series `s0`, `s1` ...: the key itself is what datum has as `of`."""
    return f"{json.dumps(list(texts))}[toNumber(slice(datum.{of}, 1))]"


def _leads(behind: Sequence[str]) -> list[Spec]:
    """The address behind a point of one of several series. Addresses are quoted for URLs and for JSON, so that nothing
    in them ends the text."""
    if not behind:
        return []
    return [{"calculate": f"{_spoken(behind, 'key')} + {_POINT}", "as": "behind"}]


def _href(behind: bool) -> Spec:
    return {"href": {"field": "behind"}} if behind else {}


def _count_axis() -> Spec:
    return {"format": ",d", "tickMinStep": 1, "tickCount": 5, "labelExpr": "format(abs(datum.value), ',d')"}


def _tip(field: str, title: str, form: str | None = None) -> Spec:
    text = field in ("when", "name")
    more = {"format": form} if form else {} if text else {"format": ",d"}
    return {"field": field, "title": title, "type": "nominal" if text else "quantitative", **more}
