"""A day as a page for people to read: docs/a-day.md."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from day.team import EARLY, LATE, SHIFT_CHANGE
from day.town import COMPLAINTS, MENTIONS, SOURCE_AWAY, STORM, STORM_FROM, Window
from fake_slack import CHANNEL, OPS, FakeSlack

from monitor.models import CaseEventRow, CaseRow

EVENTS = {
    "opened": "opened",
    "take": "taken by {}",
    "reply": "answered by {}",
    "reply_failed": "the answer by {} did not go out",
    "reply_seen": "answered on the source itself, and noticed",
    "resolve": "resolved by {}",
    "snooze": "snoozed by {}",
    "unsnooze": "awake again",
    "remind": "reminder due",
    "oncall": "on-call step due",
    "breach": "**the hour is over**",
    "silent_owner": "back to the group, its owner was silent",
    "renag": "asked again",
}
Line = tuple[datetime, int, str]


@dataclass(frozen=True)
class Told:
    """What there is to tell."""

    slack: FakeSlack
    slack_away: Window
    cases: Sequence[CaseRow]
    events: Sequence[CaseEventRow]


def page(day: Told) -> str:
    lines = sorted([*_outside(day), *_happened(day), *_said(day)], key=lambda line: line[:2])
    return "\n".join([*_beginning(day), *_hours(lines)]) + "\n"


def _beginning(day: Told) -> list[str]:
    late = [case for case in day.cases if case.breached_at]
    used = sorted(case.calendar_seconds or 0 for case in day.cases)
    return [
        "# A day",
        "",
        "What happened on one simulated day. `tests/day/test_day.py` plays it with the service's own parts, a clock",
        "that jumps from one due second to the next, two sources, and a Slack on loopback, in which five people press",
        "what they see. It compares this page with what came out; a model that counts seconds checks each breach.",
        "",
        *[f"- **{agent.name}** {agent.habit}." for agent in (*EARLY, *LATE)],
        "",
        "In the storm both who are there take the next case, and the next, and send the reply that one has prepared.",
        "",
        f"{MENTIONS} mentions, {COMPLAINTS} of them complaints, and a storm of {STORM} more:",
        f"{len(day.cases) - len(late)} answered within the hour, {len(late)} late, half within "
        f"{int(used[len(used) // 2] // 60)} minutes. No alert was lost, none came",
        "twice, nobody was asked for what was known to be answered, and no customer was answered twice.",
    ]


def _hours(lines: Sequence[Line]) -> Iterator[str]:
    for hour, within in groupby(lines, key=lambda line: f"{line[0]:%H}:00"):
        yield from ("", f"## {hour}", "", "| time (UTC) | what |", "|---|---|")
        for when, parts in groupby(within, key=lambda line: line[0].replace(microsecond=0)):
            yield f"| {when:%H:%M:%S} | {'; '.join(_together([words for _, _, words in parts]))} |"


def _together(parts: Sequence[str]) -> Iterator[str]:
    """What befell several cases in one second, said once."""
    same: dict[tuple[str, str], list[str]] = {}
    for part in parts:
        about = re.match(r"(.*?)case (\d+)(.*)", part)
        head, number, rest = about.groups() if about else (part, "", "")
        same.setdefault((head, rest), []).append(number)
    for (head, rest), numbers in same.items():
        several = f"cases {', '.join(numbers)}" if len(numbers) > 1 else f"case {numbers[0]}"
        yield f"{head}{several}{rest}" if any(numbers) else head


def _outside(day: Told) -> list[Line]:
    return [
        (SOURCE_AWAY[0], 0, "**reddit stops answering**"),
        (SOURCE_AWAY[1], 0, "**reddit answers again**"),
        (day.slack_away[0], 0, "**Slack cannot be reached**"),
        (day.slack_away[1], 0, "**Slack is back**"),
        (SHIFT_CHANGE, 0, "**ann, bob and chi go home; dee and eve begin**"),
        (STORM_FROM, 0, f"**nobody can log in: {STORM} complaints within ten minutes**"),
    ]


def _happened(day: Told) -> Iterator[Line]:
    cases = {case.id: case for case in day.cases}
    for event in day.events:
        case = cases[event.case_id]
        about = f" ({case.source}, {case.severity})" if event.kind == "opened" else ""
        yield event.at, 1, f"case {case.id} {EVENTS[event.kind].format(event.actor)}{about}"


def _said(day: Told) -> Iterator[Line]:
    for channel in (CHANNEL, OPS):
        for message in day.slack.posted(channel=channel):
            case_id, kind = message["metadata"]["event_payload"].get("case_id"), message["posted_as"]
            words = f"{kind} for case {case_id}" if case_id else _first_line(message["text"])
            if kind == "incident" and "thread_ts" not in message:  # what it says has changed since
                words = "the peak" if message["text"].startswith("Peak") else "the incident"
            if kind != "note":
                yield datetime.fromtimestamp(float(message["ts"]), UTC), 2, f"→ Slack: {words}"


def _first_line(text: str) -> str:
    """As it is read: dates and links by their words."""
    return re.sub(r"<[^|>]+\|([^>]+)>", r"\1", text.partition("\n")[0]).replace("|", "\\|")
