"""Words from outside ping nobody and disguise nothing, in whatever the team sees: messages, threads, modals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fake_slack import CHANNEL, FakeSlack
from hypothesis import given, settings
from hypothesis import strategies as st
from office import Office
from slack_reading import disguised, mrkdwn, pinged, strings, unseen
from slack_rules import wrong_message, wrong_view

from monitor.alerts import blocks, case_history, modals, notes, reply_modal
from monitor.alerts.reply_modal import Window
from monitor.cases import Case, Event
from monitor.classify.verdict import TOPICS
from monitor.outgoing import Route
from monitor.transitions import PEOPLE_EVENTS, SYSTEM_EVENTS, TRANSITIONS

NOW = datetime(2026, 11, 20, 13, 27, tzinfo=UTC)
EVIL = (
    "<!channel>", "<!here|all>", "<@U123>", "<!subteam^S123>", "<#C123>", "<http://evil.example|bank.example>",
    "\u202egnp.exe", "a\u200bb", "\u2066x\u2069", "\ufeff", "```", "&lt;!channel&gt;", ">", "*_~`", "\n", "\r\u2028",
    "\x00\x1b[2J", "\U000e0041", "\ud800", "👩‍👩‍👧‍👦", "é" * 9, "क्ष", "x" * 40_000, "<!channel>" * 4000,
)  # fmt: skip
HOSTILE = st.one_of(st.sampled_from(EVIL), st.lists(st.sampled_from(EVIL[:-2]), max_size=4).map(" ".join), st.text())
STATES = sorted({state for state, _ in TRANSITIONS} - {"new"})


@st.composite
def cases(draw: st.DrawFn) -> Case:
    from dataclasses import fields

    given: dict[str, Any] = dict.fromkeys((field.name for field in fields(Case)), None)
    words = {name: draw(HOSTILE) for name in ("brand", "source", "author", "author_name", "text", "language")}
    words["topic"] = draw(st.sampled_from(TOPICS))
    clock = draw(st.sampled_from(["running", "paused", "stopped", "none"]))
    numbers = {"id": draw(st.integers(1, 10**9)), "mention_id": 1, "earlier_cases_30d": draw(st.integers(0, 40))}
    times = {"opened_at": NOW, "posted_at": NOW - timedelta(minutes=draw(st.integers(0, 3000)))}
    due = {"due_at": NOW + timedelta(minutes=draw(st.integers(-3000, 3000)))} if clock == "running" else {}
    return Case(**(given | words | numbers | times | due | {
        "external_id": "x", "state": draw(st.sampled_from(STATES)), "owner": draw(st.none() | HOSTILE),
        "severity": draw(st.sampled_from(["low", "medium", "high", "critical"])), "removed": draw(st.booleans()),
        "author_url": "https://evil.example/u", "url": "https://evil.example/p", "mentions": draw(st.integers(1, 9)),
        "rating": draw(st.none() | st.floats(1, 5)), "author_followers": draw(st.none() | st.integers(0, 10**9)),
        "clock": clock, "clock_kind": "first", "seconds_left": draw(st.floats(-9e5, 9e5)), "policy": "default",
        "media": tuple(draw(st.lists(HOSTILE | st.just("https://evil.example/a.png"), max_size=3))),
        "step": 0, "version": 1, "complaint_score": 0.9, "slack_channel": "C0ALERTS", "slack_ts": "1795000000.0001",
    }))  # fmt: skip


def assert_harmless(text: str, shown: Any = ()) -> None:
    words = list(mrkdwn(text, shown))
    assert pinged(words) == set()
    assert disguised(words) == []
    assert unseen([text, *strings(shown)]) == set()


@given(cases(), st.sampled_from([*PEOPLE_EVENTS, *SYSTEM_EVENTS]), HOSTILE, HOSTILE)
def test_messages_ping_nobody_and_slack_takes_them(case: Case, event: str, name: str, words: str) -> None:
    text, shown = blocks.root(case, NOW)
    assert wrong_message(text, shown) is None
    assert_harmless(text, shown)
    detail = {"text": words, "to": name, "owner": name, "url": "https://evil.example/r"}
    for said in (notes.happened(case, event, name, detail, NOW, words), notes.asks(case, event, None, NOW, name)):
        for line in (said, notes.elsewhere(case, said, NOW)):
            assert wrong_message(line, ()) is None
            assert_harmless(line)


@given(cases(), st.sampled_from([*PEOPLE_EVENTS, *SYSTEM_EVENTS]), HOSTILE, HOSTILE)
def test_modals_ping_nobody_and_slack_takes_them(case: Case, event: str, name: str, words: str) -> None:
    zone, where = ZoneInfo("Asia/Kolkata"), {"channel": CHANNEL}
    past = [Event(n, 1, event, name, "slack", NOW, {"text": words, "to": name}) for n in range(30)]
    for view in (
        modals.snooze(case, NOW, NOW + timedelta(hours=3), zone, where),
        modals.hand_over(replace(case, state="taken"), NOW, where),
        modals.turn(words, [name, "Acme"], ["low", "medium"], ["delivery"], where),
        case_history.view(case, past, {1: words}, 0, NOW),
    ):
        assert wrong_view(view) is None
        assert_harmless("", view)


@settings(max_examples=25)
@given(cases(), HOSTILE, HOSTILE, st.booleans())
def test_the_reply_window_pings_nobody_and_slack_takes_it(case: Case, name: str, words: str, sends: bool) -> None:
    route = Route("X", None if sends else words, 280, "characters", "https://evil.example/p", False, True)
    shown = Window(case, route, (), (), ("Sorry",), words[:3000], words, name, (), {"case": case.id, "n": 0})
    view = reply_modal.window(shown, NOW)
    assert wrong_view(view) is None
    typed = [block for block in view["blocks"] if block["type"] != "input"]  # what somebody types is theirs
    assert_harmless("", typed)


@pytest.mark.parametrize("evil", EVIL)
def test_the_whole_course_of_a_hostile_case_pings_nobody(
    office: Office, slack: FakeSlack, press: Callable[..., None], evil: str
) -> None:
    evil = evil.encode("utf-8", "ignore").decode()  # half a surrogate does not get past the sources
    name = evil[:200]
    case = office.complain(evil or "x", author=name, author_name=name)
    office.deliver()
    press("take", "ann")
    office.act(case, "note", name or "x", text=f"see {evil}")
    office.act(case, "escalate", name or "x")
    office.act(case, "reply", name or "x")
    office.act(case, "resolve", name or "x")
    office.deliver()
    assert slack.refused == []
    said = slack.posted()
    assert len(said) >= 5
    for message in said:
        words = list(mrkdwn(message["text"], message["blocks"]))
        assert pinged(words) <= {"U0ANN"}  # who pressed, in Slack
        assert disguised(words) == []
        assert unseen(words) == set()
