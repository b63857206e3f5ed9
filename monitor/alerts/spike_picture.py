"""The picture of a spike: its hours and those before, next to the usual."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from monitor.alerts.outbox import Picture
from monitor.charts import Chart, Column, Table
from monitor.charts.over_time import lines
from monitor.charts.picture import available, png
from monitor.charts.time_axis import TimeAxis
from monitor.spikes.event import Spike
from monitor.spikes.history import HOUR
from monitor.spikes.makeup import WEEKS, Makeup
from monitor.trend_spans import Grain, Span


def chart(spike: Spike, made: Makeup, zone: ZoneInfo, now: datetime) -> Chart:
    span = Span(made.first, made.first + len(made.hours) * HOUR, Grain.HOUR, zone)
    began = spike.began_at.astimezone(zone)
    whose = spike.brand or spike.source or "all sources"
    about = ", ".join(kind.replace("_", " ") for kind in (spike.sentiment, spike.topic) if kind)
    usual = made.usual if len(made.usual) == len(made.hours) else ()
    columns = (Column("begins", "moment"), Column("mentions"), *([Column("usual", "number")] if usual else []))
    rows = zip(span.starts, made.hours, *([usual] if usual else []), strict=True)
    return Chart(
        name="spike",
        title=f"{whose}: {spike.count:,} mentions since {began:%H:%M}, usual: {spike.usual:,.0f}",
        measure="Mentions each hour"
        + (f"; dashed: the mean of these hours in the {WEEKS} weeks before" if usual else ""),
        scope=f"{about or 'everything'}, {span.starts[0]:%d %b} to {began:%d %b %Y}, {zone.key}",
        spec=lines(TimeAxis.of(span, now), {"mentions": made.hours}, usual),
        table=Table(columns, tuple(rows)),
    )


def picture(spike: Spike, made: Makeup, zone: ZoneInfo, now: datetime) -> tuple[Picture, ...]:
    """None where pictures cannot be made here, or there is nothing to draw."""
    if not available() or not any(made.hours):
        return ()
    drawn = chart(spike, made, zone, now)
    return (Picture("spike", f"{drawn.title}. {drawn.measure}.", png(drawn)),)
