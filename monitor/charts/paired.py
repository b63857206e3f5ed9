"""Two figures of each of several things, one above the other: such as of each hour of the day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.charts.chart import Spec

_PANEL, _GAP = 110, 44  # pixels; the gap holds what the lower one is called


@dataclass(frozen=True, slots=True)
class Panel:
    """One figure of each. `form` is d3's; `most` is the end of its axis, at which more is drawn; `levels` are lines to
    be compared with."""

    title: str
    values: Sequence[float | None]
    form: str
    most: float
    levels: tuple[float, ...] = ()


def paired(names: Sequence[str], upper: Panel, lower: Panel, links: Sequence[str] = ()) -> Spec:
    """Bars of `upper` above those of `lower`, over one axis of `names`."""
    rows = [
        {"name": name, "upper": a, "lower": b} | ({"link": links[n]} if links else {})
        for n, (name, a, b) in enumerate(zip(names, upper.values, lower.values, strict=True))
    ]
    axis = {"title": None, "labelAngle": 0, "labelOverlap": "parity", "ticks": False}
    x: Spec = {"field": "name", "type": "ordinal", "sort": list(names), "axis": axis}
    tips = [{"field": "name", "title": "Of", "type": "nominal"}]
    tips += [
        {"field": field, "title": panel.title, "type": "quantitative", "format": panel.form}
        for field, panel in (("upper", upper), ("lower", lower))
    ]
    href: Spec = {"href": {"field": "link"}} if links else {}
    layers = [
        layer
        for field, panel, top in (("upper", upper, 0), ("lower", lower, _PANEL + _GAP))
        for layer in _drawn(field, panel, top, {"x": x, "tooltip": tips, **href})
    ]
    return {
        "height": 2 * _PANEL + _GAP,
        "data": {"values": rows},
        "layer": layers,
        "resolve": {"scale": {"y": "independent"}},
    }


def _drawn(field: str, panel: Panel, top: int, encoding: Spec) -> list[Spec]:
    """The bars of one panel, whose axis begins `top` pixels below the edge, its levels and its title."""
    scale = {"domain": [0, panel.most], "range": [top + _PANEL, top], "clamp": True, "nice": False}
    axis = {"format": panel.form, "tickCount": 4, "orient": "left", "offset": 0, "labelOverlap": "greedy"}
    axis |= {"values": [0, *panel.levels, panel.most]} if panel.levels else {}
    y: Spec = {"field": field, "type": "quantitative", "title": None, "scale": scale, "axis": axis}
    bars: Spec = {
        "mark": {"type": "bar", "style": "plain", "width": {"band": 0.72}},
        "encoding": encoding | {"y": y},
    }
    levels: Spec = {
        "data": {"values": [{"level": level} for level in panel.levels]},
        "mark": {"type": "rule", "style": "level"},
        "encoding": {"y": {"field": "level", "type": "quantitative"}},
    }
    title: Spec = {
        "data": {"values": [{"title": panel.title}]},
        "mark": {"type": "text", "style": "said", "align": "left", "baseline": "bottom", "dy": -6},
        "encoding": {"x": {"value": 0}, "y": {"value": top}, "text": {"field": "title"}},
    }
    return [{"layer": [bars, levels]} if panel.levels else bars, title]
