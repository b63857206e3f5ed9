"""What rises in complaints and what no topic covers: counted by hand, and never by chance."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from monitor import rollups
from monitor.database import Database
from monitor.rising import clusters, rising_terms
from monitor.terms import ratio
from monitor.trend_counts import Filter
from monitor.trend_mentions import Behind
from monitor.trend_spans import Span
from monitor.trend_texts import NO_TEXTS, Texts, _people, texts
from tests.conftest import NOON
from tests.web import town

HOUR = timedelta(hours=1)
COMPLAINTS = ["my parcel is late", "the courier never came", "the app crashes", "charged twice", "nobody answers"]
MORE = ["again", "please help", "what is going on", "I want my money back", ""]


def written(*said: str, language: str = "en", author: str | None = "", topic: str = "delivery") -> Texts:
    """Each by somebody else, unless an author is given."""
    found = [
        Behind(n, NOON - timedelta(seconds=n), "x", None, f"a{n}" if author == "" else author, None, text, None,
               ("Acme",), language, "negative", topic, True, None)
        for n, text in enumerate(said)
    ]  # fmt: skip
    return Texts(_people(found), len(found), len(found))


def both(one: Texts, other: Texts) -> Texts:
    return Texts((*one.people, *other.people), one.read + other.read, one.of + other.of)


def usual(chance: random.Random, count: int) -> list[str]:
    return [f"{chance.choice(COMPLAINTS)} {chance.choice(MORE)}" for _ in range(count)]


def test_what_many_more_people_say_than_before_rises_once_with_examples() -> None:
    chance = random.Random(1)
    now = usual(chance, 180) + [f"the voucher is refused, {n % 7}" for n in range(20)]
    (found,) = rising_terms(written(*now), written(*usual(chance, 200)), 5)
    assert (found.term, found.count, found.of, found.before, found.of_before) == ("refused", 20, 200, 0, 200)
    assert found.topic == "delivery"
    assert [example.text for example in found.examples] == ["the voucher is refused, 0", "the voucher is refused, 1"]


def test_where_people_say_what_they_always_said_nothing_rises() -> None:
    chance = random.Random(2)
    found = [rising_terms(written(*usual(chance, 200)), written(*usual(chance, 200)), 5) for _ in range(40)]
    assert sum(map(bool, found)) <= 4  # 2 are expected of 40


def test_one_person_who_repeats_it_is_one_person() -> None:
    same = usual(random.Random(3), 200)
    loud = written(*["the voucher is refused"] * 50, author="loud")
    assert len(loud.people) == 1
    assert rising_terms(both(written(*same), loud), written(*same), 5) == ()


def test_a_word_does_not_rise_because_more_people_speak_its_language() -> None:
    german, english = ["das Paket ist zu spät"] * 10, ["the parcel is late"] * 50
    now = both(written(*german * 6, language="de"), written(*english))
    before = both(written(*german, language="de"), written(*english))
    assert rising_terms(now, before, 5) == ()


@pytest.mark.parametrize(
    ("text", "term"), [("クーポンが使えません", "クー"), ("คูปองใช้ไม่ได้", "คู"), ("القسيمة مرفوضة", "القسيمة مرفوضة")]
)
def test_scripts_of_all_kinds_rise(text: str, term: str) -> None:
    found = rising_terms(written(*[text] * 30, *["0"] * 70, language="xx"), written(*["0"] * 100, language="xx"), 3)
    assert found[0].count == 30
    assert term[:2] in found[0].term or found[0].term in text


def test_the_likelihood_ratio_is_that_of_two_shares() -> None:
    # 2 * (10 ln 2) + 2 * (90 ln(90/95) + 100 ln(100/95))
    assert ratio(10, 100, 0, 100) == pytest.approx(3.7933, abs=1e-4)
    assert ratio(0, 100, 10, 100) == pytest.approx(-3.7933, abs=1e-4)
    assert ratio(5, 100, 5, 100) == 0
    assert ratio(3, 3, 0, 0) == 0


def test_what_is_alike_is_one_cluster_named_by_its_own_words() -> None:
    music = [f"the {loud} music in the store hurts" for loud in ("loud", "awful", "loud", "terrible", "loud")]
    advert = [f"your tv advert is {bad}" for bad in ("insulting", "offensive", "insulting")]
    single = ["no toilets here", "the car park is closed", "a silly newsletter"]
    found = clusters(written(*music, *advert, *single), written(*single, music[0]), 6)
    assert [(each.count, each.before) for each in found] == [(5, 1), (3, 0)]
    assert "music" in " ".join(found[0].name)
    assert "advert" in " ".join(found[1].name)
    assert found[0].examples[0].text == music[0]
    assert clusters(NO_TEXTS, NO_TEXTS, 6) == ()
    assert clusters(written(*single), NO_TEXTS, 6) == ()


def stored(db: Database, count: int, hours: int, **more: Any) -> None:
    with db.write() as session:
        rows = [
            town.mention(session, town.AYSE, NOON - hours * HOUR * n / count - HOUR / 60, author=f"a{n}", **more)
            for n in range(count)
        ]
        rollups.count(session, [row.id for row in rows])


def test_of_more_than_can_be_read_a_part_is_read_evenly(any_db: Database) -> None:
    stored(any_db, 300, 96)
    stored(any_db, 20, 96, own=True)
    span = Span(NOON - 96 * HOUR, NOON)
    with any_db.read() as session:
        every = texts(session, span, Filter(("Acme",), complaint=True), 500)
        some = texts(session, span, Filter(("Acme",), complaint=True), 100)
        assert texts(session, span, Filter(("Beta",)), 100) == NO_TEXTS
    assert (every.read, every.of, len(every.people)) == (300, 300, 300)
    assert some.of == 300
    assert 90 <= some.read <= 110
    days = [sum((NOON - each.mentions[0].posted_at).days == day for each in some.people) for day in range(4)]
    assert all(20 <= count <= 30 for count in days)


def test_a_text_that_was_forgotten_says_nothing(db: Database) -> None:
    stored(db, 3, 3)
    stored(db, 2, 2, text="")
    with db.read() as session:
        found = texts(session, Span(NOON - 5 * HOUR, NOON), Filter(), 100)
    assert (found.read, len(found.people)) == (5, 3)
