from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from monitor.agreement import agrees
from monitor.brands import Brands
from monitor.cases import Cases
from monitor.classify.batch import ClassifyStage
from monitor.classify.model import load_classifier
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.mentions import store_page
from monitor.models import MentionRow, VerdictRow
from monitor.settings import BrandSettings, ClassifierSettings, Settings
from monitor.sources.base import Author, Item, Page

SETTINGS = Settings(brands=[BrandSettings(name="Acme", match="acme", block_authors={"*": ["troll"]})])
BRANDS = Brands(SETTINGS.brands)
COMPLAINT = "Acme charged me twice for one order and support keeps ignoring my emails. This is unacceptable."
PRAISE = "Acme delivered a day early and the packaging was lovely. Thank you, I am so happy with it!"

Judge = Callable[..., dict[str, bool]]


@pytest.fixture(scope="module")
def classifier() -> object:
    return load_classifier(ClassifierSettings(threads=1))


@pytest.fixture
def judge(db: Database, clock: ManualClock, classifier: object) -> Judge:
    """What the embedded model says of a text and of replies to it: whether each is a complaint."""

    def judge(text: str, *replies: str) -> dict[str, bool]:
        first = Item("0", text, clock.now() - timedelta(minutes=5), author=Author("ann"), conversation="0")
        more = [
            Item(str(number), reply, clock.now(), author=Author(f"a{number}"), conversation="0", parent="0")
            for number, reply in enumerate(replies, 1)
        ]
        for items in ((first,), tuple(more)):
            with db.write() as session:
                store_page(session, "forum", Page(items, {}), BRANDS, (), clock.now())
        stage = ClassifyStage(db, clock, classifier, Cases(db, SETTINGS), "w")  # type: ignore[arg-type]
        while stage.run_once():
            pass
        with db.read() as session:
            told = session.execute(select(MentionRow.text, VerdictRow.complaint).join_from(VerdictRow, MentionRow))
            return dict(tuple(row) for row in told)

    return judge


def test_who_agrees_with_a_complaint_complains(judge: Judge) -> None:
    replies = ("same here!!", "Me too, @acme", "bende de aynı sorun var", "Mul sama jama")
    assert judge(COMPLAINT, *replies) == dict.fromkeys((COMPLAINT, *replies), True)


def test_who_agrees_with_praise_does_not(judge: Judge) -> None:
    replies = ("same here!!", "Me too, @acme")
    assert judge(PRAISE, *replies) == dict.fromkeys((PRAISE, *replies), False)


def test_what_does_not_agree_is_judged_by_its_own_words(judge: Judge) -> None:
    replies = ("thanks, acme solved it for me within a minute", "which acme shop was that?")
    assert judge(COMPLAINT, *replies) == {COMPLAINT: True} | dict.fromkeys(replies, False)


def test_only_who_agrees_is_heard_without_naming_the_brand(db: Database, clock: ManualClock) -> None:
    said = [
        Item("0", COMPLAINT, clock.now()),
        Item("1", "same here!!", clock.now(), parent="0"),
        Item("2", "nice weather", clock.now(), parent="0"),
        Item("3", "same here!!", clock.now(), parent="404"),
        Item("4", "same here!!", clock.now(), parent="0", author=Author("troll")),
    ]
    for each in said:
        with db.write() as session:
            store_page(session, "forum", Page((each,), {}), BRANDS, (), clock.now())
    with db.read() as session:
        assert list(session.scalars(select(MentionRow.external_id).order_by(MentionRow.id))) == ["0", "1"]


@pytest.mark.parametrize(
    "text", ["same here!!", "SAME", "+1", "@ann me too 😡", "this!", "👆", "и мени, три недеље", "¡Lo mismo me pasó!"]
)
def test_agreement_is_known_in_few_words(text: str) -> None:
    assert agrees(text)


@pytest.mark.parametrize(
    "text",
    ["", "thanks!", "same day delivery is great", "where did you buy it?", "me too " + "and more " * 20, "thistle"],
)
def test_anything_else_speaks_for_itself(text: str) -> None:
    assert not agrees(text)
