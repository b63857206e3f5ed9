"""What customers are told without a person writing it: when, how often, and when not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fake_slack import FakeSlack
from office import verdict

from monitor.brands import Brands
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.errors import GiveUp, Refused, RetryLater, Uncertain
from monitor.replies import check_source
from monitor.settings import Settings
from monitor.sources.base import SeenReply
from tests.after.square import SECRET, CourteousOffice

SOON = "Hello, we have seen your message. A person from our team answers you here within 55 minutes."
Make = Callable[..., CourteousOffice]


@pytest.fixture
def make(db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings]) -> Make:
    def made(allows: tuple[str, ...] = ("auto_ack", "status_notes", "follow_up"), **rules: Any) -> CourteousOffice:
        return CourteousOffice(db, clock, slack, make_settings, rules, allows)

    return made


@pytest.fixture
def acks(make: Make) -> CourteousOffice:
    return make(("auto_ack",))


# Acknowledgements


def test_a_complaint_is_acknowledged_once_and_its_clock_goes_on(acks: CourteousOffice, slack: FakeSlack) -> None:
    case = acks.complain(author="mari")
    assert acks.go_on(minutes=1) == [SOON]
    assert acks.square.posts[0].to == case.external_id
    after = acks.case(case.id)
    assert (after.state, after.clock, after.first_response_at, after.due_at) == ("open", "running", None, case.due_at)
    assert (after.next_step_at, acks.events(case)) == (case.next_step_at, ["opened", "auto_ack"])
    acks.deliver()
    assert slack.posted()[-1]["text"] == (
        ":speech_balloon: The customer was told that we have seen this. The clock goes on."
    )
    assert acks.go_on(hours=1) == []


@pytest.mark.parametrize(
    ("judged", "why"),
    [
        (replace(verdict(), complaint_score=0.89), "it is doubtful whether it is a complaint"),
        (replace(verdict(), sentiment="neutral"), "it is doubtful whether it is a complaint"),
        (replace(verdict(), sentiment_scores=(0.79, 0.2, 0.01)), "it is doubtful whether it is meant badly"),
        (verdict(severity="critical"), "it is critical"),
        (verdict(topic="privacy"), "it is about privacy"),
        (verdict(language="de"), "there is no text in de"),
    ],
)
def test_a_doubtful_or_delicate_case_is_left_to_people(acks: CourteousOffice, judged: Any, why: str) -> None:
    acks.complain(judged=judged)
    assert acks.go_on(minutes=1) == []
    assert acks.outcomes() in ([], [("auto_ack", why)])


def test_a_case_that_becomes_critical_or_a_complaint_no_more_is_not_acknowledged(make: Make) -> None:
    office = make(("auto_ack",), auto_ack={"wait": "2m"})
    worse = office.complain(author="mari", conversation="t")
    office.complain("And my child was hurt", author="mari", conversation="t", judged=verdict(severity="critical"))
    office.act(office.complain(), "dismiss")
    office.act(office.complain(), "reply")
    assert office.case(worse.id).severity == "critical"
    assert office.go_on(minutes=2) == []


def test_where_there_is_room_for_one_answer_nothing_takes_the_place_of_a_persons(make: Make) -> None:
    office = make(after={"follow_up_wait": "0s"})
    office.square.capabilities = replace(office.square.capabilities, one_answer=True)
    case = office.complain()
    assert office.go_on(minutes=1) == [SOON]
    for event in ("take", "reply", "resolve"):
        office.act(case, event)
        assert office.go_on(hours=1) == []
    why = "the Square has room for one answer, whose place it would take"
    assert set(office.outcomes()) == {("auto_ack", "told"), ("status", why), ("follow_up", why)}


@pytest.mark.parametrize("more", [{"author": None}, {"backfill": True}, {"source": "elsewhere"}])
def test_who_cannot_be_counted_or_answered_is_not_acknowledged(acks: CourteousOffice, more: dict[str, Any]) -> None:
    acks.complain(**more)
    assert acks.go_on(minutes=1) == []


def test_a_source_that_did_not_ask_for_it_is_left_alone(make: Make) -> None:
    office = make(())
    case = office.complain()
    office.act(case, "take")
    office.act(case, "reply")
    office.act(case, "resolve")
    assert (office.go_on(days=1), office.outcomes()) == ([], [])


def test_an_author_is_acknowledged_once_a_day_however_their_handle_is_spelt(acks: CourteousOffice) -> None:
    for hours, author, times in ((0, "Mari", 1), (23, "@mari", 0), (0.9, "MARI", 0), (0.2, "mari", 1), (1, "juri", 1)):
        acks.later(hours=hours)
        acks.complain(author=author, brands=["Acme"], conversation=f"c{hours}")
        case = acks.complain("Another brand", author=author, brands=["Bolt"], conversation=f"d{hours}")
        assert case is not None
        assert len(acks.go_on(seconds=30)) == times, author


def test_a_storm_gives_each_author_one_acknowledgement(acks: CourteousOffice) -> None:
    for turn in range(60):
        acks.complain(author=f"customer {turn % 20}", conversation=f"c{turn}", brands=[f"Brand {turn}"])
    told = acks.go_on(seconds=10)
    for _ in range(20):
        told += acks.go_on(seconds=1)
    assert (len(told), len({post.to for post in acks.square.posts})) == (20, 20)


def test_at_night_the_promise_is_a_time_in_the_policys_zone(make: Make) -> None:
    clock = {"hours": ["mon-fri 09:00-12:00"], "timezone": "Europe/Tallinn", "target": "1h"}
    office = make(("auto_ack",), clock=clock)  # it is Friday, 14:00 in Tallinn
    office.complain(judged=verdict(language="et"))
    assert office.go_on(seconds=1) == [
        "Tere! Nägime teie sõnumit. Inimene meie meeskonnast vastab teile siin hiljemalt 23.11. 10:00 EET."
    ]


def test_own_texts_are_taken_and_a_name_is_only_said_if_it_is_one(make: Make) -> None:
    office = make(("auto_ack",), auto_ack={"texts": {"de": "Hallo {name}, {brand} antwortet in {minutes} Minuten."}})
    german = verdict(language="de")
    office.complain(judged=german, author_name="Jürgen Müller")
    office.complain(judged=german, author_name="http://evil.example buy")
    assert office.go_on(minutes=1) == [
        "Hallo Jürgen, Acme antwortet in 55 Minuten.",
        "Hallo, Acme antwortet in 55 Minuten.",
    ]


def test_a_text_that_is_too_long_for_the_source_is_not_sent(make: Make) -> None:
    office = make(("auto_ack",), auto_ack={"texts": {"en": "x" * 501}})
    office.complain()
    assert (office.go_on(minutes=1), office.outcomes()) == ([], [("auto_ack", "too long for the Square by 1")])


def test_where_the_source_takes_no_reply_nothing_is_sent_and_the_reason_is_kept(acks: CourteousOffice) -> None:
    acks.square.wall = "X takes no replies"
    acks.complain()
    assert (acks.go_on(minutes=1), acks.outcomes()) == ([], [("auto_ack", "X takes no replies")])


# On their way


def test_a_lost_answer_is_looked_for_and_nothing_is_said_twice(acks: CourteousOffice) -> None:
    case = acks.complain()
    acks.square.lost = [Uncertain("the answer was lost")]
    acks.go_on(minutes=1)
    assert acks.go_on(minutes=1) == []
    assert (len(acks.square.posts), acks.sent()) == (1, [("auto_ack", "sent")])
    assert acks.events(case) == ["opened", "auto_ack"]


def test_a_promise_in_minutes_is_not_sent_late(acks: CourteousOffice) -> None:
    acks.complain()
    acks.square.troubles = [RetryLater("busy", timedelta(minutes=6))]
    acks.go_on(minutes=1)
    assert (acks.go_on(minutes=7), acks.sent()) == ([], [("auto_ack", "dropped")])


def test_who_is_answered_before_the_acknowledgement_is_through_gets_none(acks: CourteousOffice) -> None:
    case = acks.complain()
    acks.square.troubles = [RetryLater("busy", timedelta(seconds=5))]
    acks.go_on(minutes=1)
    acks.act(case, "reply")
    assert (acks.go_on(seconds=10), acks.sent()) == ([], [("auto_ack", "dropped")])


def test_the_team_hears_when_the_source_refuses(acks: CourteousOffice, slack: FakeSlack) -> None:
    acks.complain()
    acks.square.troubles = [Refused("the thread is closed")]
    acks.go_on(minutes=1)
    acks.deliver()
    assert slack.posted()[-1]["text"].endswith(">The acknowledgement was not sent: the thread is closed")
    assert acks.go_on(days=2) == []


def test_an_acknowledgement_on_its_way_does_not_hold_up_a_persons_reply(acks: CourteousOffice) -> None:
    case = acks.complain()
    acks.notices.run_once()
    acks.replies.submit(case.id, "I am on it", "ann", "slack", acks.clock.now(), "k1")
    acks.go_on(seconds=1)
    assert acks.case(case.id).state == "replied"
    assert [post.text for post in acks.square.posts][-1] == "I am on it"


# Seen on the source again


def looked(office: CourteousOffice) -> int:
    """How many replies are noticed on the source."""

    def on_reply(session: Any, case_id: int, reply: SeenReply) -> None:
        office.cases.act_in(session, case_id, "reply_seen", reply.author, "source", reply.at)

    brands = Brands(office.settings.brands, lambda text: None)
    return check_source(office.db, "reddit", office.square, brands, on_reply, 0, 100)[0]  # type: ignore[arg-type]


def test_our_own_acknowledgement_on_the_source_is_no_reply_and_a_persons_after_it_is(acks: CourteousOffice) -> None:
    case = acks.complain()
    acks.go_on(minutes=1)
    assert (looked(acks), acks.case(case.id).state) == (0, "open")
    at = acks.clock.move(timedelta(minutes=9))
    acks.square.by_hand.append((case.external_id, SeenReply("h1", at, "acmehelp")))
    assert looked(acks) == 1
    assert (acks.case(case.id).state, acks.case(case.id).first_response_at) == ("replied", at)


def test_while_nobody_knows_whether_it_arrived_no_post_is_taken_for_a_reply(acks: CourteousOffice) -> None:
    case = acks.complain()
    acks.square.lost = [Uncertain("the answer was lost")]
    acks.go_on(minutes=1)
    assert (looked(acks), acks.case(case.id).state) == (0, "open")
    acks.square.blind = GiveUp("it shows no replies")
    acks.go_on(minutes=1)
    assert (looked(acks), acks.sent()) == (0, [("auto_ack", "failed")])
    assert acks.case(case.id).first_response_at is None


def test_our_own_acknowledgement_that_is_read_as_a_mention_is_no_reply(acks: CourteousOffice) -> None:
    from monitor.models import MentionRow
    from monitor.replies import answered

    case = acks.complain(conversation="t")
    acks.go_on(minutes=1)
    posts = {"conversation": "t", "author": "acmehelp", "own": True, "parent": case.external_id}
    with acks.db.write() as session:
        ours = MentionRow(**acks.mention(SOON, **posts) | {"external_id": f"r-{acks.square.posts[0].key}"})
        person = MentionRow(**acks.mention("Hello, this is Ann.", **posts))
        session.add_all([ours, person])
        session.flush()
        brands = Brands(acks.settings.brands, lambda text: None)
        found = answered(session, [ours.id, person.id], brands)
        assert [(case_id, seen.external_id) for case_id, seen in found] == [(case.id, person.external_id)]


# Status notes


def test_the_customer_hears_that_a_person_is_on_it_and_until_when(make: Make, slack: FakeSlack) -> None:
    office = make(("status_notes",), clock={"timezone": "Europe/Istanbul"})
    case = office.complain(judged=verdict(language="tr"))
    office.later(minutes=3)
    office.act(case, "take", actor="Ann Lee")
    assert office.go_on(seconds=1) == [
        "Şu anda bir kişi konuyla ilgileniyor. Size burada yanıt vereceğiz, en geç: 16:00 UTC+3."
    ]
    after = office.case(case.id)
    assert (after.state, after.first_response_at, after.due_at) == ("taken", None, case.due_at)
    office.deliver()
    assert ":mega: The customer was told, by itself · <https://square.example/" in slack.posted()[-1]["text"]


def test_a_promise_that_moves_is_told_and_no_more_often_than_allowed(make: Make) -> None:
    office = make(("status_notes",))
    case = office.complain()
    office.act(case, "take")
    assert office.go_on(seconds=1) == ["A person is on it now. You hear from us here by 13:00 UTC."]
    office.later(minutes=10)
    office.act(case, "snooze", until=office.clock.now() + timedelta(hours=1))
    assert office.go_on(minutes=5) == []
    assert office.go_on(minutes=15) == ["We need a little longer. You hear from us here by 14:00 UTC."]
    office.act(case, "snooze", until=office.clock.now() + timedelta(hours=1, minutes=1))
    assert office.go_on(minutes=31) == ["We need a little longer. You hear from us here by 14:21 UTC."]


def test_what_no_longer_holds_is_not_told_when_its_time_comes(make: Make) -> None:
    office = make(("status_notes",))
    case = office.complain()
    office.act(case, "take")
    office.go_on(seconds=1)
    office.act(case, "snooze", until=office.clock.now() + timedelta(hours=1))
    office.go_on(seconds=1)
    office.act(case, "reply")
    assert office.go_on(hours=1) == []
    assert office.outcomes() == [("status", "told"), ("status", "the case is replied")]


def test_a_late_case_is_promised_no_time(make: Make) -> None:
    office = make(("status_notes",))
    case = office.complain()
    office.later(minutes=70)
    office.act(case, "take")
    assert office.go_on(seconds=1) == ["A person is on it now and answers you here as soon as possible."]


def test_handing_over_says_nothing_new(make: Make) -> None:
    office = make(("status_notes",))
    case = office.complain()
    office.act(case, "take")
    office.go_on(seconds=1)
    office.act(case, "hand_over", to="bob")
    assert office.go_on(hours=0.9) == []


# Follow-ups


def test_a_solved_case_is_followed_up_with_a_link_that_works(make: Make) -> None:
    from monitor.survey import Survey

    office = make(
        ("follow_up",),
        after={"survey": True, "survey_secret": SECRET},
        web={"public_url": "https://help.acme.example"},
    )
    case = office.complain()
    office.act(case, "reply")
    office.act(case, "resolve")
    assert office.go_on(minutes=9) == []
    (text,) = office.go_on(minutes=1)
    words, _, link = text.rpartition(" ")
    assert words == (
        "We hope that this is solved. If it is not, simply answer here. How satisfied are you with our help?"
    )
    survey = Survey(office.db, office.cases, office.settings)
    assert survey.read(link.rpartition("/")[2], office.clock.now()) == case.id
    assert office.case(case.id).state == "resolved"


def test_without_a_public_address_the_follow_up_has_no_link(make: Make) -> None:
    office = make(("follow_up",), after={"survey": True, "survey_secret": SECRET, "follow_up_wait": "0s"})
    case = office.complain()
    office.act(case, "reply")
    office.act(case, "resolve")
    assert office.go_on(minutes=1) == ["We hope that this is solved. If it is not, simply answer here."]


def test_a_case_that_was_opened_again_or_never_answered_is_not_followed_up(make: Make) -> None:
    office = make(("follow_up",))
    office.act(office.complain(), "resolve")
    again = office.complain()
    for event in ("reply", "resolve", "reopen"):
        office.act(again, event)
    assert office.go_on(minutes=30) == []


def test_a_case_is_followed_up_once_and_an_author_once_a_week(make: Make) -> None:
    office = make(("follow_up",))
    case = office.complain(author="mari", conversation="a")
    for event in ("reply", "resolve"):
        office.act(case, event)
    assert len(office.go_on(minutes=10)) == 1
    for event in ("reopen", "reply", "resolve"):
        office.act(case, event)
    other = office.complain(author="mari", conversation="b")
    for event in ("reply", "resolve"):
        office.act(other, event)
    assert office.go_on(minutes=10) == []
    office.later(days=7)
    for event in ("reopen", "reply", "resolve"):
        office.act(case, event)
    assert office.go_on(minutes=10) == []
    third = office.complain(author="mari", conversation="c")
    for event in ("reply", "resolve"):
        office.act(third, event)
    assert len(office.go_on(minutes=10)) == 1
