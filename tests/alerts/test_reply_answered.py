"""Answered cases in the Reply window, and their words in its field, as slack-bolt dispatches the presses."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from fake_slack import FakeSlack, Fault
from inline_snapshot import snapshot
from office import Office, verdict
from sqlalchemy import delete
from sqlalchemy.orm import Session
from stored import judge

from monitor.alerts.reply_answered import answered_blocks
from monitor.classify.likeness import pack
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.models import CaseRow, FeaturesRow, MentionRow
from monitor.settings import Settings
from monitor.similar import Similar
from tests.alerts.test_blocks import NOW
from tests.alerts.test_reply_window import Desk

ANSWERS = ("Dear Noura, it comes on Monday.", "We send another.", "Call us.", "A fourth that is like it, too.")


class Town(Desk):
    """A desk with four answered cases like its own: the first the most alike, solved, and its customer satisfied."""

    def __init__(self, office: Office, slack: FakeSlack) -> None:
        super().__init__(office, slack)
        self.answered = [self.answer(said, n) for n, said in enumerate(ANSWERS)]
        with office.db.write() as session:
            first = session.get_one(CaseRow, self.answered[0])
            first.satisfaction = 5
            session.get_one(MentionRow, first.mention_id).author_name = "Noura"
            self.see(session, self.case.id, 0)
        office.act(office.case(self.answered[0]), "resolve")

    def answer(self, said: str, n: int) -> int:
        case = self.office.complain("Where is my parcel?", author=f"asker{n}")
        self.office.act(case, "reply", text=said)
        with self.office.db.write() as session:
            self.see(session, case.id, n)
        return case.id

    def see(self, session: Session, case_id: int, n: int) -> None:
        now = self.office.clock.now()
        judge(session, session.get_one(MentionRow, session.get_one(CaseRow, case_id).mention_id), verdict(), now)
        session.merge(FeaturesRow(case_id=case_id, features=pack(np.array((1.0, 0.1 * n), np.float32)), at=now))

    def suggested(self) -> list[str]:
        return [b["text"]["text"] for b in self.slack.open_view()["blocks"] if "accessory" in b]

    def use(self, case_id: int, typed: str | None) -> str:
        action = {"action_id": "reply_answered", "block_id": f"answered:{case_id}", "type": "button"}
        given = {self.field(): {"reply_text": {"value": typed}}}
        view = self.slack.open_view()
        stamp = f"{next(self.stamps)}"
        pressed = self.slack.in_view(view, "ann", value=str(case_id), action_ts=stamp, **action)
        pressed["view"]["state"]["values"] = given
        self.send(pressed)
        return self.standing()

    def standing(self) -> str:
        field = next(b for b in self.slack.open_view()["blocks"] if b["type"] == "input")
        return str(field["element"].get("initial_value", ""))

    def below(self) -> str:
        hints = next(b for b in self.slack.open_view()["blocks"] if b.get("block_id") == "hints")
        return str(hints["elements"][0]["text"])


@pytest.fixture
def town(db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings]) -> Town:
    return Town(Office(db, clock, slack, make_settings, {"templates": [{"name": "Sorry", "text": "Hi!"}]}), slack)


def test_the_window_shows_three_answered_cases_and_what_became_of_them(town: Town) -> None:
    town.open()
    first, *others = town.suggested()
    assert first.startswith(f"*solved*, rated 5 · case {town.answered[0]} · ")
    assert first.endswith(">Where is my parcel?\n_We:_\n>Dear [name], it comes on Monday.")
    assert [each.rpartition(">")[2] for each in others] == ["We send another.", "Call us."]


def test_its_words_go_into_the_field_above_what_was_typed_or_in_place_of_anothers(town: Town) -> None:
    town.open()
    assert town.use(town.answered[1], None) == "We send another."
    assert town.use(town.answered[0], "We send another.") == "Dear [name], it comes on Monday."
    assert town.use(town.answered[2], "Typed by hand.") == "Call us.\n\nTyped by hand."
    assert town.field() == "reply:3"
    assert town.below().startswith(":no_entry: *24 of 20")
    assert len(town.suggested()) == 3
    town.open("ann")
    assert town.standing() == "Call us.\n\nTyped by hand."  # it was kept as a draft as well


def test_nothing_that_was_typed_is_lost_where_both_are_too_long_for_the_field(town: Town) -> None:
    town.open()
    typed = "x" * 2990
    assert town.use(town.answered[1], typed) == f"We send \n\n{typed}"
    assert town.use(town.answered[1], "y" * 2999) == "y" * 2999


def test_what_is_typed_meanwhile_leaves_the_answered_cases_where_they_are(town: Town, slack: FakeSlack) -> None:
    town.open()
    late = slack.open_view() | {"blocks": [b for b in slack.open_view()["blocks"] if "accessory" not in b]}
    action = {"action_id": "reply_text", "block_id": "reply:0", "type": "plain_text_input", "value": "We are"}
    town.send(slack.in_view(late, "ann", **action, action_ts="77"))
    assert town.below() == "6 of 20"
    assert len(town.suggested()) == 3


def test_an_answer_that_is_gone_meanwhile_goes_from_the_window_and_the_field_stays(town: Town) -> None:
    town.open()
    with town.office.db.write() as session:
        mention_id = session.get_one(CaseRow, town.answered[0]).mention_id
        session.get_one(MentionRow, mention_id).removed_at = town.office.clock.now()
    assert town.use(town.answered[0], "Typed by hand.") == "Typed by hand."
    assert [each.rpartition(">")[2] for each in town.suggested()] == ["We send another.", "Call us.", ANSWERS[3]]


def test_where_the_service_takes_no_reply_they_are_shown_as_well(town: Town) -> None:
    town.square.wall = "X takes replies only where the author mentioned you."
    town.open()
    assert town.use(town.answered[1], "") == "We send another."
    town.submit("We send another.")
    assert town.now().state == "replied"


def test_the_window_opens_without_them_where_there_are_none_or_they_cannot_be_drawn(
    town: Town, slack: FakeSlack
) -> None:
    slack.fault = lambda method, args: Fault("limited") if method == "views.update" else None
    town.open()
    assert town.suggested() == []
    slack.fault = lambda method, args: None
    with town.office.db.write() as session:
        session.execute(delete(FeaturesRow))
    town.open()
    assert town.suggested() == []


def test_hostile_words_of_another_customer_do_nothing_in_the_window() -> None:
    hostile = "<!channel> <http://evil|bank> \u202e " + "x" * 40_000
    one = Similar(7, "<!here>", "x", "et", "delivery", "replied", "a", "b", hostile, hostile, NOW, 60.0, None, 0.5)
    blocks = answered_blocks([one] * 5, "Acme", NOW)
    assert len(blocks) == 4
    words = json.dumps(blocks, ensure_ascii=False)
    for what in ("<!channel>", "<!here>", "<http://evil", "\u202e"):
        assert what not in words


def test_what_is_shown_of_an_answered_case() -> None:
    one = Similar(7, "Nord", "x", "et", "delivery", "resolved", "a", "b", "Kus\npakk?", "Homme.", NOW, 60.0, 4, 0.5)
    assert answered_blocks([one], "Acme", NOW)[1]["text"]["text"] == snapshot("""\
*solved*, rated 4 · case 7 · <!date^1795181220^{time}|13:27 UTC> · Estonian · Nord
>Kus
>pakk?
_We:_
>Homme.\
""")
