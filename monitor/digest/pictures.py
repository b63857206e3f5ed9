"""The picture of a digest: mentions and their mood over its hours or days, next to those before."""

from __future__ import annotations

from datetime import datetime

from monitor.charts import Chart, Column, Table
from monitor.charts.over_time import moods
from monitor.charts.picture import available, png
from monitor.charts.time_axis import TimeAxis
from monitor.digest.figures import Digest
from monitor.digest.letter import Letter

FEWEST = 3  # points that are worth a picture


def chart(digest: Digest, letter: Letter, now: datetime) -> Chart:
    span = digest.span
    columns = (Column("begins", "moment"), *(Column(name) for name in ("negative", "neutral", "positive")))
    points = zip(span.starts, digest.points, strict=True)
    rows = tuple((start, each.negative, each.neutral, each.positive) for start, each in points)
    unit = "day" if digest.request.weekly else "hour"
    return Chart(
        name="mentions",
        title=f"{digest.now.mentions:,} mentions, {digest.now.complaints:,} of them complaints",
        measure=f"Mentions each {unit}, negative ones below the line; short lines: the week before",
        scope=f"{letter.heading}, {span.zone.key}",
        spec=moods(TimeAxis.of(span, now), digest.points, digest.earlier),
        table=Table(columns, rows),
    )


def picture(digest: Digest, letter: Letter, now: datetime) -> bytes | None:
    """As PNG; None where pictures cannot be made here, or there is hardly anything to see."""
    busy = sum(1 for point in digest.points if point.mentions)
    return png(chart(digest, letter, now)) if busy >= FEWEST and available() else None
