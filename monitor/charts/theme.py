"""How charts look, on light and on dark ground. Print takes the light one.

The colours are told apart by those who do not tell red from green, and in grey: sentiments are orange-red, grey and
blue and stand in fixed places; series differ in shape too. Marks name a style or a range, never a colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

FONT = 'system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif'


@dataclass(frozen=True, slots=True)
class Palette:
    ground: str
    ink: str
    soft: str
    line: str
    accent: str
    negative: str
    neutral: str
    positive: str
    series: tuple[str, ...]
    heat: tuple[str, str]  # nothing, and most
    soon: tuple[str, ...]  # soon, later, late, and never
    level: str


LIGHT = Palette(
    ground="#ffffff",
    ink="#17202b",
    soft="#55626f",
    line="#dde2e8",
    accent="#2451d6",
    negative="#c8462c",
    neutral="#98a4b1",
    positive="#2f7fc1",
    series=("#2451d6", "#c2570c", "#0f7b6c", "#9b2c83", "#7a6400", "#41505f", "#98a4b1"),
    heat=("#fdf3ee", "#a3341c"),
    soon=("#2451d6", "#8ba6f4", "#dd9a2c", "#a3341c"),
    level="#92560a",
)
DARK = Palette(
    ground="#171e26",
    ink="#e9eef3",
    soft="#a0adba",
    line="#2a3440",
    accent="#8aa6ff",
    negative="#ee7d62",
    neutral="#74818f",
    positive="#5fa8e6",
    series=("#8aa6ff", "#f0a35a", "#4fc3ae", "#e08ccb", "#d3bd55", "#c3ced9", "#74818f"),
    heat=("#2a2422", "#ff9b7e"),
    soon=("#8aa6ff", "#4d63ad", "#d9a441", "#ee7d62"),
    level="#d9a441",
)
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "circle")


def config(palette: Palette) -> dict[str, Any]:
    """Vega-Lite's config. Ranges: `moods` (negative, neutral, positive), `series`, `ramp` (nothing to most), `soon` (at
    once to never). Styles: those of the moods, `plain` (one series), `before` and `before-tick` (the previous period),
    `zero`, `mark` and `mark-span` (annotations), `level` and `level-said` (to be compared with), `said` (texts), `band`
    (what is uncertain), `box` (of a grid)."""
    p = palette
    return {
        "background": None,
        "aria": False,  # a screen reader is given one image, and the table beside it
        "font": FONT,
        "padding": 4,
        "view": {"stroke": None},
        "axis": {
            "labelColor": p.soft,
            "titleColor": p.soft,
            "gridColor": p.line,
            "domainColor": p.line,
            "tickColor": p.line,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "labelPadding": 6,
        },
        "axisX": {"grid": False},
        "axisY": {"domain": False, "ticks": False},
        "legend": {
            "labelColor": p.ink,
            "titleColor": p.soft,
            "labelFontSize": 12,
            "labelLimit": 180,
            "orient": "top",
            "title": None,
            "symbolSize": 110,
            "columns": 4,
        },
        "title": {
            "color": p.ink,
            "subtitleColor": p.soft,
            "fontSize": 18,
            "subtitleFontSize": 13,
            "anchor": "start",
            "offset": 14,
            "subtitlePadding": 5,
        },
        "range": {
            "moods": [p.negative, p.neutral, p.positive],
            "series": list(p.series),
            "category": list(p.series),
            "shapes": list(SHAPES),
            "soon": list(p.soon),
            "ramp": list(p.heat),
            "heatmap": list(p.heat),
        },
        "point": {"opacity": 1},
        "style": {
            "negative": {"color": p.negative},
            "neutral": {"color": p.neutral},
            "positive": {"color": p.positive},
            "plain": {"color": p.accent},
            "before": {"color": p.soft, "strokeWidth": 1.6, "strokeDash": [5, 3]},
            "before-tick": {"color": p.ink, "opacity": 0.85},
            "zero": {"color": p.soft, "strokeWidth": 1},
            "mark": {"color": p.ink, "strokeWidth": 1.2, "strokeDash": [2, 3]},
            "mark-span": {"color": p.soft, "opacity": 0.14},
            "level": {"color": p.level, "strokeWidth": 1.2, "strokeDash": [5, 4]},
            "level-said": {"color": p.level, "fontSize": 12},
            "said": {"color": p.ink, "fontSize": 12},
            "band": {"color": p.accent, "opacity": 0.18},
            "box": {"stroke": p.ground, "strokeWidth": 1.5},
        },
    }
