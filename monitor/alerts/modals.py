"""Slack's modals as pure functions, and what people have put into them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from monitor.alerts.blocks import Block, fallback
from monitor.alerts.text import cut
from monitor.cases import Case

SNOOZE, HAND_OVER, TURN = "snooze_case", "hand_over_case", "turn_into_case"
BACK, CUSTOM = "back", "custom"
_LONGEST_OPTION = 75
_RESTS = {
    "snooze": "The case: its clock pauses",
    "mute": "Its reminders only: the clock goes on",
    "mute_for_good": "Its reminders only, for good",
    "unmute": "Nothing: remind us again",
}
_LONGEST_INPUT = 3000


def notice(words: str, title: str = "firsthour") -> Block:
    """A modal that only says something; `words` are mrkdwn."""
    return _view("notice", title, [_section(words)], close="Close")


def snooze(case: Case, now: datetime, opens: datetime | None, zone: ZoneInfo, where: Mapping[str, Any]) -> Block:
    """Until when a case, or its reminders, shall rest. `opens` is when business opens next, or tomorrow's morning
    without such hours; `where` comes back with the answer."""
    options = [_option("For 15 minutes", "15m"), _option("For 1 hour", "1h")]
    if opens is not None:
        options.append(_option(f"Until {_local(opens, zone)}", f"at:{int(opens.timestamp())}"))
    options.append(_option("Until another time, chosen below", CUSTOM))
    rest = [_option(label, value) for value, label in _RESTS.items() if value != "unmute" or case.muted(now)]
    start = int(now.timestamp()) // 3600 * 3600 + 2 * 3600
    blocks = [
        _context(fallback(case, now)),
        _input(
            "until",
            "For how long",
            {"type": "radio_buttons", "action_id": "until", "options": options, "initial_option": options[0]},
        ),
        _input(
            "time",
            "Another time",
            {"type": "datetimepicker", "action_id": "time", "initial_date_time": start},
            optional=True,
        ),
        _input(
            "what",
            "What shall rest",
            {"type": "radio_buttons", "action_id": "what", "options": rest, "initial_option": rest[0]},
        ),
        _context("A case that rests keeps the time that is left, and comes back. A breach is told in any case."),
    ]
    return _view(SNOOZE, f"Case {case.id}", blocks, submit="OK", where={**where, "case": case.id})


def rest(values: Mapping[str, Any], now: datetime) -> tuple[str, dict[str, Any]] | dict[str, str]:
    """What was chosen in `snooze`: the event and its detail, or what is wrong by block."""
    what = str((_state(values, "what").get("selected_option") or {}).get("value") or "snooze")
    if what in ("unmute", "mute_for_good"):
        return what.removesuffix("_for_good"), {}
    until = snoozed_until(values, now)
    return until if isinstance(until, dict) else ("mute" if what == "mute" else "snooze", {"until": until})


def snoozed_until(values: Mapping[str, Any], now: datetime) -> datetime | dict[str, str]:
    """What was chosen in `snooze`: a time to come, or what is wrong by block."""
    chosen = str((_state(values, "until").get("selected_option") or {}).get("value"))
    if chosen != CUSTOM:
        from monitor.section import duration

        until = _moment(chosen[3:], now) if chosen.startswith("at:") else now + duration(chosen)
        return until if until > now else {"until": "That time has passed. Choose another."}
    picked = _state(values, "time").get("selected_date_time")
    if not picked:
        return {"time": "Choose until when."}
    until = _moment(picked, now)
    if until <= now:
        return {"time": "That time has passed. Choose one to come."}
    if (until - now).days > 365:
        return {"time": "That is more than a year away."}
    return until


def hand_over(case: Case, now: datetime, where: Mapping[str, Any]) -> Block:
    """To whom a case goes. A case that somebody has can also go back to the group."""
    blocks: list[Block] = [_context(fallback(case, now))]
    if case.state == "taken":
        options = [_option("To a colleague", "person"), _option("Back to the group: nobody has it then", BACK)]
        radio = {"type": "radio_buttons", "action_id": "whom", "options": options, "initial_option": options[0]}
        blocks.append(_input("whom", f"{cut(case.owner or '', 60, escaped=False)} has this case", radio))
    picker = {"type": "users_select", "action_id": "user", "placeholder": _plain("Choose a colleague")}
    blocks.append(_input("user", "New owner", picker, optional=case.state == "taken"))
    note = {"type": "plain_text_input", "action_id": "note", "multiline": True, "max_length": 1000}
    blocks.append(_input("note", "What they should know", note, optional=True))
    blocks.append(_context("The new owner is told in the case's thread."))
    return _view(HAND_OVER, f"Case {case.id}", blocks, submit="Hand over", where={**where, "case": case.id})


def handed_over(values: Mapping[str, Any]) -> tuple[str | None, str] | dict[str, str]:
    """What was chosen in `hand_over`: the user (None: back to the group) and a note, or what is wrong by block."""
    note = str(_state(values, "note").get("value") or "").strip()
    if (_state(values, "whom").get("selected_option") or {}).get("value") == BACK:
        return None, note
    user = _state(values, "user").get("selected_user")
    return (str(user), note) if user else {"user": "Choose who shall have it."}


def turn(words: str, brands: Sequence[str], severities: Sequence[str], topics: Sequence[str], where: Any) -> Block:
    """What the case that a message becomes is about. The words can be trimmed to those of the customer."""
    chosen_brands = [
        _option(cut(name, 70, escaped=False) or "(no name)", str(at)) for at, name in enumerate(brands[:100])
    ]
    chosen = [_option(name.capitalize(), name) for name in severities]
    about = [_option(name.replace("_", " ").capitalize(), name) for name in topics]
    said = {
        "type": "plain_text_input",
        "action_id": "words",
        "multiline": True,
        "max_length": _LONGEST_INPUT,
        "initial_value": cut(words, _LONGEST_INPUT, escaped=False) or "?",
    }
    name = {"type": "plain_text_input", "action_id": "customer", "max_length": 200}
    blocks = [
        _input("words", "What the customer said", said),
        _input("customer", "Who the customer is", name, optional=True),
        _input("brand", "Brand", _select("brand", chosen_brands, 0)),
        _input("severity", "Severity", _select("severity", chosen, severities.index("medium"))),
        _input("topic", "What failed", _select("topic", about, len(about) - 1)),
        _context("The case's clock starts now: when the customer wrote is not known here."),
    ]
    return _view(TURN, "Turn into a case", blocks, submit="Open the case", where=where)


def turned(values: Mapping[str, Any]) -> dict[str, str]:
    """What was chosen in `turn`: words, customer, brand (its place in the list), severity and topic."""
    chosen = {name: str(_state(values, name).get("value") or "") for name in ("words", "customer")}
    for name in ("brand", "severity", "topic"):
        chosen[name] = str((_state(values, name).get("selected_option") or {}).get("value") or "")
    return chosen


def where(view: Mapping[str, Any]) -> dict[str, Any]:
    """What a modal was opened with; empty where it was none of ours."""
    try:
        found = json.loads(view.get("private_metadata") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _state(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return (values.get(name) or {}).get(name) or {}


def _moment(stamp: Any, now: datetime) -> datetime:
    return datetime.fromtimestamp(int(stamp), now.tzinfo)


def _local(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%a %d %b, %H:%M} ({zone.key})"


def _view(callback: str, title: str, blocks: Sequence[Block], **more: Any) -> Block:
    view: Block = {
        "type": "modal",
        "callback_id": callback,
        "title": _plain(title[:24]),
        "close": _plain(more.get("close") or "Cancel"),
        "blocks": list(blocks),
    }
    if "submit" in more:
        view["submit"] = _plain(more["submit"])
    if "where" in more:
        view["private_metadata"] = json.dumps(more["where"])
    return view


def _input(name: str, label: str, element: Block, optional: bool = False) -> Block:
    return {"type": "input", "block_id": name, "label": _plain(label), "element": element, "optional": optional}


def _select(name: str, options: list[Block], initial: int) -> Block:
    return {"type": "static_select", "action_id": name, "options": options, "initial_option": options[initial]}


def _option(label: str, value: str) -> Block:
    return {"text": _plain(label[:_LONGEST_OPTION]), "value": value}


def _section(words: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": words, "verbatim": True}}


def _context(words: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": words, "verbatim": True}]}


def _plain(words: str) -> Block:
    return {"type": "plain_text", "text": words}
