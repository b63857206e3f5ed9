"""How many people it takes: Erlang C, for work that comes by chance and waits until somebody is free.

A. K. Erlang, "Solution of some Problems in the Theory of Probabilities of Significance in Automatic Telephone
Exchanges" (1917). Arrivals are a Poisson process, handling times exponential, nobody gives up waiting, and everybody
takes whatever came first. In the terms of the formula, `load` is the work that comes in an hour, in hours of handling
(erlangs), and `people` are the servers.
"""

from __future__ import annotations

import math
from datetime import timedelta

MOST_PEOPLE = 10_000  # beyond that it is no plan any more


def waiting(people: int, load: float) -> float:
    """The probability of having to wait at all; 1 where more comes than so many people can do.

    C = B / (1 - load / people * (1 - B)), with Erlang B by its recursion B(n) = load B(n-1) / (n + load B(n-1))."""
    if load >= people:
        return 1.0
    blocked = 1.0
    for n in range(1, people + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked / (1 - load / people * (1 - blocked))


def in_time(people: int, per_hour: float, handling: timedelta, within: timedelta) -> float:
    """The share of what comes that somebody takes up within so long: 1 - C exp(-(people - load) within / handling)."""
    load = per_hour * (handling / timedelta(hours=1))
    if load >= people:
        return 0.0 if load else 1.0
    return 1 - waiting(people, load) * math.exp(-(people - load) * (within / handling))


def needed(per_hour: float, handling: timedelta, within: timedelta, share: float) -> int:
    """The least number of people with which `share` (0 to 1) of what comes is taken up in time; 0 where nothing comes.

    At most MOST_PEOPLE."""
    if per_hour <= 0:
        return 0
    people = int(per_hour * (handling / timedelta(hours=1))) + 1
    while people < MOST_PEOPLE and in_time(people, per_hour, handling, within) < share:
        people += 1
    return min(people, MOST_PEOPLE)
