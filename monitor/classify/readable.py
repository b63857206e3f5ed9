"""What no classifier can judge, and why."""

from __future__ import annotations

from monitor import serbian
from monitor.classify.rating import problem
from monitor.classify.text import clean, says_something
from monitor.classify.verdict import Subject, Unreadable

MAX_TEXT = 200_000  # characters; longer texts are refused


def in_latin(subject: Subject) -> str:
    """The text, in Latin letters if it is Serbian or its source says so."""
    return serbian.latin(subject.text, told=subject.language == "sr")


def readable(subject: Subject) -> str:
    """The cleaned text; empty for one that is too long to be looked at."""
    return clean(in_latin(subject)) if len(subject.text) <= MAX_TEXT else ""


def unreadable(subject: Subject, text: str) -> Unreadable | None:
    """Why a subject, whose cleaned text is given, cannot be judged; None if it can."""
    if len(subject.text) > MAX_TEXT:
        return Unreadable(f"text of {len(subject.text)} characters: the limit is {MAX_TEXT}")
    if reason := problem(subject.rating):
        return Unreadable(reason)
    if not text:
        return Unreadable("empty text")
    if not says_something(text):
        return Unreadable("nothing but addresses and handles")
    return None
