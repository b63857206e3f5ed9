"""What a case looks like in Slack: pure functions from a case and the time to Block Kit and plain words.

Everything that comes from outside goes through `text`, so that it stays plain letters inside its quote.
Limits of Block Kit: https://api.slack.com/reference/block-kit/blocks
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, TypeGuard

from monitor.alerts.text import address, cut, line, link, quote
from monitor.case_clock import FOR_GOOD
from monitor.cases import Case
from monitor.languages import language_name
from monitor.sla import late
from monitor.spread import spread_words
from monitor.transitions import CLOSED_STATES, TRANSITIONS

Block = dict[str, Any]

ATTACHED = 3  # at most so many links to pictures and films
QUOTED = 1500  # characters of a mention shown; the rest is behind the link
_COLOURS = {"low": "white", "medium": "large_yellow", "high": "large_orange", "critical": "red"}
SNOOZE_FOR = {"snooze_15": timedelta(minutes=15), "snooze_60": timedelta(hours=1)}  # in the menus of old messages
_MENU = (  # five at most at a time, with the history: Slack takes no more
    ("unsnooze", "Wake it now"),
    ("snooze", "Snooze or mute…"),
    ("hand_over", "Hand over…"),
    ("escalate", "Escalate"),
    ("dismiss", "Not a complaint"),
)


def root(case: Case, now: datetime, holder: str | None = None) -> tuple[str, tuple[Block, ...]]:
    """The message that stands for a case: what to show in a notification, and the blocks. `holder` is how the owner is
    called, as mrkdwn; without it by name."""
    words = f"{heading(case, now)}\n{quoted(case)}"
    blocks = [
        _section(words),
        {"type": "context", "elements": [_mrkdwn(" · ".join(_about(case)))]},
        _section(clock_line(case, now, holder)),
        {"type": "actions", "block_id": f"case:{case.id}", "elements": actions(case)},
    ]
    return fallback(case, now), tuple(blocks)


def quoted(case: Case) -> str:
    return ">_(its author has removed it)_" if case.removed else quote(case.text, QUOTED)


def fallback(case: Case, now: datetime) -> str:
    """One line for notifications: brand, severity, source, the first words, how much time is left."""
    said = cut(" ".join(case.text.split()), 120) or "(no text)"
    vip = "VIP · " if case.vip else ""
    return (
        f"{vip}{line(case.brand, 60)} · {_severity(case)} · {line(case.source, 60)}: “{said}” · {_standing(case, now)}"
    )


def heading(case: Case, now: datetime) -> str:
    """What, where and for whom, in one line that starts with a sign of the state."""
    what = f"{_severity(case)} · {_words(case.topic)}"
    if case.state == "dismissed":
        sign, what = ":wastebasket:", f"Not a complaint · {what}"
    elif case.state == "resolved":
        sign, what = ":ballot_box_with_check:", f"Resolved · {what}"
    elif case.state == "replied":
        sign, what = ":white_check_mark:", f"Answered · {what}"
    elif is_overdue(case, now):
        sign, what = ":rotating_light:", f"Overdue · {what}"
    elif case.state == "snoozed":
        sign, what = ":zzz:", f"Snoozed · {what}"
    else:
        sign = f":{_COLOURS.get(case.severity, 'white')}_circle:"
    return f"{sign} *{what}* on *{line(case.source, 60)}* for *{line(case.brand, 60)}*"


def clock_line(case: Case, now: datetime, holder: str | None = None) -> str:
    """How the clock stands and who has the case, with a sign of it."""
    words = " ".join(_clock(case, now, holder))
    if not case.muted(now) or case.clock not in ("running", "paused"):
        return words
    until = f" until {moment(case.muted_until, now)}" if ends(case.muted_until) else ""
    return f"{words} · :no_bell: reminders muted{until}"


def ends(until: datetime | None) -> TypeGuard[datetime]:
    """Whether a mute has an end; without one it is until somebody says otherwise."""
    return until is not None and until < FOR_GOOD


def clock_words(case: Case, now: datetime) -> str:
    return _clock(case, now, None)[1]


def _clock(case: Case, now: datetime, holder: str | None) -> tuple[str, str]:
    name = holder or line(case.owner, 60)
    who = f"*{name}* has it" if case.owner else "nobody has it yet"
    if case.state in CLOSED_STATES or case.clock == "stopped":
        return _ended(case, f" · {name}" if case.owner else "")
    again = "The customer wrote again · " if case.clock_kind == "next" else ""
    if case.clock == "paused":
        overdue = case.seconds_left is not None and case.seconds_left < 0
        until = f" until *{moment(case.snoozed_until, now)}*" if case.snoozed_until else ""
        left = ", already overdue" if overdue else f", then {span(case.seconds_left or 0)} left"
        return ":zzz:", f"{again}Paused{until}{left} · {who}"
    if case.due_at is None:
        return ":hourglass:", f"No clock: it was posted *{moment(case.posted_at, now)}*, before we looked · {who}"
    due = moment(case.due_at, now)
    if is_overdue(case, now):
        return ":rotating_light:", f"{again}*Overdue since {due}* · {who}"
    left = span((case.due_at - now).total_seconds())
    return ":hourglass_flowing_sand:", f"{again}*{left} left* at {moment(now, now)}, answer by *{due}* · {who}"


def is_overdue(case: Case, now: datetime) -> bool:
    """The very second of `due_at` is still in time."""
    return case.clock == "running" and case.due_at is not None and late(now, case.due_at)


def mention(target: str) -> str:
    """How a user (U..., W...), user group (S...) or channel (C...) is addressed; anything else as plain words."""
    if re.fullmatch(r"[UW][A-Z0-9]{2,}", target):
        return f"<@{target}>"
    if re.fullmatch(r"S[A-Z0-9]{2,}", target):
        return f"<!subteam^{target}>"
    if re.fullmatch(r"[CG][A-Z0-9]{2,}", target):
        return f"<#{target}>"
    return line(target, 60)


def moment(at: datetime, now: datetime) -> str:
    """A date that each reader sees in local time, with UTC for those who cannot."""
    near = abs(at - now) < timedelta(hours=12)
    shape = "{time}" if near else "{date_short_pretty}, {time}"
    plain = f"{at:%H:%M} UTC" if near else f"{at:%d %b %Y, %H:%M} UTC"
    return f"<!date^{int(at.timestamp())}^{shape}|{plain}>"


def span(seconds: float) -> str:
    """A length of time in words, rounded down: nobody has less than said."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return "under a minute" if seconds >= 0 else "no time"
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{rest} min"


def ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def place(case: Case) -> str | None:
    """The address of the case's root message, as Slack redirects it to the reader's own workspace."""
    return permalink(case.slack_channel, case.slack_ts, case.slack_thread)


def permalink(channel: str | None, ts: str | None, thread: str | None = None) -> str | None:
    if not channel or not ts:
        return None
    inside = f"?thread_ts={thread}&cid={channel}" if thread else ""
    return f"https://slack.com/archives/{channel}/p{ts.replace('.', '')}{inside}"


def _about(case: Case) -> list[str]:
    name = line(case.author_name or case.author, 80) or "somebody"
    about = [link(case.author_url, name)]
    if case.author_name and case.author and case.author_name != case.author:
        about[0] += f" ({line(case.author, 80)})"
    if case.vip is not None:
        about.insert(0, ":star2: *VIP*")
    if case.author_followers is not None:
        about.append(f"{case.author_followers:,} followers")
    if case.rating is not None:
        full = max(0, min(5, round(case.rating)))
        about.append("★" * full + "☆" * (5 - full))
    if spread := spread_words(case.engagement):
        about.append(spread)
    if not case.removed and (links := [each for each in case.media if address(each)][:ATTACHED]):
        about.append(" ".join(link(each, f"attachment {number}") for number, each in enumerate(links, 1)))
    if case.earlier_cases_30d:
        about.append(f"*{ordinal(case.earlier_cases_30d + 1)} complaint in 30 days*")
    if case.mentions > 1:
        about.append(f"{case.mentions} messages")
    if case.copies:
        about.append(f"passed on {'once' if case.copies == 1 else f'{case.copies:,} times'}")
    if name_of_language := language_name(case.language):
        about.append(name_of_language)
    about.append(f"complaint {_percent(case.complaint_score)}")
    if case.satisfaction is not None:
        about.append(f"*rates our help {case.satisfaction} of 5*")
    return about


def _percent(score: float | None) -> str:
    return "by hand" if score is None else f"{min(99, int(score * 100))} %"  # no model is ever certain


def _standing(case: Case, now: datetime) -> str:
    if case.state == "dismissed":
        return "not a complaint"
    if case.state == "resolved":
        return "resolved"
    if case.state == "replied" or (case.clock == "stopped" and case.first_response_at):
        return "answered"
    if case.clock == "paused":
        return "snoozed"
    if case.due_at is None:
        return "no clock"
    if is_overdue(case, now):
        return f"overdue by {span((now - case.due_at).total_seconds())}"
    return f"{span((case.due_at - now).total_seconds())} left"


def _ended(case: Case, who: str) -> tuple[str, str]:
    if case.first_response_at is not None:
        took = f" after {span(case.calendar_seconds)}" if case.calendar_seconds is not None else ""
        verdict = {True: ", in time", False: ", late", None: ""}[case.met]
        return ":white_check_mark:", f"Answered{took}{verdict}{who}"
    if case.state == "dismissed":
        return ":wastebasket:", f"Not a complaint{who}"
    return ":ballot_box_with_check:", f"Closed without a reply{who}"


def actions(case: Case) -> list[Block]:
    """Only what the case's state allows. Few buttons, the rest in the overflow menu."""

    def can(event: str) -> bool:
        return (case.state, event) in TRANSITIONS

    elements = []
    if can("take"):
        elements.append(_button(case, "take", "Take it", style="primary"))
    if can("reply"):
        elements.append(_button(case, "reply", "Reply" if case.state != "replied" else "Reply again"))
    if can("resolve"):
        elements.append(_button(case, "resolve", "Resolve"))
    if case.state in CLOSED_STATES and can("reopen"):
        elements.append(_button(case, "reopen", "Reopen"))
    if address(case.url):
        elements.append(_button(case, "open", "Open original", url=case.url))
    offered = [(event, label) for event, label in _MENU if can(event) and (event, case.state) != ("snooze", "snoozed")]
    options = [{"text": _plain(label), "value": event} for event, label in [*offered, ("history", "History…")]]
    elements.append({"type": "overflow", "action_id": "more", "options": options})
    return elements


def solved(case: Case, words: str) -> tuple[Block, ...]:
    """The question whether a case is solved, with its buttons."""
    elements = [
        _button(case, "solved_yes", "Solved", style="primary"),
        _button(case, "solved_no", "Not yet"),
        _button(case, "solved_later", "Ask again in a day"),
    ]
    return (_section(words), {"type": "actions", "block_id": f"solved:{case.id}", "elements": elements})


def _button(case: Case, action: str, label: str, **more: Any) -> Block:
    return {"type": "button", "action_id": action, "text": _plain(label), "value": str(case.id), **more}


def _section(words: str) -> Block:
    return {"type": "section", "text": _mrkdwn(words)}


def _mrkdwn(words: str) -> Block:
    return {"type": "mrkdwn", "text": words, "verbatim": True}


def _plain(words: str) -> Block:
    return {"type": "plain_text", "text": words}


def _severity(case: Case) -> str:
    return case.severity.capitalize()


def _words(key: str) -> str:
    return key.replace("_", " ")
