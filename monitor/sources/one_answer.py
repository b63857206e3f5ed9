"""Answers where the owner alone answers, once for each item, and the next answer takes the place of the last.

Such services keep one id for whatever the owner says. What a person wrote in place of our automatic acknowledgement
must count as another answer than that, so here an answer is known by its words.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Any

from monitor.sources.base import SeenReply

_TAG = re.compile(r"<[^<>]*>")


def owners_answer(item: str, words: str, at: datetime, author: str, url: str | None = None) -> SeenReply:
    """What the owner says under the item with the id `item`. `author`: how people call the owner there."""
    return SeenReply(answer_id(item, words), at, author, url)


def answers_in(
    pages: Iterable[Iterable[Any]],
    wanted: Collection[str],
    besides: frozenset[str],
    read: Callable[[Any], tuple[str, SeenReply | None]],
) -> dict[str, SeenReply]:
    """The owner's answers to the items `wanted`, from lists that show an answer with its item. `read` gives the id of
    an item and its answer. No further page is asked for when all items were found."""
    missing, found = set(wanted), {}
    for page in pages if missing else ():
        for each in page:
            external_id, answer = read(each)
            if external_id in missing:
                missing.discard(external_id)
                if answer is not None and answer.external_id not in besides:
                    found[external_id] = answer
        if not missing:
            break
    return found


def answer_id(item: str, words: str) -> str:
    """The same for words that differ in what services change by themselves: spaces, HTML tags, entities."""
    plain = " ".join(_TAG.sub("", html.unescape(words)).split())
    return f"{item}#{hashlib.sha256(plain.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
