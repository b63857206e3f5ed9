"""One question to the customer: whose link it is, and what becomes of the answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from fake_slack import FakeSlack
from hypothesis import given
from hypothesis import strategies as st
from office import Office

from monitor import export
from monitor.cases import Cases
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.errors import Refused
from monitor.settings import Settings
from monitor.survey import Survey

AFTER = {"survey": True, "survey_secret": "0123456789abcdef" * 4}
WEB = {"public_url": "https://help.acme.example/"}


@pytest.fixture
def office(db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings]) -> Office:
    return Office(db, clock, slack, make_settings, {"after": AFTER, "web": WEB})


@pytest.fixture
def survey(office: Office) -> Survey:
    return Survey(office.db, office.cases, office.settings)


def test_a_link_leads_to_the_case_that_it_was_made_for(survey: Survey, clock: ManualClock) -> None:
    link = survey.link(4711, clock.now())
    assert link is not None
    assert link.startswith("https://help.acme.example/s/")
    assert survey.read(link.rpartition("/")[2], clock.now()) == 4711


@pytest.mark.parametrize("missing", ["survey", "survey_secret", "public_url"])
def test_there_is_no_link_where_anything_for_it_is_missing(
    missing: str, office: Office, make_settings: Callable[..., Settings], clock: ManualClock
) -> None:
    sections = {
        "after": {k: v for k, v in AFTER.items() if k != missing},
        "web": {k: v for k, v in WEB.items() if k != missing},
    }
    assert Survey(office.db, office.cases, make_settings(**sections)).link(1, clock.now()) is None


def test_a_link_is_good_for_thirty_days_and_no_longer(survey: Survey, clock: ManualClock) -> None:
    token = survey.token(7, clock.now())
    assert survey.read(token, clock.move(timedelta(days=30))) == 7
    assert survey.read(token, clock.move(timedelta(days=1))) is None


@given(case_id=st.integers(1, 2**63 - 1), at=st.integers(0, 60), digit=st.characters(codec="utf-8"))
def test_no_other_token_is_taken_for_ours(case_id: int, at: int, digit: str) -> None:
    settings = Settings.model_validate({"after": AFTER, "web": WEB})
    db = Database("sqlite://")
    now = datetime(2026, 11, 20, tzinfo=UTC)
    survey = Survey(db, Cases(db, settings), settings)
    token = survey.token(case_id, now)
    assert survey.read(token, now) == case_id
    other = token[:at] + digit + token[at + 1 :]
    assert other == token or survey.read(other, now) is None
    stranger = settings.model_copy(update={"after": settings.after.model_copy(update={"survey_secret": None})})
    assert Survey(db, Cases(db, stranger), stranger).read(token, now) is None


def test_an_answer_may_be_changed_for_an_hour_and_then_stands(
    office: Office, survey: Survey, clock: ManualClock
) -> None:
    case = office.complain()
    survey.answer(case.id, 5, clock.now())
    clock.move(timedelta(hours=1))
    assert survey.answer(case.id, 4, clock.now()).score == 4
    clock.move(timedelta(seconds=1))
    with pytest.raises(Refused, match="stands"):
        survey.answer(case.id, 1, clock.now())
    assert survey.answer(case.id, 4, clock.now()).open is False
    assert office.case(case.id).satisfaction == 4
    with office.db.read() as session:
        told = [e.detail["score"] for e in office.cases.history(session, case.id) if e.kind == "rated"]
    assert told == [5, 4]


@pytest.mark.parametrize("score", [0, 6, -1])
def test_a_score_off_the_scale_is_refused(office: Office, survey: Survey, clock: ManualClock, score: int) -> None:
    case = office.complain()
    with pytest.raises(Refused, match="from 1 to 5"):
        survey.answer(case.id, score, clock.now())
    with pytest.raises(Refused, match="there is no case"):
        survey.answer(case.id + 1, 3, clock.now())


def test_an_answer_changes_neither_the_state_nor_the_clock(office: Office, survey: Survey, clock: ManualClock) -> None:
    for events in ((), ("take",), ("take", "reply"), ("resolve",), ("dismiss",)):
        case = office.complain()
        for event in events:
            case = office.act(case, event)
        survey.answer(case.id, 2, clock.now())
        after = office.case(case.id)
        fields = ("state", "owner", "clock", "due_at", "next_step_at", "met", "first_response_at")
        assert [getattr(after, f) for f in fields] == [getattr(case, f) for f in fields]


def test_an_answer_is_said_in_the_thread_and_shown_in_the_root(
    office: Office, survey: Survey, slack: FakeSlack, clock: ManualClock
) -> None:
    case = office.complain(author="mari")
    office.act(case, "reply")
    office.act(case, "resolve")
    survey.answer(case.id, 4, clock.now())
    office.deliver()
    root, *thread = slack.posted()
    assert thread[-1]["text"] == ":star: *mari* rates our help *4 of 5*"
    assert root["blocks"][1]["elements"][0]["text"].endswith("*rates our help 4 of 5*")


def test_a_low_answer_calls_the_owner_and_reopens_nothing(
    office: Office, survey: Survey, slack: FakeSlack, clock: ManualClock
) -> None:
    case = office.complain()
    office.act(case, "take", slack_user="U0ANN")
    office.act(case, "reply")
    office.act(case, "resolve")
    survey.answer(case.id, 2, clock.now())
    office.deliver()
    last = slack.posted()[-1]
    assert last["text"] == (
        ":star: <@U0ANN> The customer rates our help *2 of 5*. Nothing was reopened: look whether there is more to do."
    )
    assert office.case(case.id).state == "resolved"


def test_answers_are_exported_with_the_cases(office: Office, survey: Survey, clock: ManualClock) -> None:
    office.complain()
    survey.answer(office.complain().id, 3, clock.now())
    rows = list(export.rows(office.db, "cases", None, None))
    assert [(row["satisfaction"], row["satisfaction_at"]) for row in rows] == [
        (None, None),
        (3, "2026-11-20T12:00:00Z"),
    ]
