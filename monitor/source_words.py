"""How a source is doing, in words: the same on the command line and on the page."""

from __future__ import annotations

from datetime import datetime

from monitor.source_health import BudgetHealth, SourceHealth

MEANINGS = {
    "state": (
        "State",
        "ok: its last poll went well. new: not polled yet. failing: its last polls failed, and it is tried again. "
        "stopped: its service refused the configuration, and is asked again when that changes.",
    ),
    "read": ("Read", "The time since its last good poll."),
    "newest": ("Newest", "The age of the newest mention that it has brought, by when that was posted."),
    "stream": (
        "Stream",
        "For sources that are also heard live: since when they are connected, or that they broke off.",
    ),
    "every": ("Every", "How often it is polled now: sooner while much comes, later while little does."),
    "next": ("Next", "When it is polled next, and what it waits for where that is not its turn."),
    "budget": (
        "Budget",
        "What it spent of the day's budget, by our own count, and when that will be spent if it goes on as of late. "
        "Sources with the same credential share one.",
    ),
    "unread": ("Unread", "Items that could not be read, kept with the reason; the others went on."),
}


def stream(source: SourceHealth, now: datetime) -> str:
    since = source.connected_at
    return f"for {span((now - since).total_seconds())}" if since else source.stream or ""


def next_poll(source: SourceHealth, now: datetime) -> str:
    if source.state == "stopped":
        return "when its configuration changes"
    seconds = (source.next_poll_at - now).total_seconds() if source.next_poll_at else 0
    words = f"in {span(seconds)}" if seconds > 0 else "now"
    return f"{words} ({source.waits_for})" if source.waits_for else words


def budget(of: BudgetHealth) -> str:
    if of.daily is None:
        return f"{of.spent:,.6g} {of.name} today"
    words = f"{of.spent:,.6g} of {of.daily:,.6g} {of.name}"
    if of.left == 0:
        return f"{words}, begins anew at {of.resets_at:%H:%M} UTC"
    return f"{words}, at this rate spent at {of.lasts_until:%H:%M} UTC" if of.lasts_until else words


def ago(seconds: float | None) -> str:
    return "never" if seconds is None else f"{span(seconds)} ago"


def span(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
