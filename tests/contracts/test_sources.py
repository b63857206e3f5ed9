"""The contract suite for sources: that the page about it is true, and that it catches sources that break it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.budgets import StoredMeter, accounts
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.errors import BudgetSpent, Refused, RetryLater, Uncertain
from monitor.sources import REGISTRY, one_answer
from monitor.sources.base import Author, Capabilities, Cursor, Item, Page, Reply, SeenReply, first_of
from monitor.sources.contract import Answer, FakeService, SourceContract
from monitor.sources.streaming import News

ROOT = Path(__file__).parents[2]
_BLOCKS = re.findall(
    r"^```python\n(.*?)^```", (ROOT / "docs/write-a-source.md").read_text(encoding="utf-8"), re.S | re.M
)

page: dict[str, Any] = {"__name__": __name__}
for block in _BLOCKS:
    exec(compile(block, "docs/write-a-source.md", "exec", dont_inherit=True), page)


class TestTheForumOfThePage(page["TestForum"]):  # type: ignore[misc]
    pass


def test_the_archive_of_the_page_counts_what_it_spends_and_stops_where_nothing_is_left(
    db: Database, clock: ManualClock
) -> None:
    class Archive(page["Archive"]):  # type: ignore[misc]
        def ask(self, words: str) -> list[str]:
            return [words, words]

    archive = Archive("archive", Archive.Options(token="t", daily_units=250), ())
    archive.meter = StoredMeter(db, clock, "archive", archive.budgets)
    assert archive.search("acme") == archive.search("acme") == ["acme", "acme"]
    with pytest.raises(BudgetSpent):
        archive.search("acme")
    with db.read() as session:
        held = accounts(session, archive.budgets, clock.now())
    assert [held[budget].spent for budget in archive.budgets] == [200, 4]


@pytest.mark.parametrize("kind", sorted(REGISTRY))
def test_every_source_that_comes_with_firsthour_is_held_to_the_contract(kind: str) -> None:
    name = REGISTRY[kind].partition(":")[2]
    tests = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob("*/test_*.py")]
    assert any(re.search(rf"import .*\b{name}$", text, re.M) and "(SourceContract)" in text for text in tests)


class Wire:
    """A stream of Memory. It does not wait: what has come has come."""

    patience = 3  # empty looks until silence means that nobody is there

    def __init__(self, memory: Memory) -> None:
        self.memory, self.coming, self.cut, self.silent = memory, list[Item | None](), False, 0

    def hear(self, within: float) -> News:
        if self.cut:
            raise RetryLater("cut off")
        self.memory._well()
        coming, self.coming = self.coming, []
        self.silent = self.silent + 1 if self.memory.hushed else 0
        if self.silent > self.patience:
            raise RetryLater("nobody is there")
        return News(tuple(item for item in coming if self.readable(item)))

    def readable(self, item: Item | None) -> bool:
        return item is not None

    def close(self) -> None:
        if self in self.memory.wires:
            self.memory.wires.remove(self)


class Memory(FakeService):
    """A service and its source in one, which reads two items a page and keeps every promise."""

    page_size = 2
    lag = timedelta(minutes=5)
    network = True

    name = "memory"
    capabilities = Capabilities(
        reply=True, sees_replies=True, edits=True, deletions=True, look_up=2, parents=2, stream=True
    )
    wire = Wire

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.wires: list[Wire] = []
        self.hushed = False
        self.times = 1
        self.seen: dict[str, list[SeenReply]] = {}
        self.sent: list[tuple[Reply, SeenReply]] = []
        self.locked: set[str] = set()
        self.losing = False
        self.trouble: Answer | None = None

    def source(self) -> Memory:
        return self

    def post(self, text: str, at: datetime, author: str = "ann") -> str:
        self._publish(Item(str(len(self.items)), text, at, author=Author(author)))
        return str(len(self.items) - 1)

    def agree(self, external_id: str, at: datetime) -> str:
        self._publish(Item(str(len(self.items)), "acme: same here!!", at, author=Author("bob"), parent=external_id))
        return str(len(self.items) - 1)

    def _publish(self, item: Item) -> None:
        self.items.append(item)
        self._emit(item)

    def _emit(self, item: Item | None) -> None:
        for wire in self.wires:
            wire.coming += [] if self.hushed else [item] * self.times

    def listen(self) -> Wire:
        self._well()
        self.wires.append(self.wire(self))
        return self.wires[-1]

    def cut(self) -> None:
        for wire in self.wires:
            wire.cut = True

    def hush(self) -> None:
        self.hushed = True

    def double(self) -> None:
        self.times = 2

    def noise(self) -> None:
        self._emit(None)

    def garble(self, at: datetime) -> None:
        pass

    def answer(self, answer: Answer | None) -> None:
        self.trouble = answer

    def edit(self, external_id: str, text: str, at: datetime) -> None:
        self.items.append(replace(self.items[int(external_id)], text=text))

    def remove(self, external_id: str) -> None:
        self._publish(replace(self.items[int(external_id)], text="", removed=True))

    def answer_by_hand(self, external_id: str, account: str, at: datetime) -> None:
        seen = self.seen.setdefault(external_id, [])
        seen.append(SeenReply(f"r{len(seen)} {external_id}", at, account))

    def replies(self, external_id: str) -> list[str]:
        return [reply.text for reply, _ in self.sent if reply.to == external_id]

    def lock(self, external_id: str) -> None:
        self.locked.add(external_id)

    def lose_answer(self) -> None:
        self.losing = True

    def barrier(self, mention: str) -> str | None:
        return None

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        self._well()
        start = int((cursor or {}).get("read", 0))
        items = tuple(replace(item, posted_at=min(item.posted_at, now)) for item in self.items[start : start + 2])
        return Page(items, {"read": start + len(items)}, more=start + 2 < len(self.items))

    def look_up(self, external_ids: tuple[str, ...]) -> tuple[Item, ...]:
        self._well()
        latest = {item.external_id: item for item in self.items}
        return tuple(latest[each] for each in external_ids if each in latest)

    def parents(self, external_ids: tuple[str, ...]) -> tuple[Item, ...]:
        return self.look_up(external_ids)

    def check(self) -> str:
        self._well()
        return "reached"

    def replies_to(
        self, external_ids: tuple[str, ...], accounts: frozenset[str], besides: frozenset[str] = frozenset()
    ) -> Mapping[str, SeenReply]:
        own = {i: [reply for reply in self.seen.get(i, ()) if reply.author in accounts] for i in external_ids}
        return {i: reply for i, seen in own.items() if (reply := first_of(seen, besides)) is not None}

    # `reply` is the stand-in's as well as the source's: people who answer by hand, and firsthour
    def reply(self, reply: Any, *given: Any) -> Any:
        if not isinstance(reply, Reply):
            return self.answer_by_hand(reply, *given)
        if self.trouble is not None and self.trouble.status != 429:
            raise Uncertain("trouble")
        self._well()
        if reply.to in self.locked:
            raise Refused("there is a lock on it")
        sent = SeenReply(f"s{len(self.sent)}", given[0], "acmehelp")
        self.sent.append((reply, sent))
        self.seen.setdefault(reply.to, []).append(sent)
        if self.losing:
            raise Uncertain("the answer is lost")
        return sent

    def find_reply(self, reply: Reply) -> SeenReply | None:
        self._well()
        return next((sent for known, sent in self.sent if known.key == reply.key), None)

    def close(self) -> None:
        pass

    def _well(self) -> None:
        if self.trouble is not None:
            seconds = self.trouble.headers.get("retry-after")
            raise RetryLater("trouble", timedelta(seconds=int(seconds)) if seconds else None)


class TestASourceInMemory(SourceContract):
    @pytest.fixture
    def service(self) -> FakeService:
        return Memory()

    def test_a_refused_credential_is_an_auth_error(self) -> None:  # type: ignore[override]
        """It has none."""

    def test_a_refused_connection_says_what_to_do_next(self) -> None:  # type: ignore[override]
        """It knows no answers but trouble."""


class OwnersShop(Memory):
    """Where the owner answers a review, and then answers anew."""

    capabilities = Capabilities(reply=True, sees_replies=True, one_answer=True, edits=True, deletions=True)

    def __init__(self) -> None:
        super().__init__()
        self.edited: dict[str, datetime] = {}

    def edit(self, external_id: str, text: str, at: datetime) -> None:
        super().edit(external_id, text, at)
        self.edited[external_id] = at

    def answer_by_hand(self, external_id: str, account: str, at: datetime) -> None:
        self.seen[external_id] = [one_answer.owners_answer(external_id, f"at {at}", at, account)]

    def replies(self, external_id: str) -> list[str]:
        return super().replies(external_id)[-1:]

    def replies_to(
        self, external_ids: tuple[str, ...], accounts: frozenset[str], besides: frozenset[str] = frozenset()
    ) -> Mapping[str, SeenReply]:
        listed = [one_answer.Answered(i, self.edited.get(i), seen[-1]) for i, seen in self.seen.items()]
        return one_answer.answers_in([listed], external_ids, besides)


class TestASourceWhereTheOwnerAnswersOnce(TestASourceInMemory):
    @pytest.fixture
    def service(self) -> FakeService:
        return OwnersShop()


def test_an_answer_is_known_by_its_words_however_the_service_writes_them() -> None:
    written = one_answer.answer_id("7", "Sorry, <b>Ann</b> & all")
    assert one_answer.answer_id("7", "Sorry,  Ann &amp; all\n") == written
    assert one_answer.answer_id("7", "Sorry, Ben & all") != written
    assert one_answer.answer_id("8", "Sorry, Ann & all") != written


class Mute(OwnersShop):
    """Knows the owner's answer by the review alone, so that a person's words look like our notice."""

    def answer_by_hand(self, external_id: str, account: str, at: datetime) -> None:
        self.seen[external_id] = [SeenReply(external_id, at, account)]


class Forgetful(Memory):
    """Keeps its place in memory."""

    place = 0

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        page = super().fetch({"read": self.place}, now)
        self.place = page.cursor["read"]
        return page


class Hasty(Memory):
    """Moves its cursor to the present, whatever it has read."""

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        page = super().fetch(cursor, now)
        return replace(page, cursor={"read": len(self.items)}, more=False)


class Strict(Memory):
    """Reads only what is younger than the youngest it knows."""

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        newest = (cursor or {}).get("newest", 0.0)
        self._well()
        items = tuple(item for item in self.items if item.posted_at.timestamp() > newest)
        return Page(items, {"newest": max([newest, *(item.posted_at.timestamp() for item in items)])})


class Endless(Memory):
    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        return replace(super().fetch(cursor, now), more=True)


class Impatient(Memory):
    """Does not hear how long to wait."""

    def _well(self) -> None:
        if self.trouble is not None:
            raise RetryLater("trouble")


class Crashing(Memory):
    def _well(self) -> None:
        if self.trouble is not None:
            raise KeyError("data")


class Gullible(Memory):
    """Takes anybody's reply for the brand's."""

    def replies_to(
        self, external_ids: tuple[str, ...], accounts: frozenset[str], besides: frozenset[str] = frozenset()
    ) -> Mapping[str, SeenReply]:
        return {each: self.seen[each][0] for each in external_ids if each in self.seen}


class Hopeless(Memory):
    """Takes silence for deletion."""

    def look_up(self, external_ids: tuple[str, ...]) -> tuple[Item, ...]:
        try:
            return super().look_up(external_ids)
        except RetryLater:
            return tuple(replace(self.items[int(each)], text="", removed=True) for each in external_ids)


class Vague(Memory):
    """Says nothing of what replies answer while it is in trouble, as if there were nothing."""

    def parents(self, external_ids: tuple[str, ...]) -> tuple[Item, ...]:
        return () if self.trouble else super().parents(external_ids)


class Mistaken(Memory):
    """Gives the reply where it is asked for what that answers."""

    def parents(self, external_ids: tuple[str, ...]) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.parent in external_ids)


class Doubling(Memory):
    """Calls again when an answer was lost."""

    def reply(self, reply: Any, *given: Any) -> Any:
        try:
            return super().reply(reply, *given)
        except Uncertain:
            self.losing = False
            return super().reply(reply, *given)


class Blind(Memory):
    """Never finds what it has sent."""

    def find_reply(self, reply: Reply) -> SeenReply | None:
        self._well()
        return None


class Careless(Memory):
    """Says of a call whose fate is unknown that it surely failed."""

    def reply(self, reply: Any, *given: Any) -> Any:
        try:
            return super().reply(reply, *given)
        except Uncertain as error:
            raise RetryLater(str(error)) from None


def wired(**changes: Any) -> type[Memory]:
    """A Memory whose streams are broken in one way."""
    return type("Broken", (Memory,), {"wire": type("BrokenWire", (Wire,), changes)})


def _crash(self: Wire, item: Item | None) -> bool:
    return bool(item.text)  # type: ignore[union-attr]


Deaf = wired(patience=10_000)
Brittle = wired(readable=_crash)
Picky = wired(readable=lambda self, item: item is not None and not item.removed)
Sleepy = wired(readable=lambda self, item: item is not None and len(item.text) < 1_000)
Stale = wired(readable=lambda self, item: item is not None and item.posted_at > datetime(2026, 11, 20, 11, tzinfo=UTC))


class Terse(Memory):
    """Its stream says less than its pages."""

    def _emit(self, item: Item | None) -> None:
        super()._emit(replace(item, author=Author()) if item else None)


suite = SourceContract


@pytest.mark.parametrize(
    ("broken", "test"),
    [
        (Forgetful, suite.test_a_page_that_was_never_stored_is_given_again),
        (Hasty, suite.test_many_pages_are_read_to_the_end),
        (Hasty, suite.test_what_is_posted_during_a_poll_is_read_then_or_at_the_next),
        (Strict, suite.test_an_item_that_turns_up_late_is_still_read),
        (Strict, suite.test_an_item_from_the_future_does_not_hide_those_after_it),
        (Strict, suite.test_many_items_of_one_second_are_all_read),
        (Endless, suite.test_nothing_posted_is_no_error),
        (Impatient, suite.test_a_429_is_obeyed_to_the_second),
        (Crashing, suite.test_check_says_when_the_service_is_out_of_reach),
        (Gullible, suite.test_the_brands_reply_is_seen_and_nobody_elses),
        (Mute, suite.test_the_brands_reply_is_seen_and_nobody_elses),
        (Hopeless, lambda suite, service: suite.test_a_service_in_trouble_has_deleted_nothing(service, Answer(500))),
        (Vague, lambda suite, service: suite.test_trouble_with_what_a_reply_answers_is_told(service, Answer(500))),
        (Mistaken, suite.test_what_a_reply_answers_is_given_by_the_id_that_the_reply_names),
        (Doubling, suite.test_a_reply_whose_answer_was_lost_is_uncertain_and_then_found),
        (Blind, suite.test_a_reply_is_found_again_by_another_process),
        (Careless, suite.test_a_reply_whose_answer_was_lost_is_uncertain_and_then_found),
        (Deaf, suite.test_a_connection_without_any_sign_of_life_is_given_up),
        (Brittle, suite.test_noise_does_not_end_the_stream),
        (Picky, suite.test_what_is_removed_is_heard_as_removed),
        (Sleepy, suite.test_a_slow_listener_loses_nothing_without_being_told),
        (Stale, suite.test_an_older_item_after_a_newer_one_is_heard_too),
        (Terse, suite.test_what_is_posted_is_heard_just_as_it_would_be_read),
    ],
)
def test_the_suite_catches_a_source_that_breaks_a_promise(
    broken: type[Memory], test: Callable[[SourceContract, FakeService], None]
) -> None:
    with pytest.raises((AssertionError, AttributeError, KeyError, RetryLater, pytest.fail.Exception)):
        test(SourceContract(), broken())
