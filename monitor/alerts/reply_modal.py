"""The Reply window and the question for approval, as pure functions.

Limits: https://docs.slack.dev/reference/block-kit/blocks/input-block; a text input holds 3,000 characters.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.alerts import reply_answered
from monitor.alerts.blocks import Block, moment, ordinal
from monitor.alerts.text import address, cut, line, link, quote
from monitor.cases import Case
from monitor.customer import EarlierCase, Said
from monitor.outgoing import Route
from monitor.sources.length import length
from monitor.wording import Hint

REPLY, GIVE_BACK = "reply_case", "give_back_reply"
TYPED, PICKED, ELSEWHERE, APPROVE, DECLINE = (
    "reply_text",
    "reply_template",
    "reply_elsewhere",
    "reply_approve",
    "reply_decline",
)
LONGEST = 3000  # of a text input
_SIGNS = {"anger": ":warning:", "language": ":globe_with_meridians:", "personal": ":lock:"}
_SHOWN = 6  # hints; more help nobody


@dataclass(frozen=True, slots=True)
class Window:
    """All that the Reply window shows. `text` is what stands in it at first, `trouble` what became of it before;
    `busy` is a colleague who is writing as well; `templates` are names."""

    case: Case
    route: Route
    said: Sequence[Said]
    earlier: Sequence[EarlierCase]
    templates: Sequence[str]
    text: str
    trouble: str | None
    busy: str | None
    hints: Sequence[Hint]
    where: Mapping[str, Any]


def window(shown: Window, now: datetime) -> Block:
    """The modal: the customer on top, what was said before, the reply, and what to think over in it."""
    case, route = shown.case, shown.route
    blocks = [_section(f"{_who(case)}\n{_conversation(case, shown.said)}")]
    blocks += [_context(_earlier(each, now)) for each in shown.earlier]
    if shown.trouble:
        blocks.append(_section(f":warning: {line(shown.trouble, 600)}"))
    if shown.busy:
        blocks.append(_context(f":pencil2: *{line(shown.busy, 60)}* is writing a reply just now as well."))
    if route.why is not None:
        noticed = " It is noticed there, and the clock stops." if route.noticed else ""
        words = f"{line(route.why, 400)} *Copy your words, post them on {line(route.place, 60)}*, and say so below."
        blocks.append(_section(f":no_entry_sign: {words}{noticed}"))
    if route.replaces is not None:
        place = line(route.place, 60)
        words = f"{place} shows one reply. Yours takes the place of the one of {moment(route.replaces, now)}."
        blocks.append(_context(f":arrows_counterclockwise: {words}"))
    if actions := _actions(shown):
        blocks.append({"type": "actions", "block_id": "reply_actions", "elements": actions})
    blocks.append(input_block(shown.text, int(shown.where.get("n", 0))))
    blocks.append(hints_block(shown.text, route, shown.hints))
    view: Block = {
        "type": "modal",
        "callback_id": REPLY,
        "title": _plain(f"Reply on {route.place}"[:24]),
        "close": _plain("Cancel"),
        "submit": _plain(_submit(route)),
        "notify_on_close": True,
        "private_metadata": json.dumps(dict(shown.where)),
        "blocks": blocks,
    }
    return view


def input_block(text: str, number: int) -> Block:
    """The field. With the same `number` Slack keeps what was typed, with another it takes `text`."""
    element: Block = {
        "type": "plain_text_input",
        "action_id": TYPED,
        "multiline": True,
        "max_length": LONGEST,
        "dispatch_action_config": {"trigger_actions_on": ["on_character_entered"]},
    }
    if text:
        element["initial_value"] = text[:LONGEST]
    return {
        "type": "input",
        "block_id": f"reply:{number}",
        "dispatch_action": True,
        "label": _plain("Your reply, in public"),
        "element": element,
    }


def hints_block(text: str, route: Route, hints: Sequence[Hint]) -> Block:
    """The count as the source counts, and what to think over."""
    used, excess = length(text, route.counting), route.excess(text)
    limit = min(route.limit, LONGEST) if route.counting == "characters" else route.limit
    count = f"{used:,} of {limit:,}"
    rows = [f":no_entry: *{count}: {excess:,} too many for {line(route.place, 60)}*" if excess else count]
    rows += [f"{_SIGNS[hint.kind]} {line(hint.words, 200)}" for hint in hints[:_SHOWN]]
    return _context("\n".join(rows)) | {"block_id": "hints"}


def redrawn(
    view: Mapping[str, Any],
    hints: Block | None = None,
    field: Block | None = None,
    n: int = 0,
    answered: Sequence[Block] | None = None,
) -> Block:
    """`view` as Slack has given it, with other hints, another `field`, or other `answered` cases below, where that is
    given."""
    blocks = []
    for block in view["blocks"]:
        name = str(block.get("block_id", ""))
        if hints is not None and name == "hints":
            blocks.append(hints)
        elif field is not None and name.startswith("reply:"):
            blocks.append(field)
        elif answered is None or not name.startswith(reply_answered.BLOCKS):
            blocks.append(block)
    kept = {
        key: view[key]
        for key in ("type", "callback_id", "title", "close", "submit", "notify_on_close", "private_metadata")
        if key in view
    }
    if field is not None:
        kept["private_metadata"] = json.dumps(json.loads(view["private_metadata"]) | {"n": n})
    return kept | {"blocks": [*blocks, *(answered or ())]}


def typed(view: Mapping[str, Any]) -> tuple[str, str]:
    """What stands in the field, and the field's block."""
    for name, values in ((view.get("state") or {}).get("values") or {}).items():
        if name.startswith("reply:"):
            return str((values.get(TYPED) or {}).get("value") or ""), name
    return "", "reply:0"


def approval(reply_id: int, words: str) -> tuple[Block, ...]:
    """The question in the thread, with its buttons. `words` are mrkdwn."""
    approve = {"type": "button", "action_id": APPROVE, "text": _plain("Send it"), "style": "primary"}
    decline = {"type": "button", "action_id": DECLINE, "text": _plain("Give it back…")}
    elements = [{**button, "value": str(reply_id)} for button in (approve, decline)]
    return (_section(words), {"type": "actions", "block_id": f"reply_asked:{reply_id}", "elements": elements})


def decided(words: str, outcome: str) -> tuple[Block, ...]:
    """The question once it is answered."""
    return (_section(words), _context(outcome))


def give_back(where: Mapping[str, Any], author: str) -> Block:
    """Why a reply goes back to its author."""
    reason = {"type": "plain_text_input", "action_id": "reason", "multiline": True, "max_length": 500}
    return {
        "type": "modal",
        "callback_id": GIVE_BACK,
        "title": _plain("Give the reply back"),
        "close": _plain("Cancel"),
        "submit": _plain("Give back"),
        "private_metadata": json.dumps(dict(where)),
        "blocks": [
            _context(f"It goes back to *{line(author, 60)}* as a draft, with your reason."),
            {"type": "input", "block_id": "reason", "label": _plain("Why"), "element": reason, "optional": True},
        ],
    }


def _submit(route: Route) -> str:
    if not route.sends:
        return "I have posted it"
    return "Ask for approval" if route.needs_approval else "Send"


def _actions(shown: Window) -> list[Block]:
    elements: list[Block] = []
    if shown.templates:
        options = [{"text": _plain(name[:75]), "value": str(at)} for at, name in enumerate(shown.templates[:100])]
        elements.append(
            {"type": "static_select", "action_id": PICKED, "placeholder": _plain("Template"), "options": options}
        )
    if address(shown.route.url):
        label = f"Open on {cut(shown.route.place, 40, escaped=False)}"
        elements.append({"type": "button", "action_id": "open", "text": _plain(label), "url": shown.route.url})
    if shown.route.sends:
        elements.append({"type": "button", "action_id": ELSEWHERE, "text": _plain("I have replied there")})
    return elements


def _who(case: Case) -> str:
    name = line(case.author_name or case.author, 80) or "The customer"
    about = [f"*{link(case.author_url, name)}*"]
    if case.author and case.author_name and case.author != case.author_name:
        about.append(line(case.author, 80))
    if case.author_followers is not None:
        about.append(f"{case.author_followers:,} followers")
    if case.earlier_cases_30d:
        about.append(f"*{ordinal(case.earlier_cases_30d + 1)} complaint in 30 days*")
    return " · ".join(about)


def _conversation(case: Case, said: Sequence[Said]) -> str:
    if case.removed or not said:
        return ">_(its author has removed it)_" if case.removed else quote(case.text, 1200)
    each = 2000 // len(said)
    rows = []
    for one in said:
        if one.answers:
            rows.append("_In answer to:_\n" + quote(one.answers, 300, lines=3))
        rows.append(("_We:_\n" if one.ours else "") + quote(one.text, max(200, min(each, 1200)), lines=6))
    return "\n".join(rows)


def _earlier(case: EarlierCase, now: datetime) -> str:
    said = line(case.said, 160) or "(no text)"
    answer = f" _We:_ “{line(case.answer, 160)}”" if case.answer else ""
    return f":clock3: {moment(case.at, now)}, {line(case.topic.replace('_', ' '), 40)}, {case.state}: “{said}”{answer}"


def _section(words: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": words, "verbatim": True}}


def _context(words: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": words, "verbatim": True}]}


def _plain(words: str) -> Block:
    return {"type": "plain_text", "text": words}
