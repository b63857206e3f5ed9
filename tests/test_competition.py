"""How far apart two are, against figures that others have published or that are reckoned by hand."""

from __future__ import annotations

import pytest

from monitor.competition import against, difference, net_sentiment
from monitor.trend_counts import Counts
from monitor.trend_figures import share_surprise


@pytest.mark.parametrize(
    ("a", "of_a", "b", "of_b", "low", "high"),
    [  # Newcombe 1998, table II, method 10
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (0, 10, 0, 20, -0.1611, 0.2775),
        (10, 10, 0, 20, 0.6791, 1.0),
    ],
)
def test_the_interval_of_a_difference_is_that_of_the_paper(
    a: int, of_a: int, b: int, of_b: int, low: float, high: float
) -> None:
    found = difference(a, of_a, b, of_b, z=1.959964)
    assert found.value == pytest.approx(a / of_a - b / of_b)
    assert (found.low, found.high) == (pytest.approx(low, abs=6e-5), pytest.approx(high, abs=6e-5))


def test_a_topic_is_a_weakness_a_strength_or_chance() -> None:
    ours = {"delivery": Counts(60, 60), "price": Counts(5, 5), "staff_service": Counts(12, 12)}
    theirs = {"delivery": Counts(20, 20), "price": Counts(50, 50), "billing": Counts(9, 9)}
    found = against(400, ours, 500, theirs)
    assert [(each.topic, each.finding) for each in found] == [
        ("delivery", "weakness"), ("staff_service", "weakness"), ("billing", "chance"), ("price", "strength"),
    ]  # fmt: skip
    assert (found[0].our_rate, found[0].their_rate) == (0.15, 0.04)
    assert found[0].difference.value == pytest.approx(0.11)
    assert against(0, {}, 500, theirs) == ()
    assert against(500, {}, 500, {"other": Counts(9, 0)}) == ()


def test_net_sentiment_has_an_interval_that_few_mentions_widen() -> None:
    assert net_sentiment(Counts()) is None
    one = net_sentiment(Counts(1, positive=1))
    assert one is not None
    assert one.value == 1.0
    assert one.low < 0 < one.high == 1.0
    many = net_sentiment(Counts(98, negative=19, neutral=40, positive=39))
    assert many is not None
    # (39.5 - 19.5) / 100 = 0.2, and 2 * sqrt((0.59 - 0.04) / 100)
    assert (many.low, many.high) == (pytest.approx(0.2 - 0.14832, abs=1e-5), pytest.approx(0.34832, abs=1e-5))


def test_a_share_moves_beyond_chance_or_does_not() -> None:
    # 0.5 - 0.25 over sqrt(0.25 / 100 + 0.1875 / 100)
    assert share_surprise(50, 100, 25, 100) == pytest.approx(3.7796, abs=1e-4)
    assert share_surprise(1, 2, 0, 0) == share_surprise(3, 3, 3, 3) == 0
