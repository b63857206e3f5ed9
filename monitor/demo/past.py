"""Nine weeks before the demo begins, drawn by lot: who said what and when, and how the team dealt with it.

Nothing here touches a database. The same `seed` and moment give the same past.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.demo.voices import Voice

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LENGTH = 63 * DAY
STRIKE = (21 * DAY, 18 * DAY)  # before now: when parcels did not move
CAMPAIGN = (13 * DAY, 8 * DAY)
STRUCK, TROUBLE = "Brevanto", "delivery"
STRIKE_FACTOR = 3.0  # complaints an hour about what was struck, at first
SURE = 0.8  # a complaint of at least this score is one, as far as the team goes
TEAM = ("Marta", "Jonas", "Priya")
_AN_HOUR = {"Tellumo": 0.8, "Brevanto": 0.9, "Ozmira": 0.55}  # mentions at first, on average
_GROWTH = {"Tellumo": 1.15, "Brevanto": 1.6, "Ozmira": 0.9}  # over the whole time
_OF_DAY = (3, 2, 1, 1, 1, 2, 4, 7, 10, 11, 10, 9, 10, 9, 8, 8, 9, 10, 12, 13, 12, 10, 7, 5)  # UTC
_OF_WEEK = (1.1, 1.1, 1.05, 1.05, 1.1, 0.8, 0.8)
_COMPLAINTS = 0.4  # of a voice that complains, against one that does not
_MINUTES = 13.0  # to the answer, the middle of an ordinary day


@dataclass(frozen=True, slots=True)
class Said:
    """`handle` is whom the lot made of the voice's author."""

    voice: Voice
    at: datetime
    handle: str


@dataclass(frozen=True, slots=True)
class Handled:
    """What the team did about a complaint. Without `answered_at` nobody answered it, without `closed_at` it is still
    open; `dismissed`: it was none. `stars` is what the customer said of our help."""

    who: str
    taken_at: datetime
    answered_at: datetime | None
    closed_at: datetime | None
    dismissed: bool
    stars: int | None


def said(voices: Sequence[Voice], now: datetime, lot: random.Random) -> list[Said]:
    """In the order of their posting."""
    found: list[Said] = []
    for brand, rate in _AN_HOUR.items():
        mine = [voice for voice in voices if voice.brands[0] == brand]
        trouble = [v for v in mine if v.verdict.complaint_score >= SURE and v.verdict.topic == TROUBLE]
        for hour in _hours(now):
            expected = rate * _rhythm(hour) * _growth(_GROWTH[brand], now - hour) * _campaign(brand, now - hour)
            found += _draw(mine, expected, hour, lot)
            if brand == STRUCK:
                found += _draw(trouble, _strike(now - hour) * _rhythm(hour), hour, lot)
    return sorted((each for each in found if each.at < now), key=lambda each: each.at)


def _hours(now: datetime) -> Iterator[datetime]:
    hour = (now - LENGTH).replace(minute=0, second=0, microsecond=0)
    while hour < now:
        yield hour
        hour += HOUR


def _rhythm(hour: datetime) -> float:
    return _OF_DAY[hour.hour] * len(_OF_DAY) / sum(_OF_DAY) * _OF_WEEK[hour.weekday()]


def _growth(whole: float, ago: timedelta) -> float:
    return float(whole ** (1 - ago / LENGTH))


def _campaign(brand: str, ago: timedelta) -> float:
    return 1.5 if brand == STRUCK and CAMPAIGN[1] < ago <= CAMPAIGN[0] else 1.0


def _strike(ago: timedelta) -> float:
    """Complaints an hour about parcels: at once many, and fewer from day to day once it is over."""
    begun = STRIKE[0] - ago
    if begun < timedelta():
        return 0.0
    fading = max(timedelta(), STRIKE[1] - ago) / DAY
    return STRIKE_FACTOR * math.exp(-2.0 * fading)


def _draw(voices: Sequence[Voice], expected: float, hour: datetime, lot: random.Random) -> list[Said]:
    if not voices or expected < 0.001:
        return []
    weights = [_COMPLAINTS if voice.verdict.complaint else 1.0 for voice in voices]
    drawn = lot.choices(voices, weights, k=_poisson(expected, lot))
    return [Said(v, hour + lot.random() * HOUR, _handle(v, lot)) for v in drawn]


def _poisson(mean: float, lot: random.Random) -> int:
    """Knuth's: how many numbers from 0 to 1 have a product that is not below e^-mean."""
    count, product, least = 0, lot.random(), math.exp(-mean)
    while product >= least:
        count, product = count + 1, product * lot.random()
    return count


def _handle(voice: Voice, lot: random.Random) -> str:
    return re.sub(r"_?[a-z]?\d+$", "", str(voice.author["handle"])) + f"_{lot.randrange(100, 10_000)}"


def handled(complaint: Said, now: datetime, lot: random.Random) -> Handled:
    """The team becomes quicker with the weeks, sleeps at night, and had too much to do in the strike."""
    ago, verdict = now - complaint.at, complaint.voice.verdict
    minutes = _MINUTES * lot.lognormvariate(0.0, 0.6) * (1.0 + 0.5 * (ago / LENGTH))
    minutes *= 2.2 if complaint.at.hour >= 22 or complaint.at.hour < 6 else 1.0
    minutes *= 2.6 if STRIKE[1] - DAY < ago <= STRIKE[0] and verdict.topic == TROUBLE else 1.0
    answered_at = complaint.at + min(timedelta(minutes=max(3.0, minutes)), 0.9 * ago)
    taken_at = complaint.at + (answered_at - complaint.at) * lot.uniform(0.25, 0.6)
    closed_at = answered_at + timedelta(hours=lot.lognormvariate(0.7, 0.9))
    dismissed = lot.random() < (0.01 if verdict.complaint_score >= SURE else 0.2)
    left = lot.random() < 0.02
    stars = None
    if not dismissed and not left and closed_at + HOUR < now and lot.random() < 0.16:
        stars = lot.choices((1, 2, 3, 4, 5), (4, 2, 2, 1, 1) if minutes > 60 else (1, 1, 3, 8, 10))[0]
    if dismissed or left:
        return Handled(_who(complaint.at, lot), taken_at, None, answered_at, dismissed, None)
    return Handled(
        *(_who(complaint.at, lot), taken_at, answered_at, closed_at if closed_at < now else None, False, stars)
    )


def _who(at: datetime, lot: random.Random) -> str:
    """Mostly who is on call by the rota of demo.toml."""
    weekend, late = at.weekday() >= 5, at.hour >= 15 or at.hour < 3
    return lot.choices(TEAM, (1, 1, 10) if weekend else (1, 10, 1) if late else (10, 1, 2))[0]
