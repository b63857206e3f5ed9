"""What an incident looks like in Slack: pure functions, as in blocks.py, from an incident and its cases."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from monitor.alerts import blocks
from monitor.alerts.blocks import Block, moment, span
from monitor.alerts.text import cut, line, link, quote
from monitor.cases import Case
from monitor.classify.verdict import SEVERITIES
from monitor.incidents import LONGEST_ANSWER, Incident, buckets
from monitor.languages import language_name

ANSWER = "incident_answer"
BARS = "▁▂▃▄▅▆▇█"
MOST_BARS = 24
BEFORE = timedelta(minutes=30)  # of quiet that the sparkline shows before the first complaint
QUOTED = 220
QUOTES = 3
NAMED = 4  # sources, topics and languages that are named; the rest is a number
LINKED = 30


def root(incident: Incident, samples: Sequence[Case], now: datetime) -> tuple[str, tuple[Block, ...]]:
    """The message that stands for an incident."""
    said = "\n\n".join(quote(case.text, QUOTED, lines=3) for case in samples) or "_(nothing left to quote)_"
    shown = [
        section(f"{heading(incident)}\n{standing(incident, now)}"),
        section(curve(incident, now)),
        section(said),
        {"type": "context", "elements": [{"type": "mrkdwn", "text": about(incident), "verbatim": True}]},
    ]
    if incident.answer:
        shown.append(
            section(
                f":memo: Replies begin as (set by *{line(incident.answer_by, 60)}*):\n{quote(incident.answer, 600)}"
            )
        )
    if pressable := _actions(incident):
        shown.append({"type": "actions", "block_id": f"incident:{incident.id}", "elements": pressable})
    return f"{title(incident)} · {left(incident, now)}", tuple(shown)


def title(incident: Incident) -> str:
    """Brand, what failed and how many, as one plain line."""
    what = " and ".join(topic.replace("_", " ") for topic in incident.topics) or "similar complaints"
    over = "Storm over" if incident.state == "ended" else "Storm"
    return f"{over} · {line(incident.brand, 60)} · {what}: {many(incident.cases)}"


def heading(incident: Incident) -> str:
    if incident.state == "ended":
        sign = ":white_check_mark:" if not incident.unanswered else ":partly_sunny:"
    else:
        sign = ":rotating_light:" if incident.overdue else ":cyclone:"
    return f"{sign} *{title(incident)}*"


def many(count: int) -> str:
    return "1 complaint" if count == 1 else f"{count:,} complaints"


def standing(incident: Incident, now: datetime) -> str:
    """How its cases stand, and since when."""
    until = f" until {moment(incident.ended_at, now)}" if incident.ended_at else ""
    answered = incident.in_time + incident.late
    parts = [f"Since {moment(incident.began_at, now)}{until}", left(incident, now)]
    if answered:
        late = f" ({incident.late} late)" if incident.late else ""
        parts.append(f"{answered} answered{late}")
    if incident.unreplied:
        parts.append(f"{incident.unreplied} closed without a reply")
    parts += [f"{count} of these in {blocks.mention(channel)}" for channel, count in sorted(incident.elsewhere.items())]
    return " · ".join(parts)


def left(incident: Incident, now: datetime) -> str:
    """What is left to do: how many are unanswered, and by when the oldest is due."""
    if not incident.unanswered:
        return "all answered" if incident.cases else "nothing to answer"
    rest = f"{incident.unanswered:,} of {incident.cases:,} unanswered"
    if incident.overdue:
        rest += f", {incident.overdue:,} overdue"
    return rest + (f", oldest due {moment(incident.oldest_due, now)}" if incident.oldest_due else "")


def curve(incident: Incident, now: datetime) -> str:
    """Complaints over time as a line of bars, with the highest of them in numbers."""
    start, end = incident.began_at - BEFORE, min(now, incident.ended_at or now)
    length, counts = buckets(incident.posted, start, max(end, incident.began_at), MOST_BARS)
    usual = "under 1" if incident.usual < 1 else f"{incident.usual:.0f}"
    return f"`{bars(counts)}` up to {max(counts)} in {span(length.total_seconds())} · usual: {usual} an hour"


def bars(counts: Sequence[int]) -> str:
    most = max(counts, default=0)
    return "".join(BARS[-(-count * (len(BARS) - 1) // most) if most else 0] for count in counts)


def about(incident: Incident) -> str:
    """Where, what about, how bad and in which languages."""
    worst = {name: incident.by_severity[name] for name in reversed(SEVERITIES) if incident.by_severity[name]}
    parts = [
        _counts(incident.by_source),
        _counts(Counter({topic.replace("_", " "): count for topic, count in incident.by_topic.items()})),
        ", ".join(f"{name} {count}" for name, count in worst.items()),
        _counts(Counter({language_name(code) or code: count for code, count in incident.by_language.items()})),
    ]
    return " · ".join(part for part in parts if part) or "no complaints"


def _counts(counter: Counter[str]) -> str:
    named = [f"{line(name, 40)} {count}" for name, count in counter.most_common(NAMED)]
    rest = counter.total() - sum(count for _, count in counter.most_common(NAMED))
    return ", ".join([*named, f"others {rest}"] if rest else named)


def entries(cases: Sequence[Case], now: datetime, holders: Mapping[int, str]) -> tuple[str, tuple[Block, ...]]:
    """A message of the incident's thread: some of its cases, each with its clock and its own buttons. `holders` says
    how the owners are called, by case."""
    shown: list[Block] = []
    for case in cases:
        _, whole = blocks.root(case, now, holders.get(case.id))
        shown.append(section(entry(case, now, holders.get(case.id))))
        shown += [block for block in whole if block["type"] == "actions" and block["elements"]]
    said = cut(" ".join(cases[0].text.split()), 120) if cases else ""
    return f"{many(len(cases))} of the storm: “{said}” …", tuple(shown)


def entry(case: Case, now: datetime, holder: str | None) -> str:
    who = link(case.author_url, line(case.author_name or case.author, 60) or "somebody")
    where = link(case.url, line(case.source, 40))
    words = ">_(its author has removed it)_" if case.removed else quote(case.text, QUOTED, lines=3)
    head = f"*{who}* on {where} · {case.severity}"
    return f"{head} · {blocks.clock_line(case, now, holder)}\n{words}"


def earlier(cases: Sequence[Case]) -> str:
    """The cases that have a message of their own because they came before the storm was recognised."""
    links = [link(blocks.place(case), line(case.author_name or case.author, 40) or f"case {case.id}") for case in cases]
    rest = f" and {len(links) - LINKED} more" if len(links) > LINKED else ""
    said = "was" if len(cases) == 1 else "were"
    return (
        f":mag: {many(len(cases))} of this {said} alerted before it was recognised: {', '.join(links[:LINKED])}{rest}"
    )


def pointer(incident: Incident) -> str:
    """What another channel is told, when too many of an incident's cases would go there one by one."""
    where = blocks.permalink(incident.slack_channel, incident.slack_ts)
    there = f"{link(where, 'its thread')}" if where else "its thread"
    return f":cyclone: *{title(incident)}*. What comes from now on of it is in {there}, also what is for this channel."


def asks(incident: Incident, event: str, whom: str | None, now: datetime) -> str:
    """One reminder for all cases of an incident."""
    call = f"{whom} " if whom else ""
    what = title(incident)
    if event == "breach":
        over = f"*The time to answer has run out for {incident.overdue:,}.*"
        return f":rotating_light: {call}{over} {what} · {left(incident, now)}"
    if event in ("renag", "silent_owner"):
        return f":rotating_light: {call}Nobody has {incident.untaken:,} of these. {what} · {left(incident, now)}"
    return f":bell: {call}{what} · {left(incident, now)}"


def summary(incident: Incident, now: datetime) -> str:
    """What is said when it is over."""
    lasted = span(((incident.ended_at or now) - incident.began_at).total_seconds())
    end = "It is back to the usual" if incident.ended_by == "firsthour" else f"*{line(incident.ended_by, 60)}* ended it"
    return (
        f":partly_sunny: *{title(incident)}* in {lasted}. {end}.\n{curve(incident, now)}\n{about(incident)}\n"
        f"{standing(incident, now)}. What comes from now on is alerted one by one again."
    )


def answer_set(incident: Incident) -> str:
    who = f"*{line(incident.answer_by, 60)}*"
    if not incident.answer:
        return f":memo: {who} took the prepared reply away."
    return f":memo: {who} prepared the reply to these; each is still sent by a person:\n{quote(incident.answer, 1500)}"


def answer_modal(incident: Incident, where: Mapping[str, object]) -> Block:
    """The reply that all of an incident's cases begin with. `where` comes back with it."""
    field: Block = {
        "type": "plain_text_input",
        "action_id": "answer",
        "multiline": True,
        "max_length": LONGEST_ANSWER,
    }
    if incident.answer:
        field["initial_value"] = incident.answer
    hint = "Each reply is still read, changed where it needs to be, and sent by a person. Empty: nothing is prepared."
    return {
        "type": "modal",
        "callback_id": ANSWER,
        "title": {"type": "plain_text", "text": "Reply to the storm"},
        "submit": {"type": "plain_text", "text": "Prepare"},
        "close": {"type": "plain_text", "text": "Cancel"},
        "private_metadata": json.dumps({**where, "incident": incident.id}),
        "blocks": [
            section(title(incident)),
            {
                "type": "input",
                "block_id": "answer",
                "optional": True,
                "label": {"type": "plain_text", "text": "What replies to these complaints begin as"},
                "hint": {"type": "plain_text", "text": hint},
                "element": field,
            },
        ],
    }


def plain(incident: Incident, event: str, now: datetime) -> tuple[str, str]:
    """Title and body without any markup, for e-mail, pagers and the like."""
    name = cut(incident.brand, 60, escaped=False)
    late = (
        f"{incident.overdue} not answered in time" if incident.overdue else f"{incident.unanswered} wait for an answer"
    )
    due = f"\nOldest due {incident.oldest_due:%Y-%m-%d %H:%M} UTC" if incident.oldest_due else ""
    where = blocks.permalink(incident.slack_channel, incident.slack_ts)
    what = ", ".join(topic.replace("_", " ") for topic in incident.topics) or "similar complaints"
    count = f"{many(incident.cases)} ({what}) since {incident.began_at:%H:%M} UTC, {incident.unanswered} unanswered."
    return f"{name}: a storm of complaints, {late}", count + due + (f"\n{where}" if where else "")


def section(words: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": words, "verbatim": True}}


def _actions(incident: Incident) -> list[Block]:
    elements = []
    if incident.untaken:
        elements.append(_button(incident, "incident_take", "Take the next one") | {"style": "primary"})
    if incident.unanswered or incident.state == "open":
        elements.append(
            _button(incident, "incident_answer", "Change the reply" if incident.answer else "Prepare the reply")
        )
    if incident.state == "open":
        elements.append(_button(incident, "incident_end", "It is over"))
    return elements


def _button(incident: Incident, action: str, label: str) -> Block:
    return {
        "type": "button",
        "action_id": action,
        "text": {"type": "plain_text", "text": label},
        "value": str(incident.id),
    }
