"""Answers where the owner alone answers, once for each item, and the next answer takes the place of the last.

Such services keep one id for whatever the owner says. What a person wrote in place of our automatic acknowledgement
must count as another answer than that, so here an answer is known by its words.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.sources.base import SeenReply

_MARGIN = timedelta(minutes=1)  # services may count an answer as a change of the item
_TAG = re.compile(r"<[^<>]*>")


def owners_answer(item: str, words: str, at: datetime, author: str, url: str | None = None) -> SeenReply:
    """What the owner says under the item with the id `item`. `author`: how people call the owner there."""
    return SeenReply(answer_id(item, words), at, author, url)


@dataclass(frozen=True, slots=True)
class Answered:
    """An item as a list shows it: its id, when its present words were written, and the owner's answer."""

    item: str
    written_at: datetime | None = None
    answer: SeenReply | None = None


def answers_in(
    pages: Iterable[Iterable[Answered]], wanted: Collection[str], besides: frozenset[str]
) -> dict[str, SeenReply]:
    """The answers to the items `wanted`. No further page is asked for when all items were found."""
    missing, found = set(wanted), {}
    for page in pages if missing else ():
        for each in page:
            if each.item not in missing:
                continue
            missing.discard(each.item)
            answer = each.answer
            if answer is not None and answer.external_id not in besides and answers(answer, each.written_at):
                found[each.item] = answer
        if not missing:
            break
    return found


def answers(answer: SeenReply, written_at: datetime | None) -> bool:
    """Whether it answers words that were written then. An older one answered what the customer has edited since."""
    return written_at is None or answer.at >= written_at - _MARGIN


def answer_id(item: str, words: str) -> str:
    """The same for words that differ in what services change by themselves: spaces, HTML tags, entities."""
    plain = " ".join(_TAG.sub("", html.unescape(words)).split())
    return f"{item}#{hashlib.sha256(plain.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
