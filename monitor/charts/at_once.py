"""Drawings of one moment: what there is most of, and a grid of rows and columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.charts.chart import Spec

_ROW = 30


@dataclass(frozen=True, slots=True)
class Bar:
    """`style` is one of monitor/charts/theme.py; `before` is drawn as a short line. `said` stands beside the bar in
    place of its figures, where these have no unit that suits all bars."""

    name: str
    now: float
    before: float | None = None
    link: str | None = None
    style: str = "plain"
    said: str | None = None


def ranked(bars: Sequence[Bar], form: str = ",d", before: str = "Period before", beside: str = ", was ") -> Spec:
    """Bars in the order given, each with its figure and, after `beside`, that of its short line: else the figure of a
    bar that is the shorter one would be taken for the line's. `before` says what the short lines are."""
    rows = []
    for n, bar in enumerate(bars):
        row = {"place": n, "name": bar.name, "now": bar.now, "style": bar.style}
        row |= {} if bar.before is None else {"before": bar.before}
        row |= {} if bar.said is None else {"words": bar.said}
        rows.append(row | ({} if bar.link is None else {"link": bar.link}))
    names = [bar.name for bar in bars]
    y: Spec = {"field": "name", "type": "nominal", "sort": names, "title": None}
    y["axis"] = {"labelLimit": 150, "domain": False, "ticks": False}
    x: Spec = {"field": "now", "type": "quantitative", "title": None, "axis": None}
    tips = [
        {"field": "name", "title": "Of", "type": "nominal"},
        {"field": "now", "title": "Now", "type": "quantitative", "format": form},
    ]
    if any(bar.said is not None for bar in bars):
        tips[1:] = [{"field": "words", "title": "Now", "type": "nominal"}]
    elif any(bar.before is not None for bar in bars):
        tips.append({"field": "before", "title": before, "type": "quantitative", "format": form})
    href: Spec = {"href": {"field": "link"}} if any(bar.link is not None for bar in bars) else {}
    layers: list[Spec] = [
        {
            "transform": [{"filter": f"datum.style == '{style}'"}],
            "mark": {"type": "bar", "style": style, "height": {"band": 0.66}},
            "encoding": {"y": y, "x": x, "tooltip": tips, **href},
        }
        for style in dict.fromkeys(bar.style for bar in bars)
    ]
    layers.append(
        {
            "transform": [{"filter": "isValid(datum.before)"}],
            "mark": {"type": "tick", "style": "before-tick", "thickness": 2, "height": {"band": 0.9}},
            "encoding": {"y": y, "x": x | {"field": "before"}},
        }
    )
    shown, then = (f"format(datum.{of}, {json.dumps(form)})" for of in ("now", "before"))
    figures = f"{shown} + (isValid(datum.before) ? {json.dumps(beside)} + {then} : '')"
    said = f"isValid(datum.words) ? datum.words : {figures}" if any(bar.said is not None for bar in bars) else figures
    layers.append(
        {
            "transform": [
                {"calculate": "max(datum.now, isValid(datum.before) ? datum.before : 0, 0)", "as": "far"},
                {"calculate": said, "as": "said"},
            ],
            "mark": {"type": "text", "style": "said", "align": "left", "dx": 6},
            "encoding": {
                "y": y,
                "x": {"field": "far", "type": "quantitative"},
                "text": {"field": "said", "type": "nominal"},
            },
        }
    )
    return {"height": max(1, len(bars)) * _ROW, "data": {"values": rows}, "layer": layers}


def grid(
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float | None]],
    form: str = ",.1f",
    links: Sequence[Sequence[str]] = (),
) -> Spec:
    """A cell for each row and column, the darker the more: such as weekdays and hours."""
    cells = [
        {"row": row, "column": column, "value": value, **({"link": links[r][c]} if links else {})}
        for r, row in enumerate(rows)
        for c, column in enumerate(columns)
        if (value := values[r][c]) is not None
    ]
    bare = {"title": None, "domain": False, "ticks": False}
    turned: Spec = {"labelAngle": 0, "labelOverlap": "parity"}
    return {
        "height": max(1, len(rows)) * _ROW,
        "data": {"values": cells},
        "mark": {"type": "rect", "style": "box"},
        "encoding": {
            "y": {"field": "row", "type": "ordinal", "sort": list(rows), "axis": bare},
            "x": {"field": "column", "type": "ordinal", "sort": list(columns), "axis": bare | turned},
            "color": {
                "field": "value",
                "type": "quantitative",
                "scale": {"range": "ramp", "zero": True},
                "legend": {"format": form, "gradientLength": 160},
            },
            "tooltip": [
                {"field": "row", "title": "Row", "type": "nominal"},
                {"field": "column", "title": "Column", "type": "nominal"},
                {"field": "value", "title": "Figure", "type": "quantitative", "format": form},
            ],
            **({"href": {"field": "link"}} if links else {}),
        },
    }
