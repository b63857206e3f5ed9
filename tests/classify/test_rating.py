from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.classify.rating import complaint_with_rating, problem, with_rating

probabilities = st.floats(0.001, 0.999)
ratings = st.floats(1, 5)


@given(st.tuples(probabilities, probabilities, probabilities), st.one_of(st.none(), ratings))
def test_sentiments_stay_probabilities(sentiment: tuple[float, float, float], rating: float | None) -> None:
    assert sum(with_rating(sentiment, rating)) == pytest.approx(1)


@given(probabilities, ratings, ratings)
def test_more_stars_never_make_a_complaint_likelier(p: float, a: float, b: float) -> None:
    fewer, more = sorted((a, b))
    assert complaint_with_rating(p, fewer) >= complaint_with_rating(p, more) - 1e-12


def test_no_rating_changes_nothing() -> None:
    assert complaint_with_rating(0.37, None) == 0.37
    assert with_rating((0.2, 0.3, 0.5), None) == pytest.approx((0.2, 0.3, 0.5))


def test_five_stars_do_not_hide_a_clear_complaint_nor_one_star_clear_praise() -> None:
    assert complaint_with_rating(0.97, 5) > 0.7
    assert complaint_with_rating(0.02, 1) < 0.2


def test_only_numbers_from_one_to_five_are_ratings() -> None:
    assert [problem(r) for r in (None, 1, 4.5, 5)] == [None] * 4
    for bad in (0, 7, True, "5", float("nan"), [5]):
        assert problem(bad)
