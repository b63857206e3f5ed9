"""A case's clock and its history, told to people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.case_events import REPLIES
from monitor.web.queries import CaseRecord, EventRecord
from monitor.web.words import SOON, harmless, long_span, span, spoken


@dataclass(frozen=True, slots=True)
class ClockFace:
    """`level` is late, soon, ok, paused, met, missed or none; `figure` fits into the ring; `left` is the share of the
    time that is left, 0 to 1; `sentence` says it all."""

    level: str
    figure: str
    caption: str
    left: float
    sentence: str


def clock_of(case: CaseRecord, now: datetime) -> ClockFace:
    if case.running and case.due_at is not None:
        seconds = (case.due_at - now).total_seconds()
        if seconds < 0:
            return ClockFace("late", "+" + span(seconds), "late", 0.0, f"{long_span(seconds)} late")
        whole = (case.due_at - (case.starts_at or case.posted_at)).total_seconds()
        level = "soon" if seconds <= SOON.total_seconds() else "ok"
        left = min(1.0, seconds / whole) if whole > 0 else 0.0
        return ClockFace(level, span(seconds), "left", left, f"{long_span(seconds)} left")
    if case.clock == "paused":
        kept = case.seconds_left
        return ClockFace("paused", span(kept) if kept else "–", "paused", 1.0, "The clock is paused")
    if case.first_response_at is not None:
        after = f"after {long_span(case.calendar_seconds)}" if case.calendar_seconds is not None else "already"
        if case.met is False:
            return ClockFace("missed", "✓", "late", 1.0, f"Answered {after}, too late")
        return ClockFace("met", "✓", "in time", 1.0, f"Answered {after}, in time")
    if case.state in ("resolved", "dismissed"):
        return ClockFace("none", "–", "closed", 0.0, "Closed without a reply")
    return ClockFace("none", "–", "no clock", 0.0, "No clock: it was too old when it was first seen")


_TOLD = {
    "opened": "Case opened",
    "joined": "The customer wrote more",
    "customer_again": "The customer wrote again after the answer",
    "worse": "It became worse: {severity} now",
    "take": "{actor} took it",
    "hand_over": "{actor} handed it over to {to}",
    "release": "{actor} gave it back to the group",
    "note": "{actor} noted",
    "auto_ack": "An automatic acknowledgement went out",
    "reply": "{actor} answered the customer",
    "reply_waits": "{actor} asked for a second pair of eyes on a reply",
    "reply_approved": "{actor} approved the reply",
    "reply_declined": "{actor} gave the reply back to its author",
    "reply_failed": "The reply by {actor} did not go out",
    "reply_seen": "An answer by {actor} was seen on the source",
    "snooze": "{actor} snoozed it",
    "unsnooze": "Back from its snooze",
    "mute": "{actor} muted its reminders",
    "unmute": "{actor} wants to be reminded again",
    "resolve": "{actor} resolved it",
    "dismiss": "{actor} said: not a complaint",
    "escalate": "{actor} escalated it",
    "reopen": "{actor} opened it again",
    "remind": "Reminder",
    "oncall": "The people on call were told",
    "breach": "Time is up; the lead was told",
    "renag": "Still nobody has taken it: told again",
    "silent_owner": "The owner stayed silent: back to the group",
    "told": "The customer was told by itself",
    "posted_anew": "Its message in Slack was gone: it was posted anew",
    "ask_solved": "The owner was asked whether it is solved",
    "rated": "The customer rates our help {score} of 5",
}


def asked_solved(events: Sequence[EventRecord]) -> bool:
    """Whether the owner was asked if it is solved, and nobody has said so or answered the customer since."""
    said = [e.kind for e in events if e.kind in ("ask_solved", *REPLIES) or "solved" in e.detail]
    return said[-1:] == ["ask_solved"]


def told(event: EventRecord) -> str:
    """One line of the history. What people wrote stays as it is, without unseen characters."""
    to = event.detail.get("to") or event.detail.get("owner") or "somebody"
    actor = harmless(event.actor)
    score, severity = str(event.detail.get("score", "")), str(event.detail.get("severity", ""))
    line = _TOLD.get(event.kind, "{actor}: " + spoken(event.kind)).replace("{to}", harmless(str(to)))
    return line.replace("{actor}", actor).replace("{score}", score).replace("{severity}", severity)
