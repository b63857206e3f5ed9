"""What the charts of the response show, as their titles. Says plainly what does not differ beyond chance."""

from __future__ import annotations

import math
from collections.abc import Sequence

from monitor.outcomes import Measure
from monitor.response import Figures
from monitor.trend_figures import CHANCE, CHANCE_AMONG_MANY, share_surprise
from monitor.trend_findings import UNKNOWN
from monitor.trend_spans import Grain
from monitor.waits import HOUR
from monitor.web.response_course import Course, overlaps
from monitor.web.words import lasting, share

_EXCEPTIONS = 1 / 3  # of the points, above which nothing is the rule
_FEWEST = 10  # cases that say something of the hours at which they were posted
_DAY, _LENGTHS = range(24), range(1, 13)
_CLOCK = [f"{hour:02}" for hour in _DAY]


def waited(of: Course, measure: Measure) -> str:
    """Whether nine of ten wait no longer than an hour, and when they do."""
    known = [n for n, each in enumerate(of.points) if each.p90 is not None]
    over = [n for n in known if (of.points[n].p90 or 0) > HOUR]
    hour = "an hour" if measure == "calendar" else "a business hour"
    if of.all.median is None or of.all.p90 is None:
        return "Nobody was answered, and nobody waits"
    if not over:
        return f"Nine of ten wait {hour} at most" + (f", every {of.axis.grain.value}" if len(known) > 1 else "")
    if len(over) > _EXCEPTIONS * len(known):
        return f"Half wait up to {lasting(of.all.median)}, nine of ten up to {lasting(of.all.p90)}"
    return f"Nine of ten wait {hour} at most, except {_when(of, over, len(known))}"


def _when(of: Course, over: Sequence[int], points: int) -> str:
    axis = of.axis
    if all(overlaps(axis.starts[n], axis.ends[n], of.storms) for n in over):
        storms = sum(any(overlaps(axis.starts[n], axis.ends[n], [storm]) for n in over) for storm in of.storms)
        return "during the storm" if storms == 1 else "during storms"
    if len(over) > 1:
        place = "on" if axis.grain is Grain.DAY else "in"
        return f"{place} {len(over)} of {points} {axis.grain.value}s"
    start = axis.starts[over[0]]
    day = f"{start:%A} {start.day} {start:%B}"
    return {Grain.HOUR: f"on {day} from {start:%H:%M}", Grain.DAY: f"on {day}"}.get(axis.grain, f"in the week of {day}")


def met(of: Course, measure: Measure) -> str:
    """How many were answered within the hour, beside the period before."""
    hour = "within the hour" if measure == "calendar" else "within a business hour"
    now, then = of.all, of.then
    part = share(now.in_the_hour / now.cases)
    if not then.cases:
        return f"{part} of {now.cases:,} case{'' if now.cases == 1 else 's'} answered {hour}; {UNKNOWN}"
    was = share(then.in_the_hour / then.cases)
    surprise = share_surprise(now.in_the_hour, now.cases, then.in_the_hour, then.cases)
    if abs(surprise) < CHANCE:
        return f"Answers {hour} moved within chance: {part} of {now.cases:,} cases, after {was} in {of.than}"
    return f"Answers {hour} {'rose' if surprise > 0 else 'fell'} from {was} to {part} of all cases on {of.than}"


def hours(groups: Sequence[tuple[str, Figures]], of: Figures, measure: Measure) -> str:
    """At which hours of the post, following each other, the fewest are answered within the hour, if that is more than
    chance."""
    hour = "within the hour" if measure == "calendar" else "within a business hour"
    by = dict(groups)
    counts = [(by[name].cases, _fast(by[name])) if name in by else (0, 0) for name in _CLOCK]
    cases, fast = of.cases, _fast(of)
    worst, length, first = min((_surprise(_sum(counts, n, k), (cases, fast)), k, n) for n in _DAY for k in _LENGTHS)
    if worst > -CHANCE_AMONG_MANY:
        return f"The hour of the post makes no difference beyond chance: {share(of.within_60)} answered {hour}"
    inside, answered = _sum(counts, first, length)
    most = f"{share(answered / inside)} answered {hour}, {share((fast - answered) / (cases - inside))} at other times"
    return f"Slowest for posts from {first:02}:00 to {(first + length) % 24:02}:00: {most}"


def _sum(counts: Sequence[tuple[int, int]], first: int, length: int) -> tuple[int, int]:
    found = [counts[(first + n) % 24] for n in range(length)]
    return sum(cases for cases, _ in found), sum(fast for _, fast in found)


def _surprise(some: tuple[int, int], every: tuple[int, int]) -> float:
    """How much the share answered within the hour of some cases differs from that of all others, in standard deviations
    of what it would if there were no difference. 0 where there is too little to tell."""
    (cases, fast), (others, rest) = some, (every[0] - some[0], every[1] - some[1])
    p = every[1] / every[0]
    if cases < _FEWEST or others < _FEWEST or not 0 < p < 1:
        return 0.0
    return (fast / cases - rest / others) / math.sqrt(p * (1 - p) * (1 / cases + 1 / others))


def _fast(of: Figures) -> int:
    return round((of.within_60 or 0) * of.cases)
