"""The arithmetic of the usual, against sums that are slow and obvious."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.usual import CLUMPING, Usual, clumping, usual

EXPECTED = st.builds(Usual, st.floats(0.001, 500), st.floats(0.3, 200))


def slow_tail(expected: Usual, count: int) -> float:
    """One minus all that is below, in exact fractions from the recurrence of the negative binomial."""
    mean, size = Fraction(expected.mean), Fraction(expected.size)
    first = math.exp(-expected.size * math.log1p(expected.mean / expected.size))
    term, total = Fraction(first), Fraction(0)
    for n in range(count):
        total += term
        term *= (n + size) / (n + 1) * mean / (mean + size)
    return float(1 - total)


@given(EXPECTED, st.integers(0, 40))
def test_the_tail_is_what_is_left_of_the_whole(expected: Usual, count: int) -> None:
    assert expected.tail(count) == pytest.approx(slow_tail(expected, count), rel=1e-6, abs=1e-9)


@given(EXPECTED, st.integers(0, 300))
def test_more_is_always_rarer(expected: Usual, count: int) -> None:
    assert 0.0 <= expected.tail(count + 1) <= expected.tail(count) * (1 + 1e-9) <= 1.0 + 1e-9


@given(EXPECTED, st.sampled_from([1e-9, 1e-6, 1e-3, 0.05, 0.5]))
def test_the_most_that_is_not_rare_has_a_rarer_one_right_above_it(expected: Usual, probability: float) -> None:
    most = expected.most(probability)
    assert most == 0 or expected.tail(most) >= probability
    assert expected.tail(most + 1) < probability


@given(st.lists(st.integers(0, 50), max_size=30), st.floats(0.05, 4))
def test_a_longer_past_is_believed_more(counts: list[int], length: float) -> None:
    once, thrice = usual(counts, length), usual(counts * 3, length)
    assert thrice.size >= once.size
    if counts:
        rate = sum(counts) / len(counts) * length
        assert abs(thrice.mean - rate) <= abs(once.mean - rate) + 1e-9


def test_without_a_past_only_many_are_rare() -> None:
    """Whoever has just installed it hears of a storm from about two dozen complaints in a quarter of an hour on."""
    assert 18 <= usual([], 0.25).most(1e-6) <= 30


def test_where_nothing_ever_happens_the_minimum_decides() -> None:
    assert usual([0] * 24, 0.25).most(1e-6) < 8


def test_a_part_of_the_usual_is_less_and_less_certain() -> None:
    whole = Usual(20.0, 10.0)
    part = whole.part(0.1, seen=3)
    assert part.mean == pytest.approx(2.0)
    assert part.size < whole.size


@pytest.mark.parametrize("true", [0.05, 0.3, 1.0])
def test_clumping_is_found_again_in_what_it_has_made(true: float) -> None:
    dice = random.Random(7)

    def count(mean: float) -> int:
        rate, n, at = mean * dice.gammavariate(1 / true, true), 0, dice.expovariate(1.0)
        while at < rate:
            n, at = n + 1, at + dice.expovariate(1.0)
        return n

    groups = [[count(mean) for _ in range(8)] for mean in (0.2, 3.0, 12.0, 40.0) for _ in range(60)]
    assert clumping(groups) == pytest.approx(true, rel=0.25)


def test_clumping_of_nothing_is_what_is_assumed_without_knowledge() -> None:
    assert clumping([]) == clumping([[5], []]) == CLUMPING
