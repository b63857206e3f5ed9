"""What the Reply window looks like."""

# ruff: noqa: E501  (snapshots keep the lines as they are)

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from monitor.alerts import reply_modal
from monitor.alerts.reply_modal import Window
from monitor.customer import EarlierCase, Said
from monitor.outgoing import Route
from monitor.wording import Hint
from tests.alerts.test_blocks import CASE, NOW

ROUTE = Route("X", None, 280, "x", "https://x.com/kuldnokk/status/1", False, True)
WINDOW = Window(
    case=CASE,
    route=ROUTE,
    said=[Said(NOW, CASE.text)],
    earlier=[EarlierCase(3, NOW - timedelta(days=9), "resolved", "delivery", "Kus pakk on?", "Homme kohal!")],
    templates=["Vabandus"],
    text="Vabandame! Kahjuks ei saa",
    trouble=None,
    busy=None,
    hints=[Hint("anger", "“kahjuks” tends to anger people who complain. Say what you can do.", "kahjuks")],
    where={"case": 42, "channel": "C0ALERTS", "n": 0},
)


def lines(view: dict[str, Any]) -> list[str]:
    found = []
    for block in view["blocks"]:
        if block["type"] == "actions":
            found.append(str([e.get("text", e.get("placeholder"))["text"] for e in block["elements"]]))
        elif block["type"] == "input":
            found.append(f"[{block['element'].get('initial_value', '')}]")
        else:
            found.append(block["text"]["text"] if "text" in block else block["elements"][0]["text"])
    return [view["title"]["text"], *found, view["submit"]["text"]]


def test_the_window_for_a_source_that_takes_replies() -> None:
    assert lines(reply_modal.window(WINDOW, NOW)) == snapshot(
        [
            "Reply on X",
            """\
*<https://example.com/u/kuldnokk|Kuldnokk>* · kuldnokk · 1,412 followers · *3rd complaint in 30 days*
>Teist nädalat ootan pakki, kuller on "kohe teel".
>Kas keegi päriselt loeb neid kirju?\
""",
            ":clock3: <!date^1794403620^{date_short_pretty}, {time}|11 Nov 2026, 13:27 UTC>, delivery, resolved: “Kus pakk on?” _We:_ “Homme kohal!”",
            "['Template', 'Open on X', 'I have replied there']",
            "[Vabandame! Kahjuks ei saa]",
            """\
25 of 280
:warning: “kahjuks” tends to anger people who complain. Say what you can do.\
""",
            "Send",
        ]
    )


def test_the_window_shows_what_the_customer_only_agrees_with() -> None:
    said = [Said(NOW, "same here!!", answers="Acme <!channel> charged me twice")]
    shown = lines(reply_modal.window(replace(WINDOW, said=said), NOW))[1]
    assert shown.endswith("_In answer to:_\n>Acme &lt;!channel&gt; charged me twice\n>same here!!")


def test_the_window_says_whose_place_the_reply_takes() -> None:
    route = replace(ROUTE, place="Google Play", one_answer=True, replaces=NOW - timedelta(hours=1))
    (said,) = [line for line in lines(reply_modal.window(replace(WINDOW, route=route), NOW)) if "shows one" in line]
    assert said.startswith(
        ":arrows_counterclockwise: Google Play shows one reply. Yours takes the place of the one of <!"
    )


def test_the_window_where_the_source_takes_none() -> None:
    shown = replace(
        WINDOW,
        route=replace(ROUTE, why="X takes replies only from friends."),
        trouble="Declined by mia: say when",
        busy="bob",
        templates=[],
        earlier=[],
        text="",
        hints=[],
    )
    assert lines(reply_modal.window(shown, NOW)) == snapshot(
        [
            "Reply on X",
            """\
*<https://example.com/u/kuldnokk|Kuldnokk>* · kuldnokk · 1,412 followers · *3rd complaint in 30 days*
>Teist nädalat ootan pakki, kuller on "kohe teel".
>Kas keegi päriselt loeb neid kirju?\
""",
            ":warning: Declined by mia: say when",
            ":pencil2: *bob* is writing a reply just now as well.",
            ":no_entry_sign: X takes replies only from friends. *Copy your words, post them on X*, and say so below. It is noticed there, and the clock stops.",
            "['Open on X']",
            "[]",
            "0 of 280",
            "I have posted it",
        ]
    )


def test_the_question_for_a_second_pair_of_eyes() -> None:
    assert reply_modal.approval(7, "*ann* asks") == snapshot(
        (
            {"type": "section", "text": {"type": "mrkdwn", "text": "*ann* asks", "verbatim": True}},
            {
                "type": "actions",
                "block_id": "reply_asked:7",
                "elements": [
                    {
                        "type": "button",
                        "action_id": "reply_approve",
                        "text": {"type": "plain_text", "text": "Send it"},
                        "style": "primary",
                        "value": "7",
                    },
                    {
                        "type": "button",
                        "action_id": "reply_decline",
                        "text": {"type": "plain_text", "text": "Give it back…"},
                        "value": "7",
                    },
                ],
            },
        )
    )


@given(
    st.text(max_size=4000),
    st.text(min_size=1, max_size=300),
    st.lists(st.text(max_size=3000), max_size=6),
    st.booleans(),
)
def test_slack_takes_the_window_whatever_people_write(text: str, name: str, said: list[str], sends: bool) -> None:
    case = replace(CASE, author_name=name, author=name, text=text, brand=name, topic=name)
    route = Route(name, None if sends else text, 280, "x", "https://x.com/1", True, False)
    told = [Said(NOW, each, ours=bool(at % 2)) for at, each in enumerate(said)]
    earlier = [EarlierCase(1, NOW, "open", name, text, text)] * 3
    hints = [Hint("personal", name)] * 9
    shown = Window(case, route, told, earlier, [name] * 120, text, text or None, name, hints, {"case": 1, "n": 0})
    view = reply_modal.window(shown, NOW)
    View(**view).validate_json()
    for block in Block.parse_all(view["blocks"]):
        block.validate_json()
    assert len(view["blocks"]) <= 100
    for block in view["blocks"]:
        texts = (
            [block["text"]["text"]]
            if "text" in block
            else [e["text"] for e in block.get("elements", []) if block["type"] == "context"]
        )
        assert all(1 <= len(each) <= (3000 if block["type"] == "section" else 2000) for each in texts)
    kept = {"type", "callback_id", "title", "close", "submit", "notify_on_close", "private_metadata", "blocks"}
    assert set(reply_modal.redrawn(view | {"id": "V1", "hash": "x"}, view["blocks"][-1])) == kept
