"""What replies answer: read where it is no mention, once, and kept only to judge them by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from monitor.author_records import erase, export
from monitor.brands import Brands
from monitor.cases import Cases
from monitor.classify.batch import ClassifyStage
from monitor.classify.model import load_classifier
from monitor.clock import ManualClock
from monitor.collect import CollectStage
from monitor.database import Database
from monitor.errors import AuthError, BudgetSpent, RetryLater
from monitor.models import CaseRow, MentionRow, ParentRow, VerdictRow
from monitor.parents import KEPT, MOST, forget_parents
from monitor.settings import BrandSettings, ClassifierSettings, Settings, SourceSettings
from monitor.sources.base import Author, Capabilities, Cursor, Item, Page

SETTINGS = Settings(brands=[BrandSettings(name="Acme", match="acme"), BrandSettings(name="Zeta", match="zeta")])
BRANDS = Brands(SETTINGS.brands)
COMPLAINT = "Acme charged me twice for one order and support keeps ignoring my emails. This is unacceptable."
HOUR = timedelta(hours=1)


class Place:
    """A source that lists `news` at each poll, and tells of each of `posts` who asks for it by its id."""

    def __init__(self, clock: ManualClock, at_once: int = 100) -> None:
        self.name, self.clock = "place", clock
        self.capabilities = Capabilities(parents=at_once)
        self.posts: dict[str, Item] = {}
        self.news: list[Item] = []
        self.asked: list[tuple[str, ...]] = []
        self.trouble: Exception | None = None

    def writes(self, id: str, text: str, author: str = "ann") -> None:
        self.posts[id] = Item(id, text, self.clock.now() - 30 * 24 * HOUR, author=Author(author))

    def answers(self, id: str, parent: str, text: str = "same here!!") -> None:
        self.news.append(Item(id, text, self.clock.now(), author=Author("bob"), parent=parent))

    def fetch(self, cursor: Cursor | None, now: Any) -> Page:
        return Page(tuple(self.news), {})

    def parents(self, external_ids: tuple[str, ...]) -> tuple[Item, ...]:
        self.asked.append(external_ids)
        if self.trouble is not None:
            raise self.trouble
        return tuple(self.posts[each] for each in external_ids if each in self.posts)

    def close(self) -> None: ...


@pytest.fixture
def place(clock: ManualClock) -> Place:
    return Place(clock)


def stage(db: Database, place: Place, brands: Sequence[str] = ()) -> CollectStage:
    settings = SourceSettings(name="place", type="replay", brands=list(brands))
    return CollectStage(db, place.clock, {"place": (place, settings)}, BRANDS, "w")  # type: ignore[dict-item]


def kept(db: Database) -> dict[str, list[str]]:
    """The mentions and the brands that they are about."""
    with db.read() as session:
        found = session.execute(select(MentionRow.external_id, MentionRow.brands).order_by(MentionRow.id))
        return {external_id: list(brands) for external_id, brands in found}


def remembered(db: Database) -> dict[str, str]:
    with db.read() as session:
        return {row.external_id: row.text for row in session.scalars(select(ParentRow))}


def test_who_agrees_with_a_post_that_is_no_mention_is_kept_for_its_brand(any_db: Database, place: Place) -> None:
    place.writes("p", COMPLAINT)
    place.writes("q", "nice weather")
    place.answers("1", "p")
    place.answers("2", "q")
    place.answers("3", "gone")
    place.answers("4", "p", "what a day")
    assert stage(any_db, place).poll("place").new == 1
    assert kept(any_db) == {"1": ["Acme"]}
    assert place.asked == [("p", "q", "gone")]
    assert remembered(any_db) == {"p": COMPLAINT, "q": "nice weather", "gone": ""}


def test_each_is_asked_for_once(db: Database, place: Place) -> None:
    place.writes("p", COMPLAINT)
    place.answers("1", "p")
    place.answers("2", "gone")
    collect = stage(db, place)
    collect.poll("place")
    place.answers("3", "p")
    collect.poll("place")
    assert place.asked == [("p", "gone")]
    assert kept(db).keys() == {"1", "3"}


def test_nothing_is_asked_for_that_is_a_mention_or_comes_along(db: Database, place: Place) -> None:
    place.news.append(Item("m", COMPLAINT, place.clock.now()))
    place.answers("1", "m")
    collect = stage(db, place)
    collect.poll("place")
    place.answers("2", "m")
    place.answers("3", "m", "acme solved it within a minute, thanks")
    collect.poll("place")
    assert place.asked == []
    assert kept(db).keys() == {"m", "1", "2", "3"}


def test_a_reply_that_is_stored_asks_no_more_and_one_that_was_edited_does(db: Database, place: Place) -> None:
    place.writes("p", COMPLAINT)
    place.answers("1", "p", "acme: same here")
    place.trouble = RetryLater("503")
    collect = stage(db, place)
    for _ in range(3):
        collect.poll("place")
    assert place.asked == [("p",)]
    place.trouble = None
    place.news[0] = replace(place.news[0], text="acme: same here!!")
    collect.poll("place")
    assert place.asked == [("p",)] * 2


@pytest.mark.parametrize(
    "trouble", [BudgetSpent("0 units left"), RetryLater("503"), AuthError("x", "no"), KeyError("x")]
)
def test_trouble_with_it_keeps_no_page_from_being_stored(db: Database, place: Place, trouble: Exception) -> None:
    place.trouble = trouble
    place.answers("1", "p", "acme: same here")
    place.answers("2", "p")
    collect = stage(db, place)
    with capture_logs() as logs:
        collect.poll("place")
    assert kept(db) == {"1": ["Acme"]}
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["what replies answer was not read"]
    place.trouble = None
    place.writes("p", COMPLAINT)
    collect.poll("place")  # the second, which is about no brand by itself, is read again
    assert kept(db) == {"1": ["Acme"], "2": ["Acme"]}


def test_a_database_that_fails_meanwhile_is_not_taken_for_trouble_with_the_source(db: Database, place: Place) -> None:
    place.trouble = OperationalError("count", {}, Exception("database is locked"))
    place.answers("1", "p")
    with pytest.raises(OperationalError):
        stage(db, place).poll("place")


def test_only_so_many_are_asked_for_in_one_poll(db: Database, clock: ManualClock) -> None:
    place, few = Place(clock), Place(clock, at_once=3)
    for number in range(MOST + 5):
        for each in (place, few):
            each.answers(f"r{number}", f"p{number}")
    stage(db, place).poll("place")
    stage(db, few).poll("place")
    assert [len(ids) for ids in place.asked + few.asked] == [MOST, 3]
    assert not set(place.asked[0]) & set(few.asked[0])


def test_only_the_brands_of_the_source_are_inherited(db: Database, place: Place) -> None:
    place.writes("p", "acme or zeta? both are slow")
    place.answers("1", "p")
    stage(db, place, ["Zeta"]).poll("place")
    assert kept(db) == {"1": ["Zeta"]}


def test_who_agrees_with_a_complaint_complains_and_what_they_answer_opens_no_case(
    any_db: Database, place: Place
) -> None:
    place.writes("p", COMPLAINT, author="zoe")
    place.answers("1", "p")
    place.answers("2", "gone", "acme: same here")
    stage(any_db, place).poll("place")
    classifier = load_classifier(ClassifierSettings(threads=1))
    judge = ClassifyStage(any_db, place.clock, classifier, Cases(any_db, SETTINGS), "w")
    while judge.run_once():
        pass
    with any_db.read() as session:
        verdicts = select(MentionRow.external_id, VerdictRow.complaint).join_from(VerdictRow, MentionRow)
        assert dict(tuple(row) for row in session.execute(verdicts)) == {"1": True, "2": False}
        assert session.scalars(select(CaseRow.author)).all() == ["bob"]


def test_what_was_read_for_a_reply_is_forgotten_within_a_day(any_db: Database, place: Place) -> None:
    place.writes("p", COMPLAINT)
    place.answers("1", "p")
    stage(any_db, place).poll("place")
    place.clock.move(KEPT)
    forget = forget_parents(any_db)
    forget.run(place.clock.now())
    assert remembered(any_db).keys() == {"p"}
    place.clock.move(HOUR)
    forget.run(place.clock.now())
    assert remembered(any_db) == {}
    assert KEPT + forget.every < 24 * HOUR


def test_what_an_author_wrote_is_handed_out_and_erased_here_too(any_db: Database, place: Place) -> None:
    place.writes("p", COMPLAINT, author="Zoe")
    place.answers("1", "p")
    stage(any_db, place).poll("place")
    with any_db.read() as session:
        assert [row["text"] for row in export(session, "place", "@zoe")["parents"]] == [COMPLAINT]
    erase(any_db, "place", "@zoe", place.clock.now(), lambda *_: 0)
    assert remembered(any_db) == {}
    with any_db.read() as session:
        assert session.scalar(select(func.count(MentionRow.id))) == 1
