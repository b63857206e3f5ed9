"""Replies on their way out: who may send what, who has to look at it first, and that it is sent once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from square import Square
from stored import complain

from monitor.cases import Cases, Change
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.errors import AuthError, GiveUp, Refused, RetryLater, Uncertain
from monitor.models import CaseRow, MentionRow, ReplyRow
from monitor.outgoing import Outgoing, Replies, composing
from monitor.reply_stage import PATIENCE, SETTLE, ReplyStage
from monitor.settings import Settings
from monitor.sources.base import Capabilities, Reply, SeenReply


class Room:
    def __init__(self, db: Database, clock: ManualClock, settings: Settings) -> None:
        self.db, self.clock, self.settings = db, clock, settings
        self.heard: list[Change] = []
        self.cases = Cases(db, settings, [lambda session, change: self.heard.append(change)])
        self.square = Square(clock)
        self.replies = Replies(db, self.cases, settings, self.source)
        self.stage = ReplyStage(db, clock, self.cases, self.source, "worker")
        self.case = complain(db, settings, clock.now())

    def source(self, name: str) -> Any:
        return self.square if name == "news" else None

    def submit(self, text: str = "We are on it", actor: str = "ann", key: str = "k1", **more: Any) -> Outgoing:
        return self.replies.submit(self.case, text, actor, "slack", self.clock.now(), key, **more)

    def run(self, minutes: float = 60) -> None:
        until = self.clock.now() + timedelta(minutes=minutes)
        while self.clock.now() < until and any(r.state in ("pending", "sending", "unknown") for r in self.all()):
            self.stage.run_once()
            self.clock.move(timedelta(seconds=1))

    def all(self) -> list[Outgoing]:
        with self.db.read() as session:
            return self.replies.of_case(session, self.case)

    def state(self) -> Any:
        with self.db.read() as session:
            return self.cases.get(session, self.case)

    def events(self) -> list[str]:
        with self.db.read() as session:
            return [event.kind for event in self.cases.history(session, self.case)]


@pytest.fixture
def room(db: Database, clock: ManualClock, make_settings: Callable[..., Settings]) -> Room:
    return Room(db, clock, make_settings())


def test_a_reply_is_stored_then_sent_and_stops_the_clock_at_its_true_time(room: Room) -> None:
    room.clock.move(timedelta(minutes=12))
    stored = room.submit()
    assert (stored.state, room.square.posts, room.state().state) == ("pending", [], "open")
    room.stage.run_once()
    (sent,) = room.all()
    assert (sent.state, sent.url) == ("sent", "https://square.example/k1")
    case = room.state()
    assert (case.state, case.owner, case.met, case.calendar_seconds) == ("replied", "ann", True, 720.0)
    change = room.heard[-1]
    assert (change.event, change.actor, change.detail["url"]) == ("reply", "ann", "https://square.example/k1")
    assert change.detail["text"] == "We are on it"


def test_the_same_submission_twice_is_one_reply(room: Room) -> None:
    assert room.submit().id == room.submit().id
    room.run()
    assert room.submit().state == "sent"
    room.run()
    assert len(room.square.posts) == 1


def test_what_cannot_go_out_is_refused_before_it_is_stored(room: Room) -> None:
    for text, reason in (("  ", "needs words"), ("x" * 21, "Too long for the Square by 1: at most 20")):
        with pytest.raises(Refused, match=reason):
            room.submit(text)
    room.square.wall = "Only friends are answered here."
    with pytest.raises(Refused, match="Only friends"):
        room.submit()
    assert room.all() == []


def test_two_people_do_not_answer_at_once(room: Room) -> None:
    room.submit()
    with pytest.raises(Refused, match="A reply by ann is on its way"):
        room.submit("Sorry!", "bob", "k2")
    room.run()
    room.submit("And once more", "bob", "k3")
    room.run()
    assert [post.text for post in room.square.posts] == ["We are on it", "And once more"]


def test_a_closed_case_has_to_be_reopened_first(room: Room) -> None:
    room.cases.act(room.case, "resolve", "bob", "test", room.clock.now())
    with pytest.raises(Refused, match=r"resolved already\. Reopen it first"):
        room.submit()


def test_a_case_resolved_while_its_reply_was_on_the_way_keeps_the_reply(room: Room) -> None:
    room.submit()
    room.cases.act(room.case, "resolve", "bob", "test", room.clock.now())
    room.run()
    assert [reply.state for reply in room.all()] == ["sent"]
    assert room.events()[-1] == "reply_seen"


def test_a_lost_answer_is_looked_for_and_not_sent_again(room: Room) -> None:
    room.square.after = [Uncertain("the answer was lost")]
    room.submit()
    room.stage.run_once()
    assert room.all()[0].state == "unknown"
    room.stage.run_once()
    assert room.square.looks == 0  # what was posted may not show yet
    room.clock.move(SETTLE)
    room.stage.run_once()
    assert (room.square.looks, len(room.square.posts), room.all()[0].state) == (1, 1, "sent")
    assert room.state().state == "replied"


def test_a_call_that_never_arrived_is_made_again(room: Room) -> None:
    room.square.troubles = [Uncertain("the answer was lost"), RetryLater("busy"), None]
    room.submit()
    room.run()
    assert (len(room.square.posts), room.all()[0].state) == (1, "sent")
    assert room.square.posts[0].since == room.clock.now().replace(hour=12, minute=0, second=0)


def test_a_service_that_asks_to_wait_is_obeyed(room: Room) -> None:
    room.square.troubles = [RetryLater("slow down", timedelta(seconds=77))]
    room.submit()
    room.stage.run_once()
    room.clock.move(timedelta(seconds=76))
    room.stage.run_once()
    assert (room.square.posts, room.square.looks) == ([], 0)
    room.clock.move(timedelta(seconds=1))
    room.stage.run_once()
    assert room.all()[0].state == "sent"


@pytest.mark.parametrize("error", [Refused("Comments are locked"), AuthError("sources.news", "token refused")])
def test_a_refusal_keeps_the_words_and_is_told(room: Room, error: Exception) -> None:
    room.square.troubles = [error]
    room.submit(slack_user="U0ANN")
    room.run()
    assert room.all()[0].state == "failed"
    change = room.heard[-1]
    assert (change.event, change.actor, change.detail["slack_user"]) == ("reply_failed", "ann", "U0ANN")
    assert change.detail["text"] == "We are on it"
    assert str(error) in change.detail["why"]
    assert room.state().clock == "running"
    with room.db.read() as session:
        unsent = room.replies.unsent(session, room.case, "bob")
        assert unsent is not None
        assert unsent.text == "We are on it"
    room.submit("We are on it", key="k2")
    room.run()
    assert room.state().state == "replied"
    with room.db.read() as session:
        assert room.replies.unsent(session, room.case, "bob") is None


@pytest.mark.parametrize("lost", [True, False])
def test_after_half_an_hour_a_person_hears_of_it(room: Room, lost: bool) -> None:
    room.square.troubles = [Uncertain("lost") if lost else RetryLater("down")] * 1000
    room.square.blind = [RetryLater("down")] * 1000
    room.submit()
    room.run(PATIENCE.seconds / 60 + 5)
    assert room.all()[0].state == "failed"
    assert room.heard[-1].detail.get("perhaps") == (True if lost else None)


def test_where_nobody_can_look_it_is_not_sent_on_suspicion(room: Room) -> None:
    room.square.after = [Uncertain("lost")]
    room.square.blind = [GiveUp("the account's posts cannot be read")]
    room.submit()
    room.run()
    assert (len(room.square.posts), room.all()[0].state) == (1, "failed")
    assert room.heard[-1].detail["perhaps"] is True


def test_an_unforeseen_failure_is_looked_into_before_it_is_tried_again(room: Room) -> None:
    room.square.after = [KeyError("data")]
    room.submit()
    room.run()
    assert (len(room.square.posts), room.square.looks, room.all()[0].state) == (1, 1, "sent")


def test_a_worker_that_slept_through_its_lease_leaves_it_to_the_next(room: Room) -> None:
    class Slow(Square):
        def reply(self, reply: Reply, now: datetime) -> SeenReply:
            sent = super().reply(reply, now)
            self.clock.move(timedelta(minutes=4))
            other.run_once()
            return sent

    room.square = Slow(room.clock)
    other = ReplyStage(room.db, room.clock, room.cases, room.source, "other")
    room.submit()
    room.stage.run_once()
    assert len(room.square.posts) == 1
    assert room.events().count("reply") == 1


def test_the_reply_seen_on_the_source_later_is_the_same_reply(room: Room) -> None:
    room.submit()
    room.run()
    at = room.clock.now()
    room.cases.act(room.case, "reply_seen", "acmehelp", "source", at, key="reply:r-k1")
    assert room.events().count("reply") == 1
    assert "reply_seen" not in room.events()


def test_a_reply_goes_to_the_last_words_of_the_customer(room: Room) -> None:
    with room.db.write() as session:
        first = session.scalar(select(MentionRow))
        assert first is not None
        for number, more in enumerate(({}, {"own": True}, {"removed_at": room.clock.now()}), 2):
            at = room.clock.now() + timedelta(minutes=number)
            given = {"source": "news", "external_id": f"again{number}", "text": "?", "brands": ["Acme"]} | more
            session.add(MentionRow(**given, posted_at=at, seen_at=at, case_id=room.case))
    room.submit()
    room.run()
    assert room.square.posts[0].to == "again2"


def test_a_source_that_left_the_configuration_says_so(room: Room) -> None:
    room.submit()
    room.square.capabilities = Capabilities()
    room.run()
    assert room.all()[0].error == "news is not configured to take replies any more"
    with pytest.raises(Refused, match="takes no replies from here"):
        room.submit(key="k2")


@pytest.fixture
def careful(db: Database, clock: ManualClock, make_settings: Callable[..., Settings]) -> Room:
    return Room(db, clock, make_settings(replies={"approval": [{"severity": ["high"], "brand": ["Acme"]}]}))


def test_a_second_person_lets_it_go_out_and_its_author_cannot(careful: Room) -> None:
    reply = careful.submit(slack_user="U0ANN")
    careful.run()
    assert (reply.state, careful.square.posts) == ("awaiting_approval", [])
    assert careful.events()[-1] == "reply_waits"
    with pytest.raises(Refused, match="you wrote it"):
        careful.replies.approve(reply.id, "ann", careful.clock.now(), "U0ANN")
    with pytest.raises(Refused, match="A reply by ann waits for approval"):
        careful.submit("Sorry", "bob", "k2")
    careful.replies.approve(reply.id, "bob", careful.clock.now(), "U0BOB")
    with pytest.raises(Refused, match="bob was faster: it is on its way"):
        careful.replies.approve(reply.id, "cem", careful.clock.now(), "U0CEM")
    careful.run()
    assert len(careful.square.posts) == 1
    assert careful.state().owner == "ann"


def test_what_is_declined_goes_back_to_its_author_with_the_reason(careful: Room) -> None:
    reply = careful.submit()
    careful.replies.decline(reply.id, "bob", careful.clock.now(), reason="Say when")
    with careful.db.read() as session:
        draft = careful.replies.unsent(session, careful.case, "ann")
        assert draft is not None
        assert (draft.text, draft.error) == ("We are on it", "Declined by bob: Say when")
        assert careful.replies.unsent(session, careful.case, "bob") is None
    again = careful.submit("Tomorrow", key="k2")
    careful.replies.decline(again.id, "ann", careful.clock.now())  # its author takes it back
    assert careful.all() == []


def test_only_those_named_may_approve(db: Database, clock: ManualClock, make_settings: Callable[..., Settings]) -> None:
    room = Room(db, clock, make_settings(replies={"approval": [{}], "approvers": ["U0LEAD", "mia"]}))
    reply = room.submit()
    with pytest.raises(Refused, match="not among those who approve"):
        room.replies.approve(reply.id, "bob", clock.now(), "U0BOB")
    assert room.replies.approve(reply.id, "mia", clock.now()).state == "pending"


def test_rules_for_other_cases_ask_for_nothing(
    db: Database, clock: ManualClock, make_settings: Callable[..., Settings]
) -> None:
    rules = [{"language": ["et"]}, {"severity": ["high"], "topic": ["billing"]}]
    assert Room(db, clock, make_settings(replies={"approval": rules})).submit().state == "pending"


def test_who_writes_counts_as_busy_for_a_while_and_keeps_a_draft(room: Room) -> None:
    def busy() -> str | None:
        with room.db.read() as session:
            return composing(session, room.case, room.clock.now())

    room.replies.compose(room.case, "ann", room.clock.now(), text="We a")
    assert busy() == "ann"
    room.clock.move(timedelta(minutes=4))
    room.replies.compose(room.case, "ann", room.clock.now(), text="We are")
    room.clock.move(timedelta(minutes=4))
    assert busy() == "ann"
    room.clock.move(timedelta(minutes=1))
    assert busy() is None
    room.replies.compose(room.case, "ann", room.clock.now())
    room.replies.stop_composing(room.case, "bob")
    assert busy() == "ann"
    with room.db.read() as session:
        draft = room.replies.unsent(session, room.case, "ann")
    assert draft is not None
    assert draft.text == "We are"
    room.submit()
    assert busy() is None
    with room.db.read() as session:
        assert room.replies.unsent(session, room.case, "ann") is None
        assert session.scalars(select(ReplyRow.state)).all() == ["pending"]


def test_it_works_on_both_databases(
    any_db: Database, clock: ManualClock, make_settings: Callable[..., Settings]
) -> None:
    room = Room(any_db, clock, make_settings(replies={"approval": [{}]}))
    room.replies.compose(room.case, "ann", clock.now(), text="We")
    reply = room.submit()
    room.replies.decline(reply.id, "bob", clock.now())
    reply = room.submit(key="k2")
    room.square.after = [Uncertain("lost")]
    room.replies.approve(reply.id, "bob", clock.now())
    room.run()
    assert room.state().state == "replied"
    assert len(room.square.posts) == 1
    with any_db.read() as session:
        assert session.scalars(select(CaseRow.composing_until)).all() == [None]
