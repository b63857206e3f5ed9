"""What can happen to a case, and what it is afterwards: one table, from which docs/clock.md draws its own."""

from __future__ import annotations

import sys

from monitor.errors import Refused

NEW = "new"  # before there is a case
BEFORE = "before"  # the state that a snoozed case had when it was snoozed
OPEN_STATES = ("open", "taken", "replied", "reopened", "snoozed")
CLOSED_STATES = ("resolved", "dismissed")

PEOPLE_EVENTS = (
    "take",
    "hand_over",
    "release",
    "note",
    "auto_ack",
    "reply",
    "snooze",
    "unsnooze",
    "mute",
    "unmute",
    "resolve",
    "dismiss",
    "escalate",
    "reopen",
)
SYSTEM_EVENTS = (
    "opened",
    "joined",
    "customer_again",
    "worse",
    "reply_seen",
    "remind",
    "oncall",
    "breach",
    "renag",
    "silent_owner",
    "ask_solved",
    "told",
    "rated",
    "reply_waits",
    "reply_approved",
    "reply_declined",
    "reply_failed",
    "posted_anew",
)
AFTERWARDS = ("told", "rated")  # what we or the customer may still say, in any state
# what befalls a reply on its way; it changes no state
ON_THE_WAY = ("reply_waits", "reply_approved", "reply_declined", "reply_failed")
SHOWN = ("posted_anew",)  # what befalls its message

_ANY_TIME = ("note", "auto_ack", "escalate", "mute", "unmute")  # while the clock may run
_ENDS = {"reply": "replied", "reply_seen": "replied", "resolve": "resolved", "dismiss": "dismissed"}


def _stays(state: str, *events: str) -> dict[str, str]:
    return dict.fromkeys(events, state)


def _unowned(state: str) -> dict[str, str]:
    return {
        "take": "taken",
        "hand_over": "taken",
        "snooze": "snoozed",
        **_ENDS,
        **_stays(state, *_ANY_TIME, "joined", "worse", "remind", "oncall", "breach", "renag"),
    }


_ROWS: dict[str, dict[str, str]] = {
    NEW: {"opened": "open"},
    "open": _unowned("open"),
    "reopened": _unowned("reopened"),
    "taken": {
        "release": "open",
        "silent_owner": "open",
        "snooze": "snoozed",
        **_ENDS,
        **_stays("taken", "hand_over", *_ANY_TIME, "joined", "worse", "remind", "oncall", "breach"),
    },
    "replied": {
        "customer_again": "reopened",
        "reopen": "reopened",
        "resolve": "resolved",
        "dismiss": "dismissed",
        **_stays("replied", "reply", "reply_seen", "hand_over", "note", "auto_ack", "escalate"),
        **_stays("replied", "joined", "worse", "ask_solved"),
    },
    "snoozed": {
        "unsnooze": BEFORE,
        "take": "taken",
        "hand_over": "taken",
        **_ENDS,
        **_stays("snoozed", "snooze", *_ANY_TIME),
    },
    "resolved": {
        "reopen": "reopened",
        "customer_again": "reopened",
        **_stays("resolved", "worse", "reply_seen", "note"),
    },
    "dismissed": {"reopen": "reopened", **_stays("dismissed", "note")},
}

for _state, _row in _ROWS.items():
    if _state != NEW:
        _row |= _stays(_state, *AFTERWARDS, *ON_THE_WAY, *SHOWN)

TRANSITIONS: dict[tuple[str, str], str] = {
    (state, event): target for state, row in _ROWS.items() for event, target in row.items()
}


def after(state: str, event: str) -> str:
    """The state after `event`; Refused, with what is possible instead, where the table has no such entry."""
    target = TRANSITIONS.get((state, event))
    if target is None:
        possible = [e for e in PEOPLE_EVENTS if (state, e) in TRANSITIONS]
        raise Refused(f"{event} is not possible while the case is {state}; possible: {', '.join(possible)}")
    return target


def table() -> str:
    """The transitions as a Markdown table, one row an event, one column a state."""
    states = [NEW, *OPEN_STATES, *CLOSED_STATES]
    lines = ["| event | " + " | ".join(states) + " |", "|---" * (len(states) + 1) + "|"]
    for event in (*PEOPLE_EVENTS, *SYSTEM_EVENTS):
        cells = (TRANSITIONS.get((state, event), "") for state in states)
        lines.append(f"| {event} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table())
