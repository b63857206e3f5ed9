"""What is heard is stored once, in one commit, and before it is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitor import faults
from monitor.aftermath import StoreListener
from monitor.brands import Brands
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.hooks import Hooks
from monitor.intake import Intake
from monitor.models import CallRow, MentionRow, RejectRow, SourceState
from monitor.settings import BrandSettings, Settings, SourceSettings
from monitor.sources.base import Author, Capabilities, Item, SeenReply
from monitor.sources.hooks import Call, CallRefused, Heard
from tests.hooks.bell import Bell
from tests.stored import complain

BRANDS = Brands([BrandSettings(name="Acme", match="acme", accounts=["acmehelp"])])
WORD = {"x-word": "open sesame"}


class Listener:
    """Hears of replies; nothing else happens here."""

    def __init__(self, heard: list[Any]) -> None:
        self.heard = heard

    def reply_seen(self, session: Session, case_id: int, reply: SeenReply) -> None:
        self.heard.append((case_id, reply.external_id))


def hooks(db: Database, clock: ManualClock, seen: list[Any] | None = None, source: Bell | None = None) -> Hooks:
    settings = SourceSettings(name="bell", type="bell")
    heard = [] if seen is None else seen
    sources: Mapping[str, Any] = {"bell": (source or Bell(), settings)}
    return Hooks(db, clock, sources, Intake(db, sources, BRANDS, [cast(StoreListener, Listener(heard))]))


def call(body: str, **headers: str) -> Call:
    return Call("POST", WORD | {f"x-{name}": value for name, value in headers.items()}, {}, body.encode())


def texts(db: Database) -> list[str]:
    with db.read() as session:
        return list(session.scalars(select(MentionRow.text).order_by(MentionRow.id)))


def test_what_is_heard_is_stored_when_the_call_returns(any_db: Database, clock: ManualClock) -> None:
    received = hooks(any_db, clock).receive("bell", call("1 acme is slow\n2 somebody else\n3 acme is rude"))
    assert (received.stored.new, received.stored.unmatched) == (2, 1)
    assert texts(any_db) == ["acme is slow", "acme is rude"]


def test_a_copy_of_a_call_stores_nothing_until_it_would_be_too_old_anyway(any_db: Database, clock: ManualClock) -> None:
    first = call("1 acme is slow", id="n1")
    assert not hooks(any_db, clock).receive("bell", first).repeated
    hooks(any_db, clock).receive("bell", call("1 acme is fast again", id="n2"))
    assert hooks(any_db, clock).receive("bell", first).repeated
    assert texts(any_db) == ["acme is fast again"]
    clock.move(timedelta(minutes=6))
    hooks(any_db, clock).receive("bell", call("4 acme", id="n3"))
    with any_db.read() as session:
        assert list(session.scalars(select(CallRow.nonce))) == ["n3"]


@pytest.mark.parametrize("at", ["hooks.stored", "mentions.inserted"])
def test_a_call_that_was_cut_short_leaves_nothing_and_may_come_again(
    db: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    def die(name: str) -> None:
        if name == at:
            raise RuntimeError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(faults, "step", die)
        with pytest.raises(RuntimeError):
            hooks(db, clock).receive("bell", call("1 acme", id="n1"))
    assert texts(db) == []
    assert hooks(db, clock).receive("bell", call("1 acme", id="n1")).stored.new == 1


def test_an_item_that_cannot_be_read_is_kept_with_its_reason_and_the_others_are_stored(
    db: Database, clock: ManualClock
) -> None:
    hooks(db, clock).receive("bell", call("1 acme\n2\n3 acme too"))
    assert texts(db) == ["acme", "acme too"]
    with db.read() as session:
        assert session.scalars(select(RejectRow.reason)).all() == ["2: text is missing"]


class Garbling(Bell):
    """Its second item has a date that no database takes."""

    def hear(self, call: Call, now: Any) -> Heard:
        wrong = Item("2", "acme", now, author=Author("ann"), rating="five")  # type: ignore[arg-type]
        heard = super().hear(call, now)
        return replace(heard, items=(*heard.items, wrong))


def test_an_item_at_which_the_database_takes_offence_does_not_cost_the_others(
    any_db: Database, clock: ManualClock
) -> None:
    hooks(any_db, clock, source=Garbling()).receive("bell", call("1 acme is slow"))
    assert texts(any_db) == ["acme is slow"]


def test_a_reply_by_the_brand_that_is_heard_stops_the_clock_of_its_case(
    db: Database, clock: ManualClock, make_settings: Callable[..., Settings]
) -> None:
    case_id = complain(db, make_settings(), clock.now(), source="bell", external_id="1")
    seen: list[Any] = []
    hooks(db, clock, seen).receive("bell", call("2 acme is sorry", author="acmehelp>1"))
    assert seen == [(case_id, "2")]


def test_what_a_reply_that_is_heard_answers_is_read_like_any_other(db: Database, clock: ManualClock) -> None:
    class Telling(Bell):
        capabilities = Capabilities(hook=True, parents=1)

        def parents(self, external_ids: tuple[str, ...]) -> tuple[Item, ...]:
            return tuple(Item(each, "acme is slow", clock.now()) for each in external_ids)

    received = hooks(db, clock, source=Telling()).receive("bell", call("2 same here!!", author="bob>1"))
    assert received.stored.new == 1
    assert texts(db) == ["same here!!"]


def test_the_newest_word_heard_shows_as_the_sources_newest(db: Database, clock: ManualClock) -> None:
    with db.write() as session:
        session.add(SourceState(name="bell"))
    hooks(db, clock).receive("bell", call("1 acme"))
    with db.read() as session:
        assert session.get_one(SourceState, "bell").newest_posted_at == clock.now()


def test_a_name_that_hears_nothing_is_refused(db: Database, clock: ManualClock) -> None:
    class Deaf(Bell):
        capabilities = replace(Bell.capabilities, hook=False)

    for refusing, name in ((hooks(db, clock), "door"), (hooks(db, clock, source=Deaf()), "bell")):
        with pytest.raises(CallRefused, match="there is no such hook") as caught:
            refusing.receive(name, call("1 acme"))
        assert caught.value.status == 404
    with db.read() as session:
        assert session.scalar(select(func.count()).select_from(MentionRow)) == 0
