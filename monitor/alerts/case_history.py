"""A case's whole history as pages of a modal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from monitor.alerts.blocks import Block, fallback, moment, span
from monitor.alerts.text import line, link, quote
from monitor.cases import Case, Event

HISTORY = "case_history"
PAGE = 12  # events; the longest of them fill a third of what a view may hold
_QUOTED = 900
_TOLD = {
    "opened": ":new: The case was opened",
    "joined": ":speech_balloon: The customer wrote more",
    "customer_again": ":speech_balloon: The customer wrote again after the answer",
    "worse": ":small_red_triangle: It became worse",
    "take": ":raised_hand: {actor} took it",
    "hand_over": ":handshake: {actor} handed it over to {to}",
    "release": ":leftwards_arrow_with_hook: {actor} gave it back",
    "silent_owner": ":arrows_counterclockwise: {owner} was silent for too long: nobody has it",
    "note": ":memo: {actor} noted",
    "auto_ack": ":speech_balloon: The customer was told that we have seen this",
    "reply": ":white_check_mark: {actor} replied",
    "reply_seen": ":white_check_mark: A reply by {actor} was seen on the source",
    "snooze": ":zzz: {actor} snoozed it",
    "unsnooze": ":bell: Awake again",
    "mute": ":no_bell: {actor} muted its reminders",
    "unmute": ":bell: {actor} wants to be reminded again",
    "resolve": ":ballot_box_with_check: {actor} resolved it",
    "dismiss": ":wastebasket: {actor} said that it is not a complaint",
    "reopen": ":repeat: {actor} reopened it",
    "escalate": ":sos: {actor} asked the lead for help",
    "remind": ":bell: Reminded",
    "oncall": ":bell: Those on call were asked",
    "breach": ":rotating_light: The time to answer ran out",
    "reply_waits": ":eyes: {actor} asked for a second pair of eyes on a reply",
    "reply_approved": ":ok: {actor} approved the reply",
    "reply_declined": ":leftwards_arrow_with_hook: {actor} gave the reply back to its author",
    "reply_failed": ":warning: The reply by {actor} did not go out",
    "told": ":speech_balloon: The customer was told how it stands",
    "posted_anew": ":recycle: Its message was gone: it was posted anew",
    "ask_solved": ":grey_question: The owner was asked whether it is solved",
    "rated": ":star: The customer rated our help",
    "renag": ":rotating_light: Asked again, since nobody had taken it",
}


def page_count(events: int) -> int:
    return max(1, -(-events // PAGE))


def view(case: Case, events: Sequence[Event], said: Mapping[int, str], page: int, now: datetime) -> Block:
    """Page `page` of the history, 0 the newest; within it the oldest comes first. `events` are all of the case's,
    `said` the customer's words by mention id."""
    pages = page_count(len(events))
    page = min(max(page, 0), pages - 1)
    end = len(events) - page * PAGE
    shown = events[max(0, end - PAGE) : end]
    blocks: list[Block] = [_context(fallback(case, now)), {"type": "divider"}]
    blocks += [_section(told(event, said, now)) for event in shown]
    if pages > 1:
        blocks.append(_context(f"Page {pages - page} of {pages} · {len(events)} entries"))
        buttons = [_turn(case, page + 1, "Earlier")] if page + 1 < pages else []
        buttons += [_turn(case, page - 1, "Later")] if page else []
        blocks.append({"type": "actions", "block_id": "history", "elements": buttons})
    return {
        "type": "modal",
        "callback_id": HISTORY,
        "title": {"type": "plain_text", "text": f"Case {case.id}"[:24]},
        "close": {"type": "plain_text", "text": "Close"},
        "private_metadata": json.dumps({"case": case.id, "page": page}),
        "blocks": blocks,
    }


def told(event: Event, said: Mapping[int, str], now: datetime) -> str:
    """When, who, what, and the words that belong to it: one mrkdwn text."""
    detail = event.detail
    who = {
        "actor": f"*{line(event.actor, 60)}*",
        "to": f"*{line(str(detail.get('to') or 'somebody'), 60)}*",
        "owner": f"*{line(str(detail.get('owner') or 'Its owner'), 60)}*",
    }
    words = _TOLD.get(event.kind, ":information_source: {actor}: " + line(event.kind.replace("_", " "), 60))
    for name, value in who.items():
        words = words.replace("{" + name + "}", value)
    rows = [f"{moment(event.at, now)} · {words}{_more(event, now)}"]
    text = detail.get("text") or said.get(detail.get("mention_id", -1))
    if text:
        rows.append(quote(str(text), _QUOTED))
    return "\n".join(rows)


def _more(event: Event, now: datetime) -> str:
    detail, more = event.detail, ""
    if event.kind in ("snooze", "mute") and isinstance(detail.get("until"), str):
        more = f" until {moment(datetime.fromisoformat(detail['until']), now)}"
    elif event.kind == "opened":
        more = f" · policy {line(str(detail.get('policy') or ''), 60)}" if detail.get("policy") else ""
    elif event.kind == "worse":
        more = f": {line(str(detail.get('severity')), 20)}, was {line(str(detail.get('was')), 20)}"
    elif event.kind in ("remind", "oncall", "breach") and isinstance(detail.get("at"), (int, float)):
        more = f" at {span(float(detail['at']))}"
    elif event.kind in ("reply", "reply_seen"):
        shown = link(str(detail.get("url") or ""), "see it")
        more = f" · {shown}" if shown.startswith("<") else ""
    elif event.kind == "rated" and isinstance(detail.get("score"), int):
        more = f": {detail['score']} of 5"
    return more + (f" _({line(event.origin, 30)})_" if event.origin not in ("clock", "slack") else "")


def _turn(case: Case, page: int, label: str) -> Block:
    value = json.dumps({"case": case.id, "page": page})
    return {
        "type": "button",
        "action_id": f"history_{label.lower()}",
        "text": {"type": "plain_text", "text": label},
        "value": value,
    }


def turned_to(value: Any) -> tuple[int, int] | None:
    """The case and page that a button of the history names."""
    try:
        found = json.loads(str(value))
        return int(found["case"]), int(found["page"])
    except (ValueError, KeyError, TypeError):
        return None


def _section(words: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": words, "verbatim": True}}


def _context(words: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": words, "verbatim": True}]}
