from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from monitor.brands import Brands
from monitor.cases import Cases
from monitor.clock import ManualClock
from monitor.copies import WITHIN, words_hash
from monitor.database import Database
from monitor.mentions import store_page
from monitor.models import MentionRow
from monitor.settings import BrandSettings, Settings
from monitor.sources.base import Author, Item, Page
from tests.stored import verdict

SETTINGS = Settings(brands=[BrandSettings(name="Acme", match="acme", accounts=["acmehelp"])])
BRANDS = Brands(SETTINGS.brands)
WORDS = "My Acme parcel has been lost for three weeks now and nobody answers"


def read(db: Database, clock: ManualClock, *items: Item, source: str = "news") -> None:
    with db.write() as session:
        store_page(session, source, Page(items, {}), BRANDS, (), clock.now())


def post(clock: ManualClock, external_id: str, text: str = WORDS, author: str = "ann", **more: Any) -> Item:
    return replace(Item(external_id, text, clock.now(), author=Author(author)), **more)


def folded(db: Database) -> dict[str, str | None]:
    """What each mention folds into, by their ids on their sources."""
    with db.read() as session:
        rows = session.scalars(select(MentionRow).order_by(MentionRow.id)).all()
    names = {row.id: f"{row.source} {row.external_id}" for row in rows}
    assert all((row.judging == "skipped") == (row.copy_of is not None or row.own) for row in rows)
    return {names[row.id]: names.get(row.copy_of or 0) for row in rows}


def test_a_repost_folds_into_what_it_passes_on(any_db: Database, clock: ManualClock) -> None:
    read(any_db, clock, post(clock, "1"))
    read(any_db, clock, post(clock, "2", author="bob", repost_of="1"), post(clock, "3", author="eve", repost_of="2"))
    assert folded(any_db) == {"news 1": None, "news 2": "news 1", "news 3": "news 1"}


def test_reposts_of_what_was_never_read_fold_into_the_first_of_them(any_db: Database, clock: ManualClock) -> None:
    reposts = [post(clock, str(number), author=f"a{number}", repost_of="0") for number in (1, 2, 3)]
    read(any_db, clock, *reposts[:2])
    read(any_db, clock, *reposts[2:])
    assert folded(any_db) == {"news 1": None, "news 2": "news 1", "news 3": "news 1"}


def test_the_same_words_by_the_same_author_in_another_place_are_one_post(any_db: Database, clock: ManualClock) -> None:
    read(any_db, clock, post(clock, "1", conversation="a"))
    read(any_db, clock, post(clock, "2", f"RT @ann: {WORDS.upper()}! https://t.example/x", "@Ann"), source="wall")
    read(any_db, clock, post(clock, "3", conversation="b"))
    assert folded(any_db) == {"news 1": None, "wall 2": "news 1", "news 3": "news 1"}


def test_one_post_read_by_two_sources_is_known_by_its_address(any_db: Database, clock: ManualClock) -> None:
    there = "https://blog.example.com/1"
    read(any_db, clock, post(clock, "1", url=there, author="ann"))
    read(any_db, clock, post(clock, "x", url=there, author="The Blog"), source="alerts")
    assert folded(any_db)["alerts x"] == "news 1"


@pytest.mark.parametrize(
    "other",
    [
        {"author": "bob"},
        {"text": "Acme lost it"},
        {"source": "news", "conversation": "a"},
        {"later": WITHIN + timedelta(seconds=1)},
    ],
    ids=["another customer", "few words", "asked again in the same place", "much later"],
)
def test_what_is_no_copy_is_judged_by_itself(db: Database, clock: ManualClock, other: dict[str, Any]) -> None:
    source, later = other.pop("source", "wall"), other.pop("later", timedelta(0))
    read(db, clock, post(clock, "1", other.get("text", WORDS), conversation="a"))
    clock.move(later)
    read(db, clock, post(clock, "2", **other), source=source)
    assert list(folded(db).values()) == [None, None]


def test_a_copy_that_is_edited_is_a_mention_of_its_own(any_db: Database, clock: ManualClock) -> None:
    read(any_db, clock, post(clock, "1"))
    read(any_db, clock, post(clock, "2"), source="wall")
    assert folded(any_db)["wall 2"] == "news 1"
    read(any_db, clock, post(clock, "2", WORDS + ", and now they have closed my account"), source="wall")
    assert folded(any_db)["wall 2"] is None


def test_a_case_counts_how_often_it_was_passed_on(any_db: Database, clock: ManualClock) -> None:
    read(any_db, clock, post(clock, "1"))
    cases = Cases(any_db, SETTINGS)
    with any_db.write() as session:
        mention_id = session.scalars(select(MentionRow.id)).one()
        session.execute(update(MentionRow).values(judging="judged"))
        case_id = cases.consider(session, {mention_id: verdict()}, clock.now())[mention_id]
    reposts = (post(clock, str(number), author=f"a{number}", repost_of="1") for number in range(2, 16))
    read(any_db, clock, *reposts)
    with any_db.read() as session:
        case = cases.get(session, case_id)
    assert (case.copies, case.mentions) == (14, 1)


@given(st.text(min_size=0, max_size=200))
def test_signs_links_and_handles_make_no_other_words(text: str) -> None:
    assert words_hash(text) == words_hash(f"RT @x: @somebody {text} https://t.example/abc !!")


def test_short_words_are_anybodys() -> None:
    assert words_hash("acme is so slow today!!") is None
