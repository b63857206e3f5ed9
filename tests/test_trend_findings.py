"""Titles say what moved, and plainly where nothing did."""

from __future__ import annotations

import math

import pytest

from monitor.trend_counts import surprise
from monitor.trend_figures import FIGURES, rate_surprise, sentiment_surprise, stars_surprise
from monitor.trend_findings import beyond_chance, figure_moved, moved, of_most
from monitor.trends import Change, Counts

THAN = "the 28 days before"


def change(by: str, name: str, now: int, before: int) -> Change:
    return Change(by, name, Counts(mentions=now), Counts(mentions=before), surprise(now, before))


@pytest.mark.parametrize(
    ("now", "before", "title"),
    [
        (493, 373, "Complaints up 32 % on the 28 days before"),
        (300, 400, "Complaints down 25 % on the 28 days before"),
        (90, 30, "Complaints up from 30 to 90 on the 28 days before"),
        (10, 0, "10 complaints, after none in the 28 days before"),
        (0, 9, "No complaints, after 9 in the 28 days before"),
        (0, 0, "No complaints, as in the 28 days before"),
        (412, 398, "Complaints moved within chance: 412, after 398 in the 28 days before"),
        (2, 0, "Complaints moved within chance: 2, after 0 in the 28 days before"),
        (1_000_000, 1_005_000, "Complaints down under 1 % on the 28 days before"),
    ],
)
def test_a_count_moved_or_did_not(now: int, before: int, title: str) -> None:
    assert moved("Complaints", now, before, THAN) == title


def test_what_makes_up_most_of_a_change_is_named() -> None:
    found = [change("topic", "delivery", 80, 20), change("topic", "price", 40, 20), change("source", "x", 70, 10)]
    assert of_most(200, 100, found, {}) == ", mostly delivery on x"
    assert of_most(200, 100, found[1:], {}) == ", mostly on x"
    assert of_most(200, 100, found[:2], {"delivery": "Delivery"}) == ", mostly Delivery"
    assert of_most(400, 100, found, {}) == ""
    assert of_most(100, 100, found, {}) == ""


def test_rates_and_means_move_too() -> None:
    bad, good = Counts(100, 50, 60, 20, 20, 40, 8000), Counts(100, 10, 20, 20, 60, 40, 16000)
    assert figure_moved("net_sentiment", bad, good, THAN) == "Net sentiment fell from +40 to −40 on the 28 days before"
    assert figure_moved("complaint_rate", good, bad, THAN, " on x") == (
        "Complaint rate on x fell from 50 % to 10 % on the 28 days before"
    )
    assert figure_moved("stars", good, bad, THAN) == "Stars rose from 2.0 to 4.0 on the 28 days before"
    within = "Net sentiment moved within chance: +40, after +40 in the 28 days before"
    assert figure_moved("net_sentiment", good, good, THAN) == within
    assert figure_moved("net_sentiment", Counts(), good, THAN) == "Nothing to reckon net sentiment from"
    assert figure_moved("stars", good, Counts(), THAN) == "Stars: 4.0; nothing is known of the period before"
    assert figure_moved("complaints", good, None, THAN) == "10 complaints; nothing is known of the period before"
    assert figure_moved("complaints", Counts(), None, THAN).startswith("No complaints; nothing is known")
    assert figure_moved("negative", bad, good, THAN, " in German").startswith("Negative mentions in German up from 20")


def test_surprise_is_in_standard_deviations() -> None:
    assert surprise(6, 2) == pytest.approx(4 / math.sqrt(8))
    assert surprise(0, 0) == 0
    # each mention is -1, 0 or 1: with 60 and 20 of 100 the variance is 0.8 - 0.16
    assert sentiment_surprise(Counts(100, 0, 60, 20, 20), Counts(100, 0, 20, 20, 60)) == pytest.approx(
        -0.8 / math.sqrt(2 * (0.8 - 0.16) / 100)
    )
    assert sentiment_surprise(Counts(5, 0, 5), Counts(7, 0, 7)) == 0
    assert rate_surprise(Counts(100, 50), Counts(100, 10)) == pytest.approx(0.4 / math.sqrt((0.25 + 0.09) / 100))
    # of stars it is not known how they vary: as much as they can
    assert stars_surprise(Counts(9, rated=8, hundredths=3200), Counts(9, rated=8, hundredths=1600)) == pytest.approx(2)
    assert stars_surprise(Counts(9), Counts(9)) == rate_surprise(Counts(), Counts(1, 1)) == 0
    found = [change("topic", "a", 40, 10), change("topic", "b", 20, 10)]
    assert [each.name for each in beyond_chance(found)] == ["a"]


def test_every_figure_has_a_definition_and_says_nothing_of_nothing() -> None:
    of = Counts(10, 4, 5, 2, 3, 2, 700)
    assert {name: figure.value(of) for name, figure in FIGURES.items()} == {
        "mentions": 10, "complaints": 4, "complaint_rate": 0.4, "net_sentiment": -0.2, "negative": 5, "positive": 3,
        "stars": 3.5,
    }  # fmt: skip
    assert all(figure.meaning.endswith(".") for figure in FIGURES.values())
    assert [figure.value(Counts()) for figure in FIGURES.values()] == [0, 0, None, None, 0, 0, None]
