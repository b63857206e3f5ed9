"""Replies written on the desk: weighed as the service counts, approved where a rule asks for it, and sent once."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from monitor.clock import ManualClock
from monitor.models import MentionRow, ParentRow, ReplyRow
from monitor.reply_stage import ReplyStage
from monitor.sources.base import Capabilities
from monitor.web.masking import masked
from monitor.web.queries import case_file
from tests.web.serving import Desk
from tests.web.town import AYSE, case, happened

PART = {"HX-Request": "true"}
TEMPLATES = [{"name": "Sorry", "text": "Sorry, {name}!", "topic": "billing"}, {"name": "Thanks", "text": "Thanks!"}]


@pytest.fixture
def desk(open_desk: Callable[..., Desk], clock: ManualClock) -> Desk:
    desk = open_desk(clock, templates=TEMPLATES)
    desk.square.capabilities = Capabilities(reply=True, reply_limit=30, place="the Square", counting="x")
    return desk


@pytest.fixture
def case_id(desk: Desk) -> int:
    return opened(desk)


def opened(desk: Desk, **more: object) -> int:
    with desk.db.write() as session:
        return case(session, AYSE, desk.clock.now() - timedelta(minutes=10), **more).id


def field(page: str) -> str:
    found = re.search(r'<textarea[^>]*class="reply-text"[^>]*>\n(.*?)</textarea>', page, re.S)
    assert found is not None
    return found[1]


def stored(desk: Desk) -> list[tuple[str, str, str, str]]:
    with desk.db.read() as session:
        rows = session.scalars(select(ReplyRow).where(ReplyRow.state != "draft").order_by(ReplyRow.id))
        return [(row.state, row.actor, row.origin, row.text) for row in rows]


def send_out(desk: Desk) -> None:
    ReplyStage(desk.db, desk.clock, desk.cases, lambda name: desk.square, "worker").run_once()


def test_a_reply_is_stored_and_goes_out_as_one_from_slack_does(desk: Desk, case_id: int) -> None:
    mari = desk.as_somebody("Mari")
    for _ in range(2):  # the same press twice is one reply
        answer = mari.post(f"/cases/{case_id}/reply", data={"reply": "On it!\r\nMari", "nonce": "0c1"})
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/cases/{case_id}")
    assert stored(desk) == [("pending", "Mari", "web", "On it!\nMari")]
    assert "is on its way" in mari.get(f"/cases/{case_id}").text
    send_out(desk)
    assert [post.text for post in desk.square.posts] == ["On it!\nMari"]
    page = mari.get(f"/cases/{case_id}").text
    assert "Mari answered the customer" in page
    assert "is on its way" not in page
    mari.close()


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("x" * 31, "Too long for the Square by 1: at most 30."),
        ("ö" * 10 + "漢" * 11, "Too long for the Square by 2"),
        ("  ", "A reply needs words."),
    ],
)
def test_what_cannot_go_out_stays_in_the_field_with_the_reason(desk: Desk, case_id: int, reply: str, why: str) -> None:
    mari = desk.as_somebody("Mari")
    answer = mari.post(f"/cases/{case_id}/reply", data={"reply": reply})
    assert answer.status_code == 409
    assert why in answer.text
    assert field(answer.text) == reply
    part = mari.post(f"/cases/{case_id}/reply", data={"reply": reply}, headers=PART)
    assert 'hx-preserve="true"' in part.text[part.text.index("reply-text") :][:400]
    assert stored(desk) == []
    mari.close()


def test_what_somebody_only_agrees_with_is_shown_above_their_words(desk: Desk) -> None:
    with desk.db.write() as session:
        shown = case(session, replace(AYSE, text="same here!!"), desk.clock.now())
        session.get_one(MentionRow, shown.mention_id).parent = "p"
        words = {"text": "<b>Acme</b> charged me twice, @zoe", "brands": ["Acme"], "read_at": desk.clock.now()}
        session.add(ParentRow(source=AYSE.source, external_id="p", **words))
    page = desk.http.get(f"/cases/{shown.id}").text
    assert 'in answer to <q dir="auto">&lt;b&gt;Acme&lt;/b&gt; charged me twice, @zoe</q>' in page
    with desk.db.read() as session:
        file = case_file(session, shown.id)
    assert "@zoe" not in str(masked(file))


def test_a_second_reply_where_one_is_shown_says_whose_place_it_takes(desk: Desk) -> None:
    desk.square.capabilities = Capabilities(reply=True, place="the Square", one_answer=True)
    first = opened(desk)
    again = opened(desk, first_response_at=desk.clock.now() - timedelta(minutes=5), state="reopened")
    assert "takes the place" not in desk.http.get(f"/cases/{first}").text
    page = desk.http.get(f"/cases/{again}").text
    assert "the Square shows one reply. Yours takes the place of the one of" in page


def test_a_reply_without_a_name_is_refused_and_kept(desk: Desk, case_id: int) -> None:
    answer = desk.http.post(f"/cases/{case_id}/reply", data={"reply": "On it"})
    assert answer.status_code == 422
    assert "Say who you are first" in answer.text
    assert field(answer.text) == "On it"
    assert stored(desk) == []


def test_what_is_typed_is_weighed_and_kept_as_its_writers_draft(desk: Desk, case_id: int) -> None:
    mari, jaan = desk.as_somebody("Mari"), desk.as_somebody("Jaan")
    part = mari.post(f"/cases/{case_id}/reply/weigh", data={"reply": "We can't. See https://acme.example/a/long/way"})
    assert "37 of 30" in part.text  # a link counts 23 on X
    assert "7 too many" in part.text
    assert "“can&#39;t” tends to anger people" in part.text
    assert field(mari.get(f"/cases/{case_id}").text).startswith("We can&#39;t.")
    other = jaan.get(f"/cases/{case_id}").text
    assert field(other) == ""
    assert "Mari is writing a reply just now as well." in other
    for client in (mari, jaan):
        client.close()


def test_a_template_takes_the_place_of_another_and_stands_above_what_was_written(desk: Desk, case_id: int) -> None:
    def chosen(name: str, before: str) -> str:
        data = {"do": "template", "template": name, "reply": before}
        return field(desk.http.post(f"/cases/{case_id}/reply", data=data).text)

    assert chosen("Sorry", "") == "Sorry, ayse_k!"
    assert chosen("Thanks", "Sorry, ayse_k!") == "Thanks!"
    assert chosen("Thanks", "by hand") == "Thanks!\n\nby hand"
    assert chosen("no such", "by hand").strip() == "by hand"
    assert stored(desk) == []


def test_where_a_second_pair_of_eyes_is_asked_for_another_person_lets_it_go(
    open_desk: Callable[..., Desk], clock: ManualClock
) -> None:
    desk = open_desk(clock, replies={"approval": [{"severity": ["critical"]}]})
    case_id = opened(desk)
    mari, jaan = desk.as_somebody("Mari"), desk.as_somebody("Jaan")
    assert "Ask for approval" in mari.get(f"/cases/{case_id}").text
    mari.post(f"/cases/{case_id}/reply", data={"reply": "On it"})
    (reply_id,) = [reply.id for reply in of_case(desk, case_id)]
    own = mari.post(f"/cases/{case_id}/replies/{reply_id}", data={"decision": "approve"})
    assert own.status_code == 409
    assert "Somebody else has to look at it" in own.text
    back = {"decision": "decline", "reason": "Say when."}
    assert jaan.post(f"/cases/{case_id}/replies/{reply_id}", data=back).status_code == 303
    page = mari.get(f"/cases/{case_id}").text
    assert field(page) == "On it"
    assert "Declined by Jaan: Say when." in page
    mari.post(f"/cases/{case_id}/reply", data={"reply": "On it, by six"})
    (reply_id,) = [reply.id for reply in of_case(desk, case_id)]
    assert jaan.post(f"/cases/{case_id}/replies/{reply_id}", data={"decision": "approve"}).status_code == 303
    send_out(desk)
    assert [post.text for post in desk.square.posts] == ["On it, by six"]
    for client in (mari, jaan):
        client.close()


def of_case(desk: Desk, case_id: int) -> list[object]:
    with desk.db.read() as session:
        return list(desk.replies.of_case(session, case_id))


def test_where_the_service_takes_no_replies_the_place_is_opened_and_the_answer_noted(desk: Desk, case_id: int) -> None:
    desk.square.wall = "Only who mentioned us can be answered from here."
    mari = desk.as_somebody("Mari")
    page = mari.get(f"/cases/{case_id}").text
    assert "Only who mentioned us can be answered from here." in page
    assert 'href="https://example.com/app-store/ayse_k"' in page
    assert "Open on the Square" in page
    assert 'value="send"' not in page
    noted = mari.post(f"/cases/{case_id}/reply", data={"do": "elsewhere", "reply": "On it", "nonce": "a"})
    assert noted.status_code == 303
    assert stored(desk) == []
    with desk.db.read() as session:
        (event,) = [e for e in desk.cases.history(session, case_id) if e.kind == "reply"]
    assert (event.actor, event.origin, event.detail["text"]) == ("Mari", "web", "On it")
    mari.close()


def test_a_closed_case_has_no_reply_field_and_takes_none(desk: Desk) -> None:
    case_id = opened(desk, state="resolved", clock="stopped")
    mari = desk.as_somebody("Mari")
    assert "reply-text" not in mari.get(f"/cases/{case_id}").text
    answer = mari.post(f"/cases/{case_id}/reply", data={"reply": "late"})
    assert answer.status_code == 409
    assert "is resolved already" in answer.text
    assert desk.http.post("/cases/99999/reply", data={"reply": "x"}).status_code == 404
    mari.close()


@pytest.mark.parametrize(
    ("length", "until"), [("3h", timedelta(hours=3)), ("good", None)], ids=["for a while", "for good"]
)
def test_reminders_are_muted_and_wanted_again(desk: Desk, case_id: int, length: str, until: timedelta | None) -> None:
    mari = desk.as_somebody("Mari")
    mari.post(f"/cases/{case_id}/act", data={"event": "mute", "silent": length, "until": "30m"})
    with desk.db.read() as session:
        muted = desk.cases.get(session, case_id).muted_until
    assert muted is not None
    assert muted == desk.clock.now() + until if until else muted.year == 9999
    page = mari.get(f"/cases/{case_id}").text
    assert "Its reminders are muted" in page
    assert "Remind us again" in page
    mari.post(f"/cases/{case_id}/act", data={"event": "unmute"})
    assert "Its reminders are muted" not in mari.get(f"/cases/{case_id}").text
    mari.close()


@pytest.mark.parametrize(
    ("answer", "state"), [("solved_yes", "resolved"), ("solved_no", "replied"), ("solved_later", "replied")]
)
def test_whether_it_is_solved_is_asked_until_somebody_has_said_so(
    desk: Desk, case_id: int, answer: str, state: str
) -> None:
    now: datetime = desk.clock.now()
    desk.cases.act(case_id, "reply", "Mari", "slack", now)
    mari = desk.as_somebody("Mari")
    assert "Is it solved?" not in mari.get(f"/cases/{case_id}").text
    desk.cases.act(case_id, "ask_solved", "firsthour", "clock", now)
    assert "Is it solved?" in mari.get(f"/cases/{case_id}").text
    assert mari.post(f"/cases/{case_id}/act", data={"event": answer}).status_code == 303
    assert "Is it solved?" not in mari.get(f"/cases/{case_id}").text
    with desk.db.read() as session:
        assert desk.cases.get(session, case_id).state == state
    mari.close()


def test_hostile_words_stay_words_in_the_form(desk: Desk) -> None:
    with desk.db.write() as session:
        row = case(session, AYSE, desk.clock.now())
        happened(session, row, "note", "x", desk.clock.now(), "web", text="</textarea><script>alert(1)</script>")
        case_id = row.id
    mari = desk.as_somebody("Mari")
    evil = "</textarea><script>alert(1)</script>\x00"
    mari.post(f"/cases/{case_id}/reply/weigh", data={"reply": evil})
    page = mari.get(f"/cases/{case_id}").text
    assert "<script>alert" not in page
    assert field(page) == "&lt;/textarea&gt;&lt;script&gt;alert(1)&lt;/script&gt;"
    mari.close()
