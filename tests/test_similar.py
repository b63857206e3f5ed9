"""Answered cases like another: by what the model saw, else by words; without what was removed, erased or purged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import delete, select, update
from stored import complain

from monitor import case_features, word_index
from monitor.author_records import erase
from monitor.brands import Brands
from monitor.cases import Cases
from monitor.classify.likeness import CLOSE, CLOSE_AS_THEY_ARE, Space, pack, space
from monitor.classify.model import directory
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.mentions import store_page
from monitor.models import CaseRow, FeaturesRow, MentionRow, VerdictRow
from monitor.retention import purge
from monitor.settings import BrandSettings, ClassifierSettings, Settings
from monitor.similar import Similar, SolvedCases
from monitor.sources.base import Item, Page

DELIVERY, BILLING = (1.0, 0.0, 0.2), (0.0, 1.0, 0.2)


@pytest.fixture
def now(clock: ManualClock) -> datetime:
    return clock.now()


class Town:
    def __init__(self, db: Database, settings: Settings, now: datetime) -> None:
        self.db, self.settings, self.now = db, settings, now
        self.cases, self.solved = Cases(db, settings), SolvedCases(settings.classifier)

    def case(
        self,
        text: str,
        direction: tuple[float, ...] | None,
        answer: str | None = None,
        /,
        score: int | None = None,
        **more: Any,
    ) -> int:
        case_id = complain(self.db, self.settings, self.now, text, self.cases, **more)
        with self.db.write() as session:
            mention_id, said = session.execute(
                select(MentionRow.id, MentionRow.text)
                .join(CaseRow, CaseRow.mention_id == MentionRow.id)
                .where(CaseRow.id == case_id)
            ).one()
            word_index.put(session, [(mention_id, said)])
            if direction is not None:
                seen = pack(np.array(direction, np.float32))
                session.add(FeaturesRow(case_id=case_id, features=seen, at=self.now))
            session.get_one(CaseRow, case_id).satisfaction = score
        if answer is not None:
            self.cases.act(case_id, "reply", "Mari", "web", self.now, text=answer)
        return case_id

    def like(self, case_id: int, later: timedelta = timedelta(0)) -> list[Similar]:
        with self.db.read() as session:
            return self.solved.like(session, case_id, self.now + later)


@pytest.fixture
def town(any_db: Database, make_settings: Callable[..., Settings], now: datetime) -> Town:
    return Town(any_db, make_settings(), now)


def test_the_most_alike_come_first_with_what_was_answered(town: Town) -> None:
    town.case("The bill is wrong", BILLING, "We mend the bill.")
    close = town.case("Мой пакет не пришёл", (1.0, 0.3, 0.2), "It comes tomorrow.")
    closest = town.case("My parcel never came", DELIVERY, "We send another.")
    town.case("Where is my parcel", DELIVERY)  # not answered yet
    asked = town.case("Minu pakk ei tulnud", DELIVERY)
    found = town.like(asked)
    assert [each.id for each in found] == [closest, close]
    assert found[0].answered == "We send another."
    assert found[0].text == "My parcel never came"
    assert found[0].likeness == pytest.approx(1.0, abs=0.01)
    assert not found[0].by_words


def test_satisfied_customers_come_before_others_and_the_same_answer_comes_once(town: Town) -> None:
    town.case("late", DELIVERY, "Sorry.", score=1)
    glad = town.case("late", DELIVERY, "We send another.", score=5)
    town.case("late", (1.0, 0.05, 0.2), "We send another.")
    unsaid = town.case("late", DELIVERY, "It comes.")
    asked = town.case("late", DELIVERY)
    assert [each.id for each in town.like(asked)][:2] == [glad, unsaid]
    assert [each.answered for each in town.like(asked)] == ["We send another.", "It comes.", "Sorry."]


def test_what_is_answered_meanwhile_is_found_at_once(town: Town) -> None:
    other = town.case("late", DELIVERY)
    asked = town.case("late", DELIVERY)
    assert town.like(asked) == []
    town.cases.act(other, "reply", "Mari", "web", town.now, text="It comes.")
    assert [each.id for each in town.like(asked)] == [other]


def test_without_features_rare_words_that_are_shared_find_them(town: Town) -> None:
    other = town.case("The courier left my parcel with a neighbour", None, "We talk to the courier.")
    town.case("The app crashes", None, "We mend it.")
    (found,) = town.like(town.case("A neighbour has it, the courier says", None))
    assert found.id == other
    assert found.by_words


def test_what_corrections_taught_the_model_leaves_older_cases_alike(town: Town) -> None:
    other = town.case("late", DELIVERY, "Sorry.")
    with town.db.write() as session:
        session.execute(update(VerdictRow).values(model="test+2026-11-20"))
    asked = town.case("late", DELIVERY)
    assert [each.id for each in town.like(asked)] == [other]
    with town.db.write() as session:
        session.execute(update(VerdictRow).values(model="test2"))
        session.execute(update(VerdictRow).where(VerdictRow.mention_id == asked).values(model="test"))
    assert town.like(asked) == []


def test_one_of_the_same_brand_may_be_a_little_less_alike(town: Town) -> None:
    town.case("late", (1.0, 1.6, 0.2), "Sorry.", brands=["Nord"])
    asked = town.case("late", DELIVERY)
    assert town.like(asked) == []
    ours = town.case("late", (1.0, 1.6, 0.2), "It comes.")
    assert [each.id for each in town.like(asked)] == [ours]


def test_more_is_held_than_there_was_room_for_and_what_is_gone_makes_room(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case_features, "_SPARE", 1)
    asked = town.case("late", DELIVERY)
    answered = []
    for n in range(5):
        answered.append(town.case("late", DELIVERY, f"Answer {n}."))
        assert {each.id for each in town.like(asked)} == set(answered)
    with town.db.write() as session:
        session.execute(delete(FeaturesRow).where(FeaturesRow.case_id.in_(answered[1:4])))
    assert {each.id for each in town.like(asked, timedelta(hours=2))} == {answered[0], answered[4]}
    assert len(town.solved.features) == 2


def test_what_varies_most_in_the_models_sample_counts_least() -> None:
    chance = np.random.default_rng(1)
    where = Space(3, chance.normal(size=(500, 3)).astype(np.float32) * np.array((9, 1, 1), np.float32))
    one, mood, matter = (pack(np.array(at, np.float32)) for at in ((4, 2, 0), (-4, 2, 0), (4, -2, 0)))
    asked = where.direction(one)
    assert asked @ where.direction(mood) > asked @ where.direction(matter)
    rows, scale = where.placed(mood + matter)
    assert rows @ asked * scale == pytest.approx(
        [asked @ where.direction(mood), asked @ where.direction(matter)], abs=0.02
    )


def test_the_shipped_models_sample_is_what_its_features_are_compared_by() -> None:
    assert space(directory(ClassifierSettings()), 384).close == CLOSE
    assert space(directory(ClassifierSettings()), 3).close == space(None, 384).close == CLOSE_AS_THEY_ARE


def test_features_of_another_model_are_not_compared(town: Town) -> None:
    town.case("late", (1.0, 0.0), "Sorry.")
    assert town.like(town.case("late", DELIVERY)) == []


@pytest.mark.parametrize("way", ["removed", "purged", "erased"])
def test_what_is_gone_is_not_found_and_its_features_are_deleted(town: Town, way: str) -> None:
    gone = town.case(
        "late", DELIVERY, "Sorry.", external_id="gone", author="mari", seen_at=town.now - timedelta(days=50)
    )
    asked = town.case("late", DELIVERY)
    assert [each.id for each in town.like(asked)] == [gone]
    if way == "removed":
        acme = Brands([BrandSettings(name="Acme", match="acme")])
        with town.db.write() as session:
            item = Item(external_id="gone", text="", posted_at=town.now, removed=True)
            store_page(session, "news", Page(items=(item,), cursor={}), acme, (), town.now)
    elif way == "erased":
        erase(town.db, "news", "mari", town.now, lambda *_: 0)
    else:
        town.cases.act(gone, "resolve", "Mari", "web", town.now)
        later = town.now + timedelta(days=400)
        assert purge(town.db, later, timedelta(days=30)).mentions == 1
    assert town.like(asked) == []
    with town.db.read() as session:
        assert session.scalars(select(FeaturesRow.case_id)).all() == [asked]
    assert gone in town.solved.features
    assert town.like(asked, timedelta(hours=2)) == []
    assert gone not in town.solved.features  # nor is it kept in memory for longer than an hour


def test_an_answer_that_was_seen_on_the_source_is_known_by_its_words(town: Town) -> None:
    other = town.case("late", DELIVERY)
    with town.db.write() as session:
        given = {"source": "news", "external_id": "r1", "text": "We are on it.", "own": True, "brands": ["Acme"]}
        session.add(MentionRow(**given, posted_at=town.now, seen_at=town.now, judging="skipped"))
        town.cases.act_in(session, other, "reply_seen", "Acme", "source", town.now, key="reply:r1", url=None)
    (found,) = town.like(town.case("late", DELIVERY))
    assert found.answered == "We are on it."


def test_only_so_many_are_compared(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case_features, "MOST", 2)
    cases = [town.case("late", DELIVERY, f"Answer {n}.") for n in range(4)]
    asked = town.case("late", DELIVERY)
    assert {each.id for each in town.like(asked)} == set(cases[2:])


def test_a_case_that_is_not_there_has_none_like_it(town: Town) -> None:
    assert town.like(77) == []
    asked = town.case("late", DELIVERY)
    with town.db.write() as session:
        session.execute(delete(FeaturesRow))
    assert town.like(asked) == []
