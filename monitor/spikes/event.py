"""A spike from its recognition to its end, and how it goes on. Arithmetic."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Literal

from monitor.spike_rows import SpikeRow
from monitor.spikes.expected import Ground, expected
from monitor.spikes.finding import BACK, Finding, Series, silent
from monitor.spikes.history import HOUR, History

Kind = Literal["peak", "hush"]
TEACHES = timedelta(hours=24)  # of what is unusual, so much is kept out of what is usual; what lasts becomes the usual


@dataclass(frozen=True, slots=True)
class Spike:
    """As SpikeRow has it, which says what the fields mean."""

    kind: Kind
    brand: str
    source: str
    sentiment: str
    topic: str
    began_at: datetime
    until: datetime
    opened_at: datetime
    count: int
    usual: float
    most: int
    chance: float
    ground: str
    state: str = "open"
    ended_at: datetime | None = None
    terms: tuple[str, ...] = ()
    quoted: tuple[int, ...] = ()
    id: int | None = None
    slack_channel: str | None = None
    slack_ts: str | None = None

    @property
    def series(self) -> Series:
        return Series(self.sentiment, self.topic)

    @property
    def about(self) -> tuple[str, str, str]:
        return self.kind, self.brand, self.source


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of an event: how many there were, how many are usual, and more than how many are rare."""

    start: datetime
    count: int
    mean: float
    most: int


def spike_of(row: SpikeRow) -> Spike:
    found = {field.name: getattr(row, field.name) for field in fields(Spike)}
    return Spike(**found | {"terms": tuple(row.terms), "quoted": tuple(row.quoted)})


def opened(kind: Kind, brand: str, source: str, found: Finding, hour: datetime, now: datetime) -> Spike:
    """What begins with a finding at the hour that begins at `hour`."""
    return Spike(
        kind=kind,
        brand=brand,
        source=source,
        sentiment=found.series.sentiment,
        topic=found.series.topic,
        began_at=hour - (found.hours - 1) * HOUR,
        until=hour + HOUR,
        opened_at=now,
        count=found.count,
        usual=found.usual.mean,
        most=found.usual.most(BACK),
        chance=found.chance,
        ground=said(found.ground),
    )


def going_on(spike: Spike, found: Finding, hour: datetime) -> Spike:
    """The same event, of which more was found. It becomes broader where that tells more of it, never narrower."""
    rarer = {"chance": found.chance, "most": found.usual.most(BACK)} if found.chance < spike.chance else {}
    broader = found.series != spike.series and found.series.holds(spike.series)
    wider = {"sentiment": found.series.sentiment, "topic": found.series.topic} if broader else {}
    return replace(spike, until=max(spike.until, hour + HOUR), **rarer, **wider)  # type: ignore[arg-type]


def followed(spike: Spike, history: History, now: datetime) -> Spike:
    """With all that is known of it by now: to its last unusual hour, counted anew. `history` without the event's own
    hours."""
    hours = course(history, spike.series, spike.began_at, now)
    until = spike.until
    for hour in hours:
        complete = hour.start + HOUR <= now
        unusual = silent(hour.count, max(hour.mean, 1)) if spike.kind == "hush" else hour.count > hour.most
        if unusual and (complete or spike.kind == "peak"):
            until = max(until, hour.start + HOUR)
    inside = [hour for hour in hours if hour.start < until]
    if not inside:
        return spike
    return replace(
        spike, until=until, count=sum(hour.count for hour in inside), usual=sum(hour.mean for hour in inside)
    )


def course(history: History, series: Series, since: datetime, until: datetime) -> list[Hour]:
    """The hours that begin from `since` to `until`, one by one."""
    row = history.row(series)
    if row is None:
        return []
    found = []
    rows = [0] if row == 0 else [0, row]
    for column in range(history.column(since), history.column(until) + 1):
        if column == 0 or not since <= history.starts[column] < until:
            continue
        past = history.counts[rows, :column], history.known[:column]
        usual = expected(*past, 1, bool(history.holidays[column])).usual(len(rows) - 1)
        found.append(Hour(history.starts[column], int(history.counts[row, column]), usual.mean, usual.most(BACK)))
    return found


def lessons(spikes: Iterable[Spike]) -> list[tuple[datetime, datetime]]:
    """The spans that say nothing of what is usual."""
    return [(spike.began_at, min(spike.until, spike.began_at + TEACHES)) for spike in spikes]


def said(ground: Ground) -> str:
    """What an expectation rests on, in words."""
    if not ground.pooled:
        return f"{ground.weeks} weeks of this hour of the week"
    if ground.pooled == "days":
        return f"only {ground.days} days so far: this hour of all days"
    return "only the hours of a day or two so far"
