"""Which templates fit a case, and what they say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from stored import complain

from monitor.cases import Case, Cases
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.settings import Settings
from monitor.templates import filled, fitting

TEMPLATES = [
    {"name": "Any", "text": "Hi {name}, {agent} of {brand} here. Your {product} ..."},
    {"name": "Estonian", "text": "Tere, {name}!", "language": "et"},
    {"name": "Turkish", "text": "Merhaba", "language": "tr"},
    {"name": "Estonian delivery", "text": "Otsime pakki", "language": "et", "topic": "delivery"},
    {"name": "Another brand's", "text": "x", "brand": "Globex"},
]


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    brands = [{"name": "Acme", "match": "acme", "product": "Acme Box"}]
    return make_settings(templates=TEMPLATES, brands=brands)


@pytest.fixture
def case(db: Database, clock: ManualClock, settings: Settings) -> Case:
    with db.read() as session:
        return Cases(db, settings).get(session, complain(db, settings, clock.now()))


def test_those_that_fit_come_with_the_most_particular_first(settings: Settings, case: Case) -> None:
    found = fitting(settings.templates, replace(case, language="et", topic="delivery"))
    assert [each.name for each in found] == ["Estonian delivery", "Estonian", "Any"]


def test_names_are_filled_in_and_address_nobody_else(settings: Settings, case: Case) -> None:
    any_ = settings.templates[0]
    assert (
        filled(any_, replace(case, author_name="Ann"), "mia", settings) == "Hi Ann, mia of Acme here. Your Acme Box ..."
    )
    hostile = replace(case, author_name="@everyone https://evil.example {agent}\u202e", author="ann")
    assert filled(any_, hostile, "mia", settings).startswith("Hi everyone {agent}, mia")
    nobody = replace(case, author_name=None, author=None)
    assert filled(any_, nobody, "mia", settings).startswith("Hi, mia of Acme")


@pytest.mark.parametrize(
    ("template", "wrong"),
    [({"name": "x", "text": "Hi {nmae}"}, "no placeholder"), ({"name": "x", "text": ""}, "at least 1")],
)
def test_a_template_that_cannot_be_filled_is_refused(
    make_settings: Callable[..., Settings], template: dict[str, Any], wrong: str
) -> None:
    with pytest.raises(ValueError, match=wrong):
        make_settings(templates=[template])
