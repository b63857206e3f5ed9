"""Specs as they are drawn: each is one that Vega-Lite compiles, and looks as it did."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import vl_convert
from inline_snapshot import snapshot

from monitor.charts import DARK, LIGHT, Chart, Column, Table, config
from monitor.charts.at_once import Bar, grid, ranked
from monitor.charts.intervals import Range, intervals
from monitor.charts.over_time import band, lines, moods, parts
from monitor.charts.paired import Panel, paired
from monitor.charts.picture import VEGA_LITE, png, titled
from monitor.charts.time_axis import Mark, TimeAxis
from monitor.trend_spans import Grain, Span
from monitor.trends import Counts

TALLINN = ZoneInfo("Europe/Tallinn")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOSTILE = "it's {0} {\"quoted\" </script> ' + alert(1) + \\ ü"
MARKS = [
    Mark(NOON - timedelta(days=1), None, HOSTILE),
    Mark(NOON - timedelta(days=9), NOON - timedelta(days=1), "campaign"),
    Mark(NOON - timedelta(days=90), None, "long ago"),
]


def axis(days: int = 3, grain: Grain = Grain.DAY) -> TimeAxis:
    until = datetime(2026, 11, 21, tzinfo=TALLINN)
    return TimeAxis.of(Span(until - timedelta(days=days), until, grain, TALLINN), NOON)


def counts(days: int) -> list[Counts]:
    return [Counts(6 * n + 3, n, 2 * n, 3 * n, n + 3) for n in range(days)]


def chart(spec: dict[str, Any]) -> Chart:
    return Chart("volume", "Complaints up 40 %", "Mentions a day", "Acme, UTC", spec, Table((Column("Day"),), ((1,),)))


def warnings(spec: dict[str, Any], palette: Any = LIGHT) -> str:
    """What Vega-Lite warns of and refuses: it compiles against its own schema's types."""
    compiled = vl_convert.vegalite_to_vega(spec, vl_version=VEGA_LITE, config=config(palette))
    assert compiled["marks"]
    return json.dumps(compiled)


SPECS: dict[str, Callable[[], dict[str, Any]]] = {
    "moods": lambda: moods(axis(28), counts(28), counts(28), MARKS, "/trends/mentions?"),
    "moods alone": lambda: moods(axis(2, Grain.HOUR), counts(48)),
    "one line": lambda: lines(axis(), {"Net": [1.0, None, -30.0]}, [0.0, 2.0, 3.0], MARKS, ["/x?"], "+.0f", (-20, 20)),
    "seven lines": lambda: lines(axis(), {f"{HOSTILE}{n}": [n, n + 1, None] for n in range(7)}, (), MARKS, ["/x?"] * 7),
    "steps": lambda: lines(axis(2, Grain.HOUR), {"needed": range(48), "on call": [1] * 48}, steps=True),
    "levels": lambda: lines(axis(), {"a": [1, 99, 3], "b": [2, None, 4]}, (), MARKS, levels={HOSTILE: 2}, ceiling=5),
    "paired": lambda: paired(
        ["00", "01"], Panel(HOSTILE, [1.0, None], ",.1f", 5, (2,)), Panel("b", [0.5, 1.0], ".0%", 1), ["/x?a='&", "/x?"]
    ),
    "parts of time": lambda: parts(axis(), {"soon": [1, 0, 0], "never": [2, 0, 5]}, MARKS, ["/x?"] * 2, "soon"),
    "band": lambda: band(axis(2, Grain.HOUR), [1.5] * 48, [0] * 48, [3] * 48, ".1f"),
    "parts": lambda: parts(axis(), {HOSTILE: [1, 0, 0], "other": [2, 0, 5]}, MARKS, ["/x?a=b&", "/x?"]),
    "ranked": lambda: ranked([Bar(HOSTILE, 3, 5, "/x", "negative"), Bar("b", 0, None, None)]),
    "ranked in words": lambda: ranked([Bar(HOSTILE, 3, 60, said="3 s, every 60 s")]),
    "grid": lambda: grid(["Mon"], ["00", "01"], [[1.5, None]], links=[["/a", "/b"]]),
    "intervals": lambda: intervals([Range(HOSTILE, 1, -1, 3, "negative", 2, "/x"), Range("b", 0, 0, 0)], "+.1f"),
    "nothing": lambda: ranked([]),
}


@pytest.mark.parametrize("name", SPECS)
def test_every_drawing_compiles_on_both_grounds_and_becomes_a_picture(name: str) -> None:
    spec = SPECS[name]()
    whole = titled(chart(spec))
    for palette in (LIGHT, DARK):
        warnings(whole, palette)
    assert png(chart(spec)).startswith(b"\x89PNG")


def test_a_spec_says_what_it_draws_and_nothing_of_how_it_looks() -> None:
    assert moods(axis(2), counts(2), counts(1), (), "/trends/mentions?brand=Acme&")["data"] == snapshot(
        {
            "values": [
                {
                    "start": "2026-11-19T00:00Z",
                    "end": "2026-11-20T00:00Z",
                    "partial": False,
                    "when": "Thu 19 Nov 2026",
                    "since": "2026-11-18T22:00Z",
                    "until": "2026-11-19T22:00Z",
                    "negative": 0,
                    "neutral": 0,
                    "positive": 3,
                    "above": 3,
                    "below": 0,
                    "before": 3,
                },
                {
                    "start": "2026-11-20T00:00Z",
                    "end": "2026-11-21T00:00Z",
                    "partial": True,
                    "when": "Fri 20 Nov 2026",
                    "since": "2026-11-19T22:00Z",
                    "until": "2026-11-20T22:00Z",
                    "negative": 2,
                    "neutral": 3,
                    "positive": 4,
                },
            ]
        }
    )
    assert ranked([Bar("delivery", 3, 5, "/x")]) == snapshot(
        {
            "height": 30,
            "data": {
                "values": [{"place": 0, "name": "delivery", "now": 3, "style": "plain", "before": 5, "link": "/x"}]
            },
            "layer": [
                {
                    "transform": [{"filter": "datum.style == 'plain'"}],
                    "mark": {"type": "bar", "style": "plain", "height": {"band": 0.66}},
                    "encoding": {
                        "y": {
                            "field": "name",
                            "type": "nominal",
                            "sort": ["delivery"],
                            "title": None,
                            "axis": {"labelLimit": 150, "domain": False, "ticks": False},
                        },
                        "x": {"field": "now", "type": "quantitative", "title": None, "axis": None},
                        "tooltip": [
                            {"field": "name", "title": "Of", "type": "nominal"},
                            {"field": "now", "title": "Now", "type": "quantitative", "format": ",d"},
                            {"field": "before", "title": "Period before", "type": "quantitative", "format": ",d"},
                        ],
                        "href": {"field": "link"},
                    },
                },
                {
                    "transform": [{"filter": "isValid(datum.before)"}],
                    "mark": {"type": "tick", "style": "before-tick", "thickness": 2, "height": {"band": 0.9}},
                    "encoding": {
                        "y": {
                            "field": "name",
                            "type": "nominal",
                            "sort": ["delivery"],
                            "title": None,
                            "axis": {"labelLimit": 150, "domain": False, "ticks": False},
                        },
                        "x": {"field": "before", "type": "quantitative", "title": None, "axis": None},
                    },
                },
                {
                    "transform": [
                        {"calculate": "max(datum.now, isValid(datum.before) ? datum.before : 0, 0)", "as": "far"},
                        {
                            "calculate": 'format(datum.now, ",d")'
                            + ' + (isValid(datum.before) ? ", was " + format(datum.before, ",d") : \'\')',
                            "as": "said",
                        },
                    ],
                    "mark": {"type": "text", "style": "said", "align": "left", "dx": 6},
                    "encoding": {
                        "y": {
                            "field": "name",
                            "type": "nominal",
                            "sort": ["delivery"],
                            "title": None,
                            "axis": {"labelLimit": 150, "domain": False, "ticks": False},
                        },
                        "x": {"field": "far", "type": "quantitative"},
                        "text": {"field": "said", "type": "nominal"},
                    },
                },
            ],
        }
    )
    for name, make in SPECS.items():
        assert "#" not in json.dumps(make()).replace("&#", ""), name


def test_names_from_outside_are_text_in_expressions_too() -> None:
    """A name that ended the string of an expression would be code."""
    for name in ("seven lines", "parts", "moods"):
        svg = vl_convert.vegalite_to_svg(titled(chart(SPECS[name]())), vl_version=VEGA_LITE, config=config(LIGHT))
        assert "quoted" in svg
        assert "<script" not in svg


def test_marks_have_their_texts_while_there_is_room_and_their_numbers_then() -> None:
    rows = axis(28).with_marks([], MARKS)[0]["data"]["values"]
    said = [(row["text"], row["number"], row["turned"]) for row in rows]
    assert said == [("campaign", "1", False), (HOSTILE, "2", True)]
    assert rows[0]["room"] == rows[1]["room"] == pytest.approx(8 / 28 / 2, abs=0.001)
    many = [Mark(NOON - timedelta(days=n), None, f"mark {n}") for n in range(5)]
    drawn = titled(chart(moods(axis(28), counts(28), (), many)))
    svg = vl_convert.vegalite_to_svg(drawn, vl_version=VEGA_LITE, config=config(LIGHT))
    assert "mark 4" not in svg
    assert axis(28).inside(many)[0].text == "mark 4"
    alone = titled(chart(moods(axis(28), counts(28), (), many[-1:])))
    assert "mark 4" in vl_convert.vegalite_to_svg(alone, vl_version=VEGA_LITE, config=config(LIGHT))
    assert axis(28).with_marks([{"mark": "bar"}], MARKS[2:]) == [{"mark": "bar"}]


@pytest.mark.parametrize(("grain", "points", "label"), [
    (Grain.HOUR, 72, "Fri 20 Nov 2026, 23:00"),
    (Grain.DAY, 3, "Fri 20 Nov 2026"),
    (Grain.WEEK, 1, "week of Mon 16 Nov 2026"),
    (Grain.MONTH, 1, "November 2026"),
])  # fmt: skip
def test_the_last_point_is_marked_until_it_is_over(grain: Grain, points: int, label: str) -> None:
    rows = axis(3, grain).columns()
    assert len(rows) == points
    assert rows[-1]["when"] == label
    assert [row["partial"] for row in rows] == [False] * (points - 1) + [True]
    over = TimeAxis.of(Span(NOON - timedelta(days=2), NOON, Grain.DAY, TALLINN), NOON + timedelta(days=40))
    assert not any(row["partial"] for row in over.columns())


def test_time_is_that_on_the_wall() -> None:
    day = datetime(2026, 10, 25, tzinfo=TALLINN)  # 25 hours long
    span = Span(day, day + timedelta(days=1), Grain.HOUR, TALLINN)
    starts = [row["start"][11:16] for row in TimeAxis.of(span, NOON).columns()]
    assert starts[2:6] == ["02:00", "03:00", "03:00", "04:00"]
    assert len(starts) == 25


def test_a_table_as_csv_has_no_formulas_and_times_in_utc() -> None:
    table = Table(
        (Column("=name", "text"), Column("Day", "moment"), Column("Share", "share"), Column("None")),
        (('=HYPERLINK("x")', datetime(2026, 11, 20, tzinfo=TALLINN), 0.25, None),),
    )
    assert list(csv.reader(io.StringIO(table.csv()))) == [
        ["'=name", "Day", "Share", "None"],
        ['\'=HYPERLINK("x")', "2026-11-19T22:00:00Z", "0.25", ""],
    ]
