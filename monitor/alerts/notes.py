"""What is said in a case's thread: one mrkdwn text for each thing that happened or that somebody is asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from monitor.alerts.blocks import clock_words, ends, fallback, is_overdue, mention, moment, place, span
from monitor.alerts.text import cut, line, link, quote
from monitor.cases import Case

QUOTED = 800


def happened(
    case: Case, event: str, actor: str, detail: Mapping[str, Any], now: datetime, words: str | None = None
) -> str:
    """What `actor` did, or what befell the case. `words` are the customer's new ones, where there are any."""
    who = f"*{line(actor, 60)}*"
    writer = f"*{line(case.author_name or case.author, 80) or 'The customer'}*"
    said = "\n" + quote(words, QUOTED) if words else ""
    match event:
        case "take":
            return f":raised_hand: {who} took it{_left(case, now)}"
        case "hand_over":
            return f":handshake: {who} handed it over to {_new_owner(case, detail)}{_left(case, now)}{_with(detail)}"
        case "release":
            return f":leftwards_arrow_with_hook: {who} gave it back: nobody has it now{_left(case, now)}{_with(detail)}"
        case "note":
            return f":memo: {who} notes:\n{quote(str(detail.get('text') or ''), QUOTED)}{said}"
        case "auto_ack":
            return ":speech_balloon: The customer was told that we have seen this. The clock goes on."
        case "reply":
            words = "\n" + quote(str(detail["text"]), QUOTED) if detail.get("text") else ""
            return f":white_check_mark: {who} replied{_took(case)}{_where(detail)}{words}"
        case "reply_seen":
            return (
                f":white_check_mark: A reply by {who} was seen on {line(case.source, 60)}{_took(case)}{_where(detail)}"
            )
        case "reply_waits" | "reply_approved" | "reply_declined" | "reply_failed":
            return on_the_way(case, event, who, detail)
        case "snooze":
            until = f" until {moment(case.snoozed_until, now)}" if case.snoozed_until else ""
            return f":zzz: {who} snoozed it{until}"
        case "unsnooze":
            return f":bell: Awake again{_left(case, now)}"
        case "mute":
            until = f"until {moment(case.muted_until, now)}" if ends(case.muted_until) else "for good"
            return f":no_bell: {who} muted its reminders {until}. The clock goes on{_left(case, now)}"
        case "unmute":
            return f":bell: {who} wants to be reminded again{_left(case, now)}"
        case "resolve":
            return f":ballot_box_with_check: {who} resolved it"
        case "dismiss":
            return f":wastebasket: {who} says that this is not a complaint. The classifier will learn from it."
        case "reopen":
            return f":repeat: {who} reopened it{_left(case, now)}"
        case "joined":
            return f":speech_balloon: {writer} wrote more{said}"
        case "customer_again":
            return f":speech_balloon: {writer} wrote again after our answer{_left(case, now)}{said}"
        case "worse":
            edit = ", in what was edited" if words else ""
            return f":small_red_triangle: Now *{case.severity}*, was {detail.get('was')}{edit}{_left(case, now)}{said}"
        case "posted_anew":
            return ":recycle: The message of this case was gone, so here it is again. It goes on in this thread."
        case "told":
            words = quote(str(detail.get("text") or ""), QUOTED)
            return f":mega: The customer was told, by itself{_where(detail)}:\n{words}"
        case "rated":
            return f":star: {writer} rates our help *{detail.get('score')} of 5*{_instead(detail)}"
        case _:
            return f":information_source: {who}: {line(event.replace('_', ' '), 60)}"


def on_the_way(case: Case, event: str, who: str, detail: Mapping[str, Any]) -> str:
    """What befell a reply between its author and the customer. Its text is shown where somebody has to act on it."""
    author = f"*{line(str(detail.get('author') or ''), 60)}*"
    user = str(detail.get("slack_user") or "")
    call = mention(user) if user else who
    text = quote(str(detail.get("text") or ""), QUOTED)
    there = link(case.url, "the original")
    if event == "reply_waits":
        return f":eyes: {who} asks for a second pair of eyes before this goes to the customer:\n{text}"
    if event == "reply_approved":
        return f":thumbsup: {who} approved the reply by {author}: it goes out now"
    if event == "reply_declined":
        reason = f"\n{quote(str(detail['reason']), QUOTED)}" if detail.get("reason") else ""
        return f":leftwards_arrow_with_hook: {who} gave the reply back to {call}. *Reply* has its words.{reason}"
    why = line(str(detail.get("why") or ""), 300)
    if detail.get("perhaps"):
        head = f":grey_question: {call} Nobody can tell whether your reply has arrived: {why}"
        return f"{head}\n{text}\nLook at {there}. If it is not there, *Reply* has its words."
    head = f":warning: {call} Your reply did not go out: {why}"
    return f"{head}\n{text}\n*Reply* has its words, to change and send again. Or answer at {there}."


def asks(case: Case, event: str, whom: str | None, now: datetime, actor: str = "") -> str:
    """A reminder, an escalation or a breach: who is asked, and for what. `whom` is mrkdwn that notifies them; `actor`
    who asks for help, or was silent."""
    call = f"{whom} " if whom else ""
    if event == "breach":
        return f":rotating_light: {call}*The time to answer has run out.* {clock_words(case, now)}"
    if event == "worse":
        return f":small_red_triangle: A case elsewhere has become *{case.severity}*. {clock_words(case, now)}"
    if event == "silent_owner":
        silent = line(actor, 60) or "Its owner"
        return f":arrows_counterclockwise: {call}*{silent}* was silent for too long. {clock_words(case, now)}"
    if event == "renag":
        return f":rotating_light: {call}Still nobody has taken this. {clock_words(case, now)}"
    if event == "ask_solved":
        return f":question: {call}Our answer has stood without a word from the customer. *Is it solved?*"
    if event == "rated":
        words = "Nothing was reopened: look whether there is more to do."
        return f":star: {call}The customer rates our help *{case.satisfaction} of 5*. {words}"
    if event == "escalate":
        return f":sos: {call}*{line(actor, 60)}* asks for help with this. {clock_words(case, now)}"
    return f":bell: {call}This waits for an answer. {clock_words(case, now)}"


def elsewhere(case: Case, words: str, now: datetime) -> str:
    """The same outside the thread: with what it is about, and a way there."""
    where = place(case)
    return f"{words}\n{fallback(case, now)}" + (f"\n{link(where, 'Go to the case')}" if where else "")


def plain(case: Case, event: str, now: datetime) -> tuple[str, str]:
    """Title and body without any markup, for e-mail, pagers and the like."""
    name = cut(case.brand, 60, escaped=False)
    if event == "breach" or is_overdue(case, now):
        title = f"{name}: a customer was not answered in time"
    else:
        title = f"{name}: a customer waits for an answer"
    due = f"Due {case.due_at:%Y-%m-%d %H:%M} UTC" if case.due_at else "No time limit"
    left = f" ({span((case.due_at - now).total_seconds())} left)" if case.due_at and case.due_at > now else ""
    who = cut(case.owner, 60, escaped=False) + " has it." if case.owner else "Nobody has it."
    head = f"{case.severity.capitalize()} · {case.topic.replace('_', ' ')} · {cut(case.source, 60, escaped=False)}"
    rows = [
        head,
        "",
        cut(case.text, QUOTED, escaped=False),
        "",
        f"{due}{left}. {who}",
        case.url or "",
        place(case) or "",
    ]
    return title, "\n".join(rows).rstrip()


def _instead(detail: Mapping[str, Any]) -> str:
    return f", no longer {detail['before']}" if detail.get("before") else ""


def _left(case: Case, now: datetime) -> str:
    if case.clock != "running" or case.due_at is None:
        return ""
    if is_overdue(case, now):
        return f" · overdue since {moment(case.due_at, now)}"
    return f" · {span((case.due_at - now).total_seconds())} left"


def _new_owner(case: Case, detail: Mapping[str, Any]) -> str:
    """Whom a case was handed to, called by their Slack id where it is known."""
    if detail.get("slack_to"):
        return mention(str(detail["slack_to"]))
    return f"*{line(str(detail.get('to') or case.owner or ''), 60)}*"


def _with(detail: Mapping[str, Any]) -> str:
    """The words that somebody gave with it."""
    return "\n" + quote(str(detail["text"]), QUOTED) if detail.get("text") else ""


def _took(case: Case) -> str:
    if case.first_response_at is None or case.calendar_seconds is None:
        return ""
    return f" after {span(case.calendar_seconds)}" + {True: ", in time", False: ", late", None: ""}[case.met]


def _where(detail: Mapping[str, Any]) -> str:
    url = detail.get("url")
    shown = link(url, "see it") if isinstance(url, str) else ""
    return f" · {shown}" if shown.startswith("<") else ""
