"""The axis of time, on the wall clock of the span's zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any

from monitor.charts.chart import Spec
from monitor.trend_spans import Grain, Span

STAMP = "%Y-%m-%dT%H:%MZ"
_LABELS = 9
_NARROW = 0.3  # of the axis
_WORD = 60  # pixels
_FORMATS = {Grain.HOUR: "%H:%M", Grain.DAY: "%-d %b", Grain.WEEK: "%-d %b", Grain.MONTH: "%b %Y"}


@dataclass(frozen=True, slots=True)
class Mark:
    """Something worth knowing at a time: "campaign started". Aware times."""

    at: datetime
    until: datetime | None
    text: str


@dataclass(frozen=True)  # without slots: what every chart of a page asks for is kept
class TimeAxis:
    """The points of a span: when each begins and ends, and whether the last is over at `now`."""

    grain: Grain
    starts: tuple[datetime, ...]
    ends: tuple[datetime, ...]
    partial: bool

    @classmethod
    def of(cls, span: Span, now: datetime) -> TimeAxis:
        if not span.starts:
            return cls(span.grain, (), (), False)
        ends = (*span.starts[1:], following(span.starts[-1], span.grain))
        return cls(span.grain, span.starts, ends, ends[-1] > now)

    def columns(self) -> list[dict[str, Any]]:
        """What every row of the data has: begin and end, and whether it is not over."""
        return [dict(each) for each in self._columns]

    @cached_property
    def _columns(self) -> list[dict[str, Any]]:
        last = len(self.starts) - 1
        return [
            {"start": _wall(start), "end": _wall(end), "partial": self.partial and n == last, "when": self.label(start)}
            for n, (start, end) in enumerate(zip(self.starts, self.ends, strict=True))
        ]

    @cached_property
    def stamps(self) -> list[tuple[str, str]]:
        """When each point begins and ends, in UTC, as addresses have it."""
        starts, ends = ([f"{each.astimezone(UTC):{STAMP}}" for each in side] for side in (self.starts, self.ends[-1:]))
        return list(zip(starts, [*starts[1:], *ends], strict=True))

    def label(self, start: datetime) -> str:
        """The point in words."""
        day = f"{start:%a} {start.day} {start:%b %Y}"
        if self.grain is Grain.HOUR:
            return f"{day}, {start:%H:%M}"
        return {Grain.DAY: day, Grain.WEEK: f"week of {day}", Grain.MONTH: f"{start:%B %Y}"}[self.grain]

    def x(self, channel: str = "start") -> Spec:
        """The encoding of a point's begin."""
        form = _FORMATS[self.grain]
        text = f"utcFormat(datum.value, '{form}')"
        if self.grain is Grain.HOUR:
            text = f"utchours(datum.value) ? {text} : utcFormat(datum.value, '%-d %b')"
        axis: Spec = {"title": None, "values": self._labelled(), "labelExpr": text, "labelOverlap": "greedy"}
        axis["labelSeparation"] = 8
        return {"field": channel, "type": "temporal", "scale": {"type": "utc"}, "axis": axis}

    def inside(self, marks: Sequence[Mark]) -> list[Mark]:
        """Those that touch the span, the earliest first."""
        if not self.starts:
            return []
        found = [mark for mark in marks if mark.at < self.ends[-1] and (mark.until or mark.at) >= self.starts[0]]
        return sorted(found, key=lambda mark: (mark.at, mark.text))

    def with_marks(self, layers: Sequence[Spec], marks: Sequence[Mark]) -> list[Spec]:
        """The layers, and what was marked within the span: its text as far as there is room, else its number among
        those `inside`."""
        found = self.inside(marks)
        if not found:
            return list(layers)
        zone, first, end = self.starts[0].tzinfo, self.starts[0], self.ends[-1]
        places = [max(0.0, (mark.at - first) / (end - first)) for mark in found]
        rooms = [after - place for place, after in zip(places, [*places[1:], 1.0], strict=True)]
        if turned := rooms[-1] < _NARROW:  # the last one speaks to its left, and shares that with the one before it
            gap = places[-1] - (places[-2] if len(places) > 1 else 0.0)
            rooms[-2:] = [gap] if len(rooms) == 1 else [gap / 2, gap / 2]
        rows = [
            {
                "at": _wall(max(mark.at, first).astimezone(zone)),
                "until": _wall(min(mark.until or mark.at, end).astimezone(zone)),
                "text": mark.text,
                "number": str(n + 1),
                "room": round(rooms[n], 3),
                "turned": turned and n == len(found) - 1,
            }
            for n, mark in enumerate(found)
        ]
        data = {"values": rows}
        x: Spec = {"field": "at", "type": "temporal", "scale": {"type": "utc"}}
        lasting: Spec = {
            "data": data,
            "transform": [{"filter": "datum.at != datum.until"}],
            "mark": {"type": "rect", "style": "mark-span"},
            "encoding": {"x": x, "x2": {"field": "until"}},
        }
        line: Spec = {"data": data, "mark": {"type": "rule", "style": "mark"}, "encoding": {"x": x}}
        text: Spec = {"type": "text", "style": "said", "baseline": "bottom"}
        text["limit"] = {"expr": "datum.room * width - 6"}
        text["text"] = {"expr": f"datum.room * width < {_WORD} ? datum.number : datum.text"}
        said: list[Spec] = [
            {
                "data": data,
                "transform": [{"filter": test}],
                "mark": text | {"align": align},
                "encoding": {"x": x, "y": {"value": -2}},
            }
            for test, align in (("!datum.turned", "left"), ("datum.turned", "right"))
        ]
        return [lasting, *layers, line, *said]

    def _labelled(self) -> list[Spec]:
        """Where the axis has labels."""
        starts = list(self.starts)
        if self.grain is Grain.HOUR:
            midnights = [start for start in starts if start.hour == 0]
            starts = midnights if len(midnights) > 2 else [start for start in starts if start.hour % 3 == 0]
        step = -(-len(starts) // _LABELS) or 1
        return [_parts(start) for start in starts[::step]]


def following(start: datetime, grain: Grain) -> datetime:
    """When the point after the one that begins at `start` begins."""
    if grain is Grain.HOUR:
        return (start.astimezone(UTC) + timedelta(hours=1)).astimezone(start.tzinfo)
    day = start.date() + timedelta(days={Grain.DAY: 1, Grain.WEEK: 7, Grain.MONTH: 32}[grain])
    return datetime.combine(date(day.year, day.month, 1) if grain is Grain.MONTH else day, time(), start.tzinfo)


def _parts(moment: datetime) -> Spec:
    """As Vega-Lite takes times in axes; not in milliseconds: Vega's interpreter takes these for a year."""
    parts = (("year", "year"), ("month", "month"), ("date", "day"), ("hours", "hour"))
    return {name: getattr(moment, of) for name, of in parts} | {"utc": True}


def _wall(moment: datetime) -> str:
    """As the clock on the wall shows it; the chart takes it for UTC."""
    return f"{moment.isoformat()[:16]}Z"
