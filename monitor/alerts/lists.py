"""Several cases in one message or view: pure functions to Block Kit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from monitor.alerts import incident_blocks
from monitor.alerts.blocks import Block, actions, clock_line, mention, moment, permalink, place, span
from monitor.alerts.silences import Silence
from monitor.alerts.tally import Tally
from monitor.alerts.text import line, link, quote
from monitor.cases import Case
from monitor.incidents import Incident
from monitor.transitions import TRANSITIONS

LISTED = 12  # cases of an answer to /firsthour
AT_HOME = 15  # of each kind
STORMS = 5


def entry(case: Case, now: datetime) -> str:
    """One case in two or three lines."""
    topic = line(case.topic.replace("_", " "), 40)
    what = f"*{case.severity.capitalize()}* · {topic} · {line(case.source, 40)} for {line(case.brand, 40)}"
    where = place(case)
    said = quote("" if case.removed else case.text, 160, lines=1)
    return f"{clock_line(case, now)}\n{what}" + (f" · {link(where, 'go to it')}" if where else "") + f"\n{said}"


def storms(incidents: Sequence[Incident], now: datetime) -> list[Block]:
    """Incidents, each with a button to take its next case."""
    shown: list[Block] = []
    for incident in incidents[:STORMS]:
        where = permalink(incident.slack_channel, incident.slack_ts)
        place = f" · {link(where, 'go to it')}" if where else ""
        words = f"{incident_blocks.heading(incident)}\n{incident_blocks.left(incident, now)}{place}"
        block = section(words) | {"block_id": f"incident:{incident.id}"}
        if incident.untaken:
            block["accessory"] = button("incident_take", "Take the next one", str(incident.id))
        shown.append(block)
    if len(incidents) > STORMS:
        shown.append(context(f"… and {len(incidents) - STORMS} more storms."))
    return shown


def listed(cases: Sequence[Case], total: int, title: str, nothing: str, now: datetime) -> tuple[str, list[Block]]:
    """Cases, each with a button to take it where it can be taken; what to show where blocks are not, and the blocks."""
    if not cases:
        return nothing, [section(nothing)]
    blocks: list[Block] = [section(f"*{title}*")]
    for case in cases[:LISTED]:
        block = section(entry(case, now)) | {"block_id": f"case:{case.id}"}
        if (case.state, "take") in TRANSITIONS:
            block["accessory"] = button("take", "Take it", str(case.id))
        blocks.append(block)
    if total > len(cases[:LISTED]):
        blocks.append(context(f"… and {total - len(cases[:LISTED])} more."))
    return f"{title}: {total}", blocks


def figures(tally: Tally, since: datetime, now: datetime) -> str:
    share = f" ({100 * tally.in_time // tally.answered} %)" if tally.answered else ""
    middle = span(tally.median_seconds) if tally.median_seconds is not None else "–"
    return (
        f"*Since {moment(since, now)}*\n"
        f"• {tally.opened} opened\n"
        f"• {tally.answered} answered, {tally.in_time} of them in time{share}\n"
        f"• median first response: {middle}\n"
        f"• {tally.breached} breached\n"
        f"• now: {tally.waiting} waiting, {tally.overdue} of them overdue"
    )


def home(
    mine: Sequence[Case],
    team: Sequence[Case],
    total: int,
    incidents: Sequence[Incident],
    pause: Silence | None,
    quiet: datetime | None,
    now: datetime,
) -> Block:
    """The Home tab: what holds alerts back, incidents, the reader's own cases with all their buttons, then what else
    the team has open."""
    blocks: list[Block] = [
        {"type": "header", "text": plain("Your cases")},
        context(f"As of {moment(now, now)}. {total} open in all."),
        {"type": "actions", "block_id": "home", "elements": [button("home_refresh", "Refresh", "home")]},
    ]
    if pause is not None and pause.until is not None:
        blocks.append(section(f":mute: {_paused(pause, now)}"))
    if quiet is not None:
        words = f":crescent_moon: Quiet hours until *{moment(quiet, now)}*: what can wait comes then. Clocks run on."
        blocks.append(section(words))
    blocks += storms(incidents, now)
    if not mine:
        blocks.append(section("You have none. Take one below, or in the channel."))
    for case in mine[:AT_HOME]:
        blocks += [
            section(entry(case, now)),
            {"type": "actions", "block_id": f"case:{case.id}", "elements": actions(case)},
        ]
    if len(mine) > AT_HOME:
        blocks.append(context("… and more: `/firsthour mine`"))
    blocks += [{"type": "divider"}, {"type": "header", "text": plain("Open in the team")}]
    if not team:
        blocks.append(section("Nothing else is open."))
    for case in team[:AT_HOME]:
        block = section(entry(case, now)) | {"block_id": f"case:{case.id}"}
        if (case.state, "take") in TRANSITIONS:
            block["accessory"] = button("take", "Take it", str(case.id))
        blocks.append(block)
    if len(team) > AT_HOME:
        blocks.append(context("… and more: `/firsthour`"))
    return {"type": "home", "callback_id": "home", "blocks": blocks}


def told_of(silence: Silence, now: datetime) -> str:
    """What is said in the channel when its alerts are paused."""
    return (
        f":mute: {_paused(silence, now)}\nNew cases wait and come together after. Clocks run on: a critical case comes "
        "at once, any other before somebody is called for it. `/firsthour resume` ends the pause."
    )


def after_pause(silence: Silence, held: Sequence[Case], now: datetime) -> str:
    """What is said when alerts go out again, before those that were held."""
    who = f"*{line(silence.ended_by, 60)}* resumed alerts" if silence.ended_by else "Alerts are on again"
    lasted = span((now - silence.since).total_seconds())
    if not held:
        return f":speaker: {who} after {lasted}. Nothing had to wait."
    came = "One case came in and follows now:" if len(held) == 1 else f"{len(held)} cases came in and follow now:"
    return f":speaker: {who} after {lasted}. {came}\n{_first(held, now)}"


def after_quiet(held: Sequence[Case], now: datetime) -> str:
    """What is said when quiet hours end, before the alerts that they held."""
    kinds = {case.severity for case in held}
    of = f"{kinds.pop()} " if len(kinds) == 1 else ""
    came = f"One {of}case" if len(held) == 1 else f"{len(held)} {of}cases"
    follow = "follows" if len(held) == 1 else "follow"
    return f":sunrise: {came} came in during quiet hours and {follow} now:\n{_first(held, now)}"


def after_outage(silence: Silence, tally: Tally, waiting: Sequence[Case], call: str | None, now: datetime) -> str:
    """What happened while Slack was away, in place of the reminders that would have come."""
    head = (
        f":satellite_antenna: Slack was away from {moment(silence.since, now)} to {moment(now, now)} "
        f"({span((now - silence.since).total_seconds())}). "
        f"Meanwhile: {tally.opened} opened, {tally.answered} answered, {tally.breached} breached."
    )
    if not waiting:
        return f"{head} Nothing waits for an answer."
    calls = f"{call} " if call and tally.overdue else ""
    rows = "\n".join(_short(case, now) for case in waiting[:10])
    more = f"\n… and {tally.waiting - 10} more" if tally.waiting > 10 else ""
    return f"{head}\n{calls}*{tally.waiting} wait for an answer now, {tally.overdue} of them overdue:*\n{rows}{more}"


def _first(held: Sequence[Case], now: datetime) -> str:
    rows = [_short(case, now) for case in held[:5]] + ([f"… and {len(held) - 5} more"] if len(held) > 5 else [])
    return "\n".join(rows)


def _short(case: Case, now: datetime) -> str:
    words = line(case.text, 80) or "(no text)"
    where = place(case)
    shown = link(where, words) if where else f"“{words}”"
    return f"• {clock_line(case, now)} · {case.severity.capitalize()} · {line(case.source, 40)} · {shown}"


def _paused(silence: Silence, now: datetime) -> str:
    why = f": {line(silence.reason, 200)}" if silence.reason else ""
    until = moment(silence.until, now) if silence.until else "further notice"
    return f"*{line(silence.actor, 60)}* paused alerts until *{until}*{why}"


def on_call(named: Sequence[tuple[str, Sequence[str]]]) -> str:
    """Users and user groups on call, each group with its members as far as Slack tells."""
    if not named:
        return "Nobody is on call now: whoever runs firsthour sets it under [[oncall]] or [slack] oncall."
    rows = []
    for target, members in named:
        more = f" and {len(members) - 20} more" if len(members) > 20 else ""
        rows.append(
            mention(target) + (f": {', '.join(mention(user) for user in members[:20])}{more}" if members else "")
        )
    return "On call now: " + "; ".join(rows)


def section(words: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": words, "verbatim": True}}


def context(words: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": words, "verbatim": True}]}


def button(action: str, label: str, value: str) -> Block:
    return {"type": "button", "action_id": action, "text": plain(label), "value": value}


def plain(words: str) -> Block:
    return {"type": "plain_text", "text": words}
