"""What a case looks like in Slack, in each of its states."""

# ruff: noqa: E501  (snapshots keep the lines of the messages as they are)

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot
from slack_sdk.models.blocks import Block

from monitor.alerts import blocks, notes
from monitor.cases import Case
from monitor.sources.base import Engagement
from monitor.transitions import OPEN_STATES, TRANSITIONS

NOW = datetime(2026, 11, 20, 13, 27, tzinfo=UTC)
CASE = Case(
    id=42,
    mention_id=7,
    external_id="t3_abc",
    brand="Acme",
    source="reddit",
    state="open",
    owner=None,
    severity="high",
    topic="delivery",
    language="et",
    conversation="t3_abc",
    author="kuldnokk",
    author_name="Kuldnokk",
    author_url="https://example.com/u/kuldnokk",
    author_followers=1412,
    text='Teist nädalat ootan pakki, kuller on "kohe teel".\nKas keegi päriselt loeb neid kirju?',
    url="https://example.com/r/eesti/abc",
    rating=None,
    removed=False,
    sentiment="negative",
    complaint_score=0.974,
    severity_score=0.8,
    topic_score=0.7,
    model="test-model",
    earlier_cases_30d=2,
    mentions=1,
    opened_at=NOW,
    posted_at=NOW - timedelta(minutes=22),
    resolved_at=None,
    policy="default",
    clock="running",
    clock_kind="first",
    starts_at=NOW - timedelta(minutes=22),
    due_at=NOW + timedelta(minutes=38),
    seconds_left=None,
    paused_at=None,
    step=0,
    next_step_at=None,
    snoozed_until=None,
    first_response_at=None,
    met=None,
    breached_at=None,
    calendar_seconds=None,
    business_seconds=None,
    taken_at=None,
    version=1,
    slack_channel="C0ALERTS",
    slack_ts="1795000000.000100",
)
ANSWERED: dict[str, Any] = {
    "state": "replied",
    "owner": "ann",
    "clock": "stopped",
    "first_response_at": NOW,
    "calendar_seconds": 22 * 60.0,
    "met": True,
}


def shown(case: Case, now: datetime = NOW) -> list[str]:
    """The words of the root message and the labels of its buttons, for reading."""
    _, (section, context, clock, actions) = blocks.root(case, now)
    labels = [e["text"]["text"] for e in actions["elements"] if e["type"] == "button"]
    menu = [o["text"]["text"] for e in actions["elements"] for o in e.get("options", [])]
    return [section["text"]["text"], context["elements"][0]["text"], clock["text"]["text"], f"{labels} {menu}"]


def test_the_alert_as_slack_gets_it() -> None:
    text, parts = blocks.root(CASE, NOW)
    assert text == snapshot(
        'Acme · High · reddit: “Teist nädalat ootan pakki, kuller on "kohe teel". Kas keegi päriselt loeb neid kirju?” · 38 min left'
    )
    assert list(parts) == snapshot(
        [
            {
                "type": "section",
                "text": {
                    "type": "mrkdwn",
                    "text": """\
:large_orange_circle: *High · delivery* on *reddit* for *Acme*
>Teist nädalat ootan pakki, kuller on "kohe teel".
>Kas keegi päriselt loeb neid kirju?\
""",
                    "verbatim": True,
                },
            },
            {
                "type": "context",
                "elements": [
                    {
                        "type": "mrkdwn",
                        "text": "<https://example.com/u/kuldnokk|Kuldnokk> (kuldnokk) · 1,412 followers · *3rd complaint in 30 days* · Estonian · complaint 97 %",
                        "verbatim": True,
                    }
                ],
            },
            {
                "type": "section",
                "text": {
                    "type": "mrkdwn",
                    "text": ":hourglass_flowing_sand: *38 min left* at <!date^1795181220^{time}|13:27 UTC>, answer by *<!date^1795183500^{time}|14:05 UTC>* · nobody has it yet",
                    "verbatim": True,
                },
            },
            {
                "type": "actions",
                "block_id": "case:42",
                "elements": [
                    {
                        "type": "button",
                        "action_id": "take",
                        "text": {"type": "plain_text", "text": "Take it"},
                        "value": "42",
                        "style": "primary",
                    },
                    {
                        "type": "button",
                        "action_id": "reply",
                        "text": {"type": "plain_text", "text": "Reply"},
                        "value": "42",
                    },
                    {
                        "type": "button",
                        "action_id": "resolve",
                        "text": {"type": "plain_text", "text": "Resolve"},
                        "value": "42",
                    },
                    {
                        "type": "button",
                        "action_id": "open",
                        "text": {"type": "plain_text", "text": "Open original"},
                        "value": "42",
                        "url": "https://example.com/r/eesti/abc",
                    },
                    {
                        "type": "overflow",
                        "action_id": "more",
                        "options": [
                            {"text": {"type": "plain_text", "text": "Snooze or mute…"}, "value": "snooze"},
                            {"text": {"type": "plain_text", "text": "Hand over…"}, "value": "hand_over"},
                            {"text": {"type": "plain_text", "text": "Escalate"}, "value": "escalate"},
                            {"text": {"type": "plain_text", "text": "Not a complaint"}, "value": "dismiss"},
                            {"text": {"type": "plain_text", "text": "History…"}, "value": "history"},
                        ],
                    },
                ],
            },
        ]
    )


def test_a_case_that_somebody_has() -> None:
    assert shown(replace(CASE, state="taken", owner="ann")) == snapshot(
        [
            """\
:large_orange_circle: *High · delivery* on *reddit* for *Acme*
>Teist nädalat ootan pakki, kuller on "kohe teel".
>Kas keegi päriselt loeb neid kirju?\
""",
            "<https://example.com/u/kuldnokk|Kuldnokk> (kuldnokk) · 1,412 followers · *3rd complaint in 30 days* · Estonian · complaint 97 %",
            ":hourglass_flowing_sand: *38 min left* at <!date^1795181220^{time}|13:27 UTC>, answer by *<!date^1795183500^{time}|14:05 UTC>* · *ann* has it",
            "['Reply', 'Resolve', 'Open original'] ['Snooze or mute…', 'Hand over…', 'Escalate', 'Not a complaint', 'History…']",
        ]
    )


def test_a_case_that_is_overdue() -> None:
    assert shown(CASE, NOW + timedelta(minutes=38, seconds=1)) == snapshot(
        [
            """\
:rotating_light: *Overdue · High · delivery* on *reddit* for *Acme*
>Teist nädalat ootan pakki, kuller on "kohe teel".
>Kas keegi päriselt loeb neid kirju?\
""",
            "<https://example.com/u/kuldnokk|Kuldnokk> (kuldnokk) · 1,412 followers · *3rd complaint in 30 days* · Estonian · complaint 97 %",
            ":rotating_light: *Overdue since <!date^1795183500^{time}|14:05 UTC>* · nobody has it yet",
            "['Take it', 'Reply', 'Resolve', 'Open original'] ['Snooze or mute…', 'Hand over…', 'Escalate', 'Not a complaint', 'History…']",
        ]
    )


def test_the_very_second_of_the_due_time_is_in_time() -> None:
    assert not blocks.is_overdue(CASE, NOW + timedelta(minutes=38))


def test_a_snoozed_case() -> None:
    case = replace(CASE, state="snoozed", clock="paused", due_at=None, seconds_left=1320.0)
    assert shown(replace(case, snoozed_until=NOW + timedelta(minutes=15))) == snapshot(
        [
            """\
:zzz: *Snoozed · High · delivery* on *reddit* for *Acme*
>Teist nädalat ootan pakki, kuller on "kohe teel".
>Kas keegi päriselt loeb neid kirju?\
""",
            "<https://example.com/u/kuldnokk|Kuldnokk> (kuldnokk) · 1,412 followers · *3rd complaint in 30 days* · Estonian · complaint 97 %",
            ":zzz: Paused until *<!date^1795182120^{time}|13:42 UTC>*, then 22 min left · nobody has it yet",
            "['Take it', 'Reply', 'Resolve', 'Open original'] ['Wake it now', 'Hand over…', 'Escalate', 'Not a complaint', 'History…']",
        ]
    )


def test_an_answered_case() -> None:
    assert shown(replace(CASE, **ANSWERED)) == snapshot(
        [
            """\
:white_check_mark: *Answered · High · delivery* on *reddit* for *Acme*
>Teist nädalat ootan pakki, kuller on "kohe teel".
>Kas keegi päriselt loeb neid kirju?\
""",
            "<https://example.com/u/kuldnokk|Kuldnokk> (kuldnokk) · 1,412 followers · *3rd complaint in 30 days* · Estonian · complaint 97 %",
            ":white_check_mark: Answered after 22 min, in time · ann",
            "['Reply again', 'Resolve', 'Open original'] ['Hand over…', 'Escalate', 'Not a complaint', 'History…']",
        ]
    )


def test_a_case_answered_late() -> None:
    assert shown(replace(CASE, **ANSWERED | {"met": False, "calendar_seconds": 4000.0}))[2] == snapshot(
        ":white_check_mark: Answered after 1 h 6 min, late · ann"
    )


def test_a_case_closed_without_a_reply() -> None:
    assert shown(replace(CASE, state="resolved", clock="stopped", owner="ann"))[2:] == snapshot(
        [":ballot_box_with_check: Closed without a reply · ann", "['Reopen', 'Open original'] ['History…']"]
    )


def test_a_case_that_was_no_complaint() -> None:
    assert shown(replace(CASE, state="dismissed", clock="stopped"))[0::2] == snapshot(
        [
            """\
:wastebasket: *Not a complaint · High · delivery* on *reddit* for *Acme*
>Teist nädalat ootan pakki, kuller on "kohe teel".
>Kas keegi päriselt loeb neid kirju?\
""",
            ":wastebasket: Not a complaint",
        ]
    )


def test_a_case_without_a_clock() -> None:
    old = NOW - timedelta(days=3)
    assert shown(replace(CASE, clock="none", due_at=None, posted_at=old))[2] == snapshot(
        ":hourglass: No clock: it was posted *<!date^1794922020^{date_short_pretty}, {time}|17 Nov 2026, 13:27 UTC>*, before we looked · nobody has it yet"
    )


def test_a_customer_who_wrote_again() -> None:
    assert shown(replace(CASE, state="reopened", clock_kind="next", mentions=3))[1:3] == snapshot(
        [
            "<https://example.com/u/kuldnokk|Kuldnokk> (kuldnokk) · 1,412 followers · *3rd complaint in 30 days* · 3 messages · Estonian · complaint 97 %",
            ":hourglass_flowing_sand: The customer wrote again · *38 min left* at <!date^1795181220^{time}|13:27 UTC>, answer by *<!date^1795183500^{time}|14:05 UTC>* · nobody has it yet",
        ]
    )


def test_a_review_with_stars_by_nobody_in_particular() -> None:
    case = replace(CASE, rating=2.0, author=None, author_name=None, author_url=None, author_followers=None, url=None)
    assert shown(replace(case, earlier_cases_30d=0, language="und")) == snapshot(
        [
            """\
:large_orange_circle: *High · delivery* on *reddit* for *Acme*
>Teist nädalat ootan pakki, kuller on "kohe teel".
>Kas keegi päriselt loeb neid kirju?\
""",
            "somebody · ★★☆☆☆ · complaint 97 %",
            ":hourglass_flowing_sand: *38 min left* at <!date^1795181220^{time}|13:27 UTC>, answer by *<!date^1795183500^{time}|14:05 UTC>* · nobody has it yet",
            "['Take it', 'Reply', 'Resolve'] ['Snooze or mute…', 'Hand over…', 'Escalate', 'Not a complaint', 'History…']",
        ]
    )


def test_a_case_that_many_have_seen_and_its_pictures() -> None:
    pictures = ("https://i.example.com/1.png", "javascript:x", "https://i.example.com/3|4.png", "https://example.com/4")
    seen = replace(CASE, engagement=Engagement(12_400, 1, 3, 999), media=pictures, author_followers=None)
    assert shown(replace(seen, earlier_cases_30d=0))[1] == snapshot(
        "<https://example.com/u/kuldnokk|Kuldnokk> (kuldnokk) · 12,400 likes, 1 share · "
        "<https://i.example.com/1.png|attachment 1> <https://example.com/4|attachment 2> · Estonian · complaint 97 %"
    )


def test_words_that_their_author_removed() -> None:
    assert shown(replace(CASE, text="", removed=True))[0] == snapshot("""\
:large_orange_circle: *High · delivery* on *reddit* for *Acme*
>_(its author has removed it)_\
""")


@pytest.mark.parametrize("state", sorted({state for state, _ in TRANSITIONS} - {"new"}))
def test_no_button_does_nothing(state: str) -> None:
    _, parts = blocks.root(replace(CASE, state=state, owner="ann" if state == "taken" else None), NOW)
    for element in parts[-1]["elements"]:
        for wanted in [o["value"] for o in element.get("options", [])] or [element["action_id"]]:
            event = "snooze" if wanted in blocks.SNOOZE_FOR else wanted
            assert event in ("open", "history") or (state, event) in TRANSITIONS


STATES = st.sampled_from([*OPEN_STATES, "resolved", "dismissed"])
HOSTILE = st.text(st.characters(), max_size=200) | st.sampled_from(
    [
        "<!channel> <@U0123> <!subteam^S1>",
        "<http://evil|https://bank>",
        "\u202e*`>\n\n>",
        "a" * 1_000_000,
        "",
        "🧨" * 9000,
    ]
)


@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE, STATES)
def test_any_text_gives_blocks_that_slack_takes(text: str, author: str, source: str, brand: str, state: str) -> None:
    case = replace(CASE, text=text, author=author, author_name=author, author_url=author, url=text)
    case = replace(case, source=source, brand=brand, owner=author, state=state)
    fallback, parts = blocks.root(case, NOW)
    for block in Block.parse_all(list(parts)):
        block.validate_json()
    everything = json.dumps(parts, ensure_ascii=False)
    assert len(everything) < 13_200
    assert len(fallback) < 600
    for bad in ("<!channel", "<@U0123", "<!subteam", "<http://evil|", "\u202e"):
        assert bad not in everything + fallback


def test_what_is_said_in_the_thread() -> None:
    taken = replace(CASE, state="taken", owner="ann")
    snoozed = replace(CASE, state="snoozed", snoozed_until=NOW + timedelta(hours=20))
    late = NOW + timedelta(hours=1)
    seen = {"url": "https://example.com/r/1"}
    assert [
        notes.happened(taken, "take", "ann", {}, NOW),
        notes.happened(taken, "hand_over", "ann", {"to": "bob"}, NOW),
        notes.happened(CASE, "release", "ann", {}, NOW),
        notes.happened(CASE, "note", "ann", {"text": "They called <!here>\ntwice"}, NOW),
        notes.happened(replace(CASE, **ANSWERED), "reply", "ann", seen, NOW),
        notes.happened(replace(CASE, **ANSWERED), "reply_seen", "acmehelp", seen, NOW),
        notes.happened(snoozed, "snooze", "ann", {}, NOW),
        notes.happened(CASE, "unsnooze", "firsthour", {}, NOW),
        notes.happened(CASE, "resolve", "ann", {}, NOW),
        notes.happened(CASE, "dismiss", "ann", {}, NOW),
        notes.happened(CASE, "joined", "firsthour", {}, NOW, "And now\nthe app is down"),
        notes.happened(CASE, "customer_again", "firsthour", {}, NOW, "Still nothing"),
    ] == snapshot(
        [
            ":raised_hand: *ann* took it · 38 min left",
            ":handshake: *ann* handed it over to *bob* · 38 min left",
            ":leftwards_arrow_with_hook: *ann* gave it back: nobody has it now · 38 min left",
            """\
:memo: *ann* notes:
>They called &lt;!here&gt;
>twice\
""",
            ":white_check_mark: *ann* replied after 22 min, in time · <https://example.com/r/1|see it>",
            ":white_check_mark: A reply by *acmehelp* was seen on reddit after 22 min, in time · <https://example.com/r/1|see it>",
            ":zzz: *ann* snoozed it until <!date^1795253220^{date_short_pretty}, {time}|21 Nov 2026, 09:27 UTC>",
            ":bell: Awake again · 38 min left",
            ":ballot_box_with_check: *ann* resolved it",
            ":wastebasket: *ann* says that this is not a complaint. The classifier will learn from it.",
            """\
:speech_balloon: *Kuldnokk* wrote more
>And now
>the app is down\
""",
            """\
:speech_balloon: *Kuldnokk* wrote again after our answer · 38 min left
>Still nothing\
""",
        ]
    )
    assert [
        notes.asks(CASE, "remind", None, NOW),
        notes.asks(taken, "oncall", "<!subteam^S0CARE>", NOW),
        notes.asks(CASE, "breach", "<@U0LEAD>", late),
        notes.asks(CASE, "renag", None, late),
        notes.asks(CASE, "silent_owner", "<!subteam^S0CARE>", NOW, "ann"),
        notes.asks(CASE, "escalate", "<@U0LEAD>", NOW, "ann"),
    ] == snapshot(
        [
            ":bell: This waits for an answer. *38 min left* at <!date^1795181220^{time}|13:27 UTC>, answer by *<!date^1795183500^{time}|14:05 UTC>* · nobody has it yet",
            ":bell: <!subteam^S0CARE> This waits for an answer. *38 min left* at <!date^1795181220^{time}|13:27 UTC>, answer by *<!date^1795183500^{time}|14:05 UTC>* · *ann* has it",
            ":rotating_light: <@U0LEAD> *The time to answer has run out.* *Overdue since <!date^1795183500^{time}|14:05 UTC>* · nobody has it yet",
            ":rotating_light: Still nobody has taken this. *Overdue since <!date^1795183500^{time}|14:05 UTC>* · nobody has it yet",
            ":arrows_counterclockwise: <!subteam^S0CARE> *ann* was silent for too long. *38 min left* at <!date^1795181220^{time}|13:27 UTC>, answer by *<!date^1795183500^{time}|14:05 UTC>* · nobody has it yet",
            ":sos: <@U0LEAD> *ann* asks for help with this. *38 min left* at <!date^1795181220^{time}|13:27 UTC>, answer by *<!date^1795183500^{time}|14:05 UTC>* · nobody has it yet",
        ]
    )
    assert notes.elsewhere(CASE, "Look:", NOW) == snapshot("""\
Look:
Acme · High · reddit: “Teist nädalat ootan pakki, kuller on "kohe teel". Kas keegi päriselt loeb neid kirju?” · 38 min left
<https://slack.com/archives/C0ALERTS/p1795000000000100|Go to the case>\
""")
    assert notes.plain(CASE, "breach", late) == snapshot(
        (
            "Acme: a customer was not answered in time",
            """\
High · delivery · reddit

Teist nädalat ootan pakki, kuller on "kohe teel".
Kas keegi päriselt loeb neid kirju?

Due 2026-11-20 14:05 UTC. Nobody has it.
https://example.com/r/eesti/abc
https://slack.com/archives/C0ALERTS/p1795000000000100\
""",
        )
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "under a minute"),
        (59.9, "under a minute"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (5400, "1 h 30 min"),
        (86400, "1 d"),
        (90061, "1 d 1 h"),
    ],
)
def test_lengths_of_time_are_rounded_down(seconds: float, words: str) -> None:
    assert blocks.span(seconds) == words
