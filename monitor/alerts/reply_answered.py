"""The part of the Reply window that shows what was answered in cases like this one, as pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from monitor.alerts.blocks import Block, moment
from monitor.alerts.text import line, quote
from monitor.languages import language_name
from monitor.similar import Similar

USED = "reply_answered"
BLOCKS = "answered:"  # how the names of its blocks begin
SHOWN = 3


def answered_blocks(like: Sequence[Similar], brand: str, now: datetime) -> list[Block]:
    """The first three, each with a button for its words; nothing where there are none. `brand` is whose case it is."""
    if not like:
        return []
    title = ":bulb: *Answered before*, in cases like this one"
    head: Block = {"type": "context", "block_id": f"{BLOCKS}0", "elements": [{"type": "mrkdwn", "text": title}]}
    return [head, *(_answered(each, brand, now) for each in like[:SHOWN])]


def _answered(one: Similar, brand: str, now: datetime) -> Block:
    words = "\n".join((_about(one, brand, now), quote(one.text, 300, lines=3), "_We:_", quote(one.words, 900, lines=8)))
    button = {"type": "button", "action_id": USED, "value": str(one.id)}
    return {
        "type": "section",
        "block_id": f"{BLOCKS}{one.id}",
        "text": {"type": "mrkdwn", "text": words, "verbatim": True},
        "accessory": button | {"text": {"type": "plain_text", "text": "Use these words"}},
    }


def _about(one: Similar, brand: str, now: datetime) -> str:
    became = "solved" if one.state == "resolved" else one.state
    facts = [f"*{became}*" + (f", rated {one.satisfaction}" if one.satisfaction else ""), f"case {one.id}"]
    facts += [moment(one.posted_at, now), language_name(one.language) or one.language]
    if one.brand != brand:
        facts.append(line(one.brand, 60))
    return " · ".join(facts)
