"""Replying from Slack, as slack-bolt dispatches what people do in the window."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from fake_slack import TOKEN, FakeSlack, Fault
from office import Office, idle
from slack_bolt import App, BoltRequest
from square import Square

from monitor.alerts.slack_app import build_app
from monitor.cases import Case
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.errors import Refused
from monitor.outgoing import Outgoing, Replies, composing
from monitor.reply_stage import ReplyStage
from monitor.settings import Settings

TEMPLATES = [
    {"name": "Sorry", "text": "Hi {name}!"},
    {"name": "Delivery", "text": "On its way.", "topic": "delivery"},
    {"name": "Turkish", "text": "Merhaba", "language": "tr"},
]


class Desk:
    """An office that answers on a Square, and somebody at its Slack."""

    def __init__(self, office: Office, slack: FakeSlack) -> None:
        self.office, self.slack = office, slack
        self.square = Square(office.clock)
        self.replies = Replies(office.db, office.cases, office.settings, lambda name: self.square)  # type: ignore[arg-type,return-value]
        self.app: App = build_app(
            office.settings, office.cases, office.db, office.clock, whispers=office.whispers, replies=self.replies
        )
        self.stage = ReplyStage(office.db, office.clock, office.cases, lambda name: self.square, "sender")  # type: ignore[arg-type,return-value]
        self.case = office.complain()
        self.stamps = itertools.count(1)
        office.deliver()

    def send(self, payload: dict[str, Any]) -> dict[str, Any]:
        response = self.app.dispatch(BoltRequest(mode="socket_mode", body=payload))
        assert response.status == 200
        idle(self.app)
        found: dict[str, Any] = json.loads(response.body) if response.body else {}
        return found

    def open(self, user: str = "ann") -> dict[str, Any]:
        self.send(self.slack.press(self.slack.posted("alert")[-1], "reply", user, f"1.{next(self.stamps)}"))
        return self.slack.open_view()

    def type(self, text: str, user: str = "ann", stamp: float | None = None) -> str:
        """Type in the window that was opened last; what it says below."""
        view = self.slack.open_view()
        at = stamp if stamp is not None else next(self.stamps)
        action = {"action_id": "reply_text", "block_id": self.field(), "type": "plain_text_input", "value": text}
        self.send(self.slack.in_view(view, user, **action, action_ts=f"{at}"))
        return self.below()

    def submit(self, text: str | None, user: str = "ann", view: dict[str, Any] | None = None) -> dict[str, Any]:
        typed: Any = {self.field(): {"reply_text": {"value": text}}}
        shown = view or self.slack.open_view()
        payload = self.slack.submit(shown, user)
        payload["view"]["state"]["values"] = typed
        answer = self.send(payload)
        self.stage.run_once()
        self.office.deliver()
        return answer

    def field(self) -> str:
        return next(b["block_id"] for b in self.slack.open_view()["blocks"] if b["type"] == "input")

    def below(self) -> str:
        text: str = self.slack.open_view()["blocks"][-1]["elements"][0]["text"]
        return text

    def said(self) -> str:
        text: str = self.slack.posted()[-1]["text"]
        return text

    def stored(self) -> list[Outgoing]:
        with self.office.db.read() as session:
            return self.replies.of_case(session, self.case.id)

    def now(self) -> Case:
        return self.office.case(self.case.id)

    def composing(self) -> str | None:
        with self.office.db.read() as session:
            return composing(session, self.case.id, self.office.clock.now())


Make = Callable[..., Desk]


@pytest.fixture
def make(db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings]) -> Make:
    def made(**sections: Any) -> Desk:
        return Desk(Office(db, clock, slack, make_settings, sections), slack)

    return made


@pytest.fixture
def desk(make: Make) -> Desk:
    return make(templates=TEMPLATES)


def texts(view: dict[str, Any]) -> str:
    return json.dumps(view["blocks"], ensure_ascii=False)


def test_a_reply_goes_from_the_window_to_the_customer_and_the_thread_shows_it(desk: Desk) -> None:
    view = desk.open()
    assert "My parcel never came." in texts(view)
    assert (view["title"]["text"], view["submit"]["text"]) == ("Reply on the Square", "Send")
    desk.office.later(minutes=9)
    assert desk.submit("We are on it") == {}
    assert [post.text for post in desk.square.posts] == ["We are on it"]
    assert (desk.now().state, desk.now().owner, desk.now().calendar_seconds) == ("replied", "ann", 540.0)
    assert "*ann* replied after 9 min, in time · <https://square.example/" in desk.said()
    assert ">We are on it" in desk.said()


def test_the_count_and_the_hints_follow_every_key(desk: Desk) -> None:
    desk.open()
    assert desk.below() == "0 of 20"
    assert (
        desk.type("We can't") == "8 of 20\n:warning: “can't” tends to anger people who complain. Say what you can do."
    )
    assert desk.type("We are on it") == "12 of 20"
    assert desk.type("x" * 23).startswith(":no_entry: *23 of 20: 3 too many for the Square*")


def test_an_older_key_that_comes_late_overwrites_nothing(desk: Desk) -> None:
    desk.open()
    desk.type("We are on", stamp=102)
    assert desk.type("We", stamp=101) == "9 of 20"
    assert desk.type("We are on it", stamp=103) == "12 of 20"


def test_a_count_that_slack_does_not_take_harms_nothing(desk: Desk, slack: FakeSlack) -> None:
    desk.open()
    slack.fault = lambda method, args: Fault("limited") if method == "views.update" else None
    assert desk.type("We") == "0 of 20"
    slack.fault = lambda method, args: None
    assert desk.type("We are") == "6 of 20"
    slack.views[slack.open_view()["id"]]["hash"] = "1.77"  # another process has drawn it
    assert desk.type("We are on") == "6 of 20"
    assert desk.type("We are on it") == "12 of 20"


def test_too_long_stays_in_the_window_with_the_reason(desk: Desk) -> None:
    desk.open()
    answer = desk.submit("x" * 21)
    assert answer == {
        "response_action": "errors",
        "errors": {"reply:0": "Too long for the Square by 1: at most 20."},
    }
    assert (desk.stored(), desk.square.posts) == ([], [])
    assert desk.submit("x" * 20) == {}
    assert len(desk.square.posts) == 1


def test_the_same_submission_twice_is_sent_once(desk: Desk) -> None:
    view = desk.open()
    desk.submit("We are on it", view=view)
    desk.submit("We are on it", view=view)
    assert len(desk.square.posts) == 1


def test_when_nothing_can_be_stored_the_words_stay_in_the_window(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.open()

    def broken(*args: Any, **more: Any) -> None:
        raise OSError("disk")

    with monkeypatch.context() as patch:
        patch.setattr(desk.replies, "submit", broken)
        assert "could not be stored" in desk.submit("We are on it")["errors"]["reply:0"]
    assert desk.submit("We are on it") == {}


def test_a_template_fills_the_field_and_another_takes_its_place(desk: Desk) -> None:
    view = desk.open()
    picker = next(b for b in view["blocks"] if b["type"] == "actions")["elements"][0]
    assert [option["text"]["text"] for option in picker["options"]] == ["Delivery", "Sorry"]

    def pick(value: str, typed: str) -> str:
        shown, name = desk.slack.open_view(), desk.field()
        payload = desk.slack.in_view(
            shown,
            "ann",
            action_id="reply_template",
            block_id="reply_actions",
            type="static_select",
            selected_option={"value": value},
            action_ts=f"{next(desk.stamps)}",
        )
        payload["view"]["state"]["values"] = {name: {"reply_text": {"value": typed}}}
        desk.send(payload)
        found: str = next(b for b in desk.slack.open_view()["blocks"] if b["type"] == "input")["element"][
            "initial_value"
        ]
        return found

    first = pick("1", "")
    assert first == f"Hi {desk.case.author}!"
    assert pick("0", first) == "On its way."
    assert pick("0", "Mine.") == "On its way.\n\nMine."
    assert desk.field() == "reply:3"
    assert desk.below() == "18 of 20"


def test_who_writes_counts_as_busy_and_closing_ends_it(desk: Desk) -> None:
    view = desk.open()
    assert desk.composing() == "ann"
    desk.type("We are")
    assert "*ann* is writing a reply just now as well" in texts(desk.open("bob"))
    closed = desk.slack.submit(view, "bob") | {"type": "view_closed", "is_cleared": False}
    desk.send(closed)
    assert desk.composing() is None
    again = desk.open("ann")
    assert next(b for b in again["blocks"] if b["type"] == "input")["element"]["initial_value"] == "We are"


def test_what_the_customer_and_we_said_before_is_on_top(desk: Desk) -> None:
    desk.open()
    desk.submit("We are on it")
    office = desk.office
    office.act(desk.now(), "resolve")
    office.later(hours=30)
    desk.case = office.complain("Again nothing!", author=desk.case.author)
    office.deliver()
    shown = texts(desk.open("bob"))
    assert "Again nothing!" in shown
    assert "2nd complaint in 30 days" in shown
    assert "delivery, resolved: “My parcel never came.” _We:_ “We are on it”" in shown


def test_a_refusal_of_the_service_is_told_in_the_thread_and_the_window_has_the_words(desk: Desk) -> None:
    desk.open()
    desk.square.troubles = [Refused("Comments are locked")]
    desk.submit("We are on it")
    assert desk.said().startswith(":warning: <@U0ANN> Your reply did not go out: Comments are locked\n>We are on it\n")
    assert desk.now().clock == "running"
    view = desk.open("bob")
    assert "Not sent: Comments are locked" in texts(view)
    assert desk.submit("We are on it!", "bob") == {}
    assert [post.text for post in desk.square.posts] == ["We are on it!"]


def test_where_the_service_takes_no_reply_the_window_opens_it_and_records(desk: Desk) -> None:
    desk.square.wall = "X takes replies only where the author mentioned you."
    view = desk.open()
    assert view["submit"]["text"] == "I have posted it"
    assert "X takes replies only where the author mentioned you." in texts(view)
    assert "It is noticed there, and the clock stops." in texts(view)
    buttons = next(b for b in view["blocks"] if b["type"] == "actions")["elements"]
    assert ("Open on the Square", desk.case.url) in [(b.get("text", {}).get("text"), b.get("url")) for b in buttons]
    desk.submit("We are on it")
    assert (desk.now().state, desk.square.posts) == ("replied", [])
    assert "*ann* replied" in desk.said()


def test_who_has_replied_there_already_says_so(desk: Desk) -> None:
    view = desk.open()
    desk.send(desk.slack.in_view(view, "ann", action_id="reply_elsewhere", block_id="reply_actions", type="button"))
    assert (desk.now().state, desk.square.posts, desk.composing()) == ("replied", [], None)
    assert "Recorded" in texts(desk.slack.open_view())


def test_two_people_who_send_at_once_leave_one_reply(desk: Desk) -> None:
    first, second = desk.open("ann"), desk.open("bob")
    payloads = []
    for view, user in ((first, "ann"), (second, "bob")):
        payload = desk.slack.submit(view, user)
        payload["view"]["state"]["values"] = {"reply:0": {"reply_text": {"value": f"By {user}"}}}
        payloads.append(payload)
    assert desk.send(payloads[0]) == {}
    assert desk.send(payloads[1])["errors"]["reply:0"].startswith("A reply by ann is on its way already.")
    desk.stage.run_once()
    assert [post.text for post in desk.square.posts] == ["By ann"]


def test_a_second_pair_of_eyes(make: Make, slack: FakeSlack) -> None:
    desk = make(replies={"approval": [{"severity": ["high"]}]})
    assert desk.open()["submit"]["text"] == "Ask for approval"
    desk.submit("We are on it")
    assert desk.square.posts == []
    question = slack.posted("note")[-1]
    assert question["text"].startswith(":eyes: *ann* asks for a second pair of eyes")

    def press(action: str, user: str) -> None:
        desk.send(slack.press(question, action, user, f"2.{next(desk.stamps)}"))
        desk.stage.run_once()
        desk.office.deliver()

    press("reply_approve", "ann")
    assert slack.whispers[-1]["text"] == "Somebody else has to look at it: you wrote it."
    press("reply_decline", "bob")
    payload = slack.submit(slack.open_view(), "bob", reason={"value": None})
    payload["view"]["state"]["values"] = {"reason": {"reason": {"value": "Say when"}}}
    desk.send(payload)
    desk.office.deliver()
    assert "*bob* gave the reply back to <@U0ANN>" in desk.said()
    assert [b["type"] for b in question["blocks"]] == ["section", "context"]
    assert "Declined by bob: Say when" in texts(desk.open())
    desk.submit("Tomorrow")
    question = slack.posted("note")[-1]
    press("reply_approve", "bob")
    assert [post.text for post in desk.square.posts] == ["Tomorrow"]
    assert (desk.now().state, desk.now().owner) == ("replied", "ann")
    old = slack.press(question | {"blocks": blocks_of(question)}, "reply_approve", "cem", "2.99")
    desk.send(old)
    assert slack.whispers[-1]["text"] == "bob was faster: it is sent already."


def blocks_of(question: dict[str, Any]) -> list[dict[str, Any]]:
    button = {"type": "button", "action_id": "reply_approve", "value": "2", "text": {"type": "plain_text", "text": "x"}}
    return [{"type": "actions", "block_id": "reply_asked:2", "elements": [button]}]


def test_a_closed_case_and_a_slow_press_say_why_nothing_opens(desk: Desk, slack: FakeSlack) -> None:
    payload = slack.press(slack.posted("alert")[-1], "reply", "ann", "1.5")
    desk.send(payload | {"trigger_id": "expired"})
    assert slack.whispers[-1]["text"] == "That took too long for Slack. Please press again."
    desk.office.act(desk.case, "resolve")
    desk.send(payload)
    assert slack.whispers[-1]["text"] == f"Case {desk.case.id} is resolved already. Reopen it if there is more to do."
    assert slack.views == {}


def test_who_may_not_act_may_not_reply(make: Make, slack: FakeSlack) -> None:
    desk = make(slack={"agents": ["U0BOB"], "bot_token": TOKEN})
    desk.send(slack.press(slack.posted("alert")[-1], "reply", "ann", "1.5"))
    assert "not among those who may act" in slack.whispers[-1]["text"]
    assert slack.views == {}


def test_hostile_words_of_the_customer_do_nothing_in_the_window(desk: Desk) -> None:
    desk.case = desk.office.complain("<!channel> <http://evil|bank> \u202e " + "x" * 40_000, author_name="<@U123>" * 99)
    desk.office.deliver()
    shown = texts(desk.open())
    assert "<!channel>" not in shown
    assert "<http://evil" not in shown
    assert "<@U123>" not in shown
    assert "\u202e" not in shown
