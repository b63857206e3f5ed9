"""Figures side by side, each with what it may be by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.charts.chart import Spec

_ROW = 34
_SHAPES = {"positive": "circle", "neutral": "diamond", "negative": "square"}


@dataclass(frozen=True, slots=True)
class Range:
    """`style` is a mood of monitor/charts/theme.py, or `plain`; `before` is drawn as a short line."""

    name: str
    value: float
    low: float
    high: float
    style: str = "plain"
    before: float | None = None
    link: str | None = None


def intervals(ranges: Sequence[Range], form: str, before: str = "Period before") -> Spec:
    """A point and its interval for each, in the order given, about a line at zero."""
    rows = []
    for each in ranges:
        row = {"name": each.name, "value": each.value, "low": each.low, "high": each.high, "style": each.style}
        row |= {} if each.before is None else {"before": each.before}
        rows.append(row | ({} if each.link is None else {"link": each.link}))
    y: Spec = {"field": "name", "type": "nominal", "sort": [each.name for each in ranges], "title": None}
    y["axis"] = {"labelLimit": 150, "domain": False, "ticks": False}
    x: Spec = {"type": "quantitative", "title": None, "axis": {"format": form, "tickCount": 5, "grid": True}}
    tips = [
        {"field": "name", "title": "Of", "type": "nominal"},
        *({"field": name, "title": title, "type": "quantitative", "format": form} for name, title in (
            ("value", "Figure"), ("low", "At least"), ("high", "At most"),
            *([("before", before)] if any(each.before is not None for each in ranges) else []),
        )),
    ]  # fmt: skip
    href: Spec = {"href": {"field": "link"}} if any(each.link is not None for each in ranges) else {}
    layers: list[Spec] = [{"mark": {"type": "rule", "style": "zero"}, "encoding": {"x": {"datum": 0}}}]
    for style in dict.fromkeys(each.style for each in ranges):
        only = [{"filter": f"datum.style == '{style}'"}]
        span = {"y": y, "x": x | {"field": "low"}, "x2": {"field": "high"}}
        layers.append({"transform": only, "mark": {"type": "rule", "style": style, "strokeWidth": 3}, "encoding": span})
        point = {"type": "point", "style": style, "filled": True, "size": 110, "opacity": 1}
        point["shape"] = _SHAPES.get(style, "circle")
        shown = {"y": y, "x": x | {"field": "value"}, "tooltip": tips, **href}
        layers.append({"transform": only, "mark": point, "encoding": shown})
    layers.append(
        {
            "transform": [{"filter": "isValid(datum.before)"}],
            "mark": {"type": "tick", "style": "before-tick", "thickness": 2, "height": {"band": 0.6}},
            "encoding": {"y": y, "x": x | {"field": "before"}},
        }
    )
    return {"height": max(1, len(ranges)) * _ROW, "data": {"values": rows}, "layer": layers}
